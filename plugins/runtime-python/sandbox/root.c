/* SPDX-License-Identifier: Apache-2.0 */
#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Any directory serves to build the new root on, in our own mount namespace; this
 * one is never the source of a mount. */
#define SITE "/proc"

static bool is_device(const char *path)
{
    return strncmp(path, "/dev/", 5) == 0;
}

static const char *copy_mount(struct root_place *place)
{
    struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID };
    struct stat is;

    if (!is_device(place->real))
        attributes.attr_set |= MOUNT_ATTR_NODEV;
    if (stat(place->real, &is) < 0)
        return "stat";
    place->is_dir = S_ISDIR(is.st_mode);
    place->tree =
        open_tree(AT_FDCWD, place->real, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (place->tree < 0)
        return "open_tree";
    if (mount_setattr(place->tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes,
                      sizeof(attributes)) < 0)
        return "mount_setattr";
    return NULL;
}

static const char *gather(struct root *root, const char *path, const char *as)
{
    struct root_place *place = &root->places[root->count];

    if (root->count == ROOT_PATHS_MAX) {
        errno = E2BIG;
        return "too many paths";
    }
    *place = (struct root_place){ .path = as, .real = realpath(path, NULL), .tree = -1 };
    if (!place->real)
        return NULL;
    root->count++;
    return copy_mount(place);
}

const char *root_gather(struct root *root, const char *const *paths, const char *runtime_dir)
{
    const char *failed;

    *root = (struct root){ 0 };
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return "mount private";
    failed = gather(root, runtime_dir, ROOT_RUNTIME_DIR);
    if (!failed && root->count == 1) {
        root->hidden = dirname(root->places[0].real);
        root->places[0].real = strdup(ROOT_RUNTIME_DIR);
    }
    for (; !failed && *paths; paths++)
        failed = gather(root, *paths, *paths);
    return failed;
}

/* The directories above `path`, inside the site. */
static bool make_parents(const char *path)
{
    char copy[PATH_MAX];

    if ((size_t)snprintf(copy, sizeof(copy), "%s", path + 1) >= sizeof(copy))
        return false;
    for (char *slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0755) < 0 && errno != EEXIST)
            return false;
        *slash = '/';
    }
    return true;
}

/* /lib64 -> usr/lib64 and the like: the names in binaries go through them. */
static const char *copy_top_links(void)
{
    static const char *const names[] = { "lib", "lib32", "lib64", "libx32", "bin" };
    char from[16], target[PATH_MAX], inside[PATH_MAX + 2];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(from, sizeof(from), "/%s", names[i]);
        ssize_t len = readlink(from, target, sizeof(target) - 1);
        if (len <= 0)
            continue;
        target[len] = '\0';
        snprintf(inside, sizeof(inside), "%s%s/", *target == '/' ? "" : "/", target);
        if (!make_parents(inside) || symlink(target, names[i]) < 0)
            return "links of the root";
    }
    return NULL;
}

/* Where the place will be mounted; false if a mounted folder holds it already. */
static bool make_mount_point(const struct root_place *place, const char **ret_failed)
{
    const char *inside = place->real + 1;

    *ret_failed = NULL;
    if (!make_parents(place->real)) {
        *ret_failed = "mkdir";
        return false;
    }
    if (place->is_dir) {
        if (mkdir(inside, 0755) < 0 && errno != EEXIST)
            *ret_failed = "mkdir";
        return !*ret_failed;
    }
    int fd = open(inside, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    if (fd < 0) {
        if (errno != EROFS && errno != EACCES)
            *ret_failed = "open";
        return false;
    }
    close(fd);
    return true;
}

static const char *put(const struct root_place *place)
{
    const char *failed;

    if (make_mount_point(place, &failed) &&
        move_mount(place->tree, "", AT_FDCWD, place->real + 1, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        failed = "move_mount";
    close(place->tree);
    if (failed)
        return failed;

    /* The link is there already if its folder has been mounted. */
    if (strcmp(place->path, place->real) != 0 && make_parents(place->path) &&
        symlink(place->real, place->path + 1) < 0 && errno != EEXIST && errno != EROFS)
        return "symlink";
    return NULL;
}

/* Only to be found there if it lies in a folder that the interpreter needs. */
static const char *hide(const char *path)
{
    unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;

    if (path && mount("tmpfs", path + 1, "tmpfs", flags, "nr_inodes=1") < 0 && errno != ENOENT)
        return "mount over the plugin";
    return NULL;
}

static bool make_work_dir(void)
{
    return mkdir("w", 0755) == 0 && mkdir("w/tmp", 0755) == 0 && symlink("w/tmp", "tmp") == 0;
}

const char *root_enter(struct root *root)
{
    const char *failed;

    if (mount("tmpfs", SITE, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,nr_inodes=512,mode=0755") < 0)
        return "mount tmpfs";
    if (chdir(SITE) < 0)
        return "chdir";
    if (!make_work_dir())
        return "mkdir";
    failed = copy_top_links();
    for (size_t i = 0; !failed && i < root->count; i++)
        failed = put(&root->places[i]);
    if (!failed)
        failed = hide(root->hidden);
    if (failed)
        return failed;

    /* The old root is stacked on the new one, and then taken off. */
    if (syscall(SYS_pivot_root, ".", ".") < 0)
        return "pivot_root";
    if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return "umount of the old root";
    if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) < 0)
        return "read-only root";
    return NULL;
}
