/* SPDX-License-Identifier: Apache-2.0 */
#include "open_inside.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, RETRIES = 8 };

/* A special file would keep an open() waiting. */
enum { HOW = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK };

static bool part_is_good(const char *part, size_t len, bool first)
{
    static const char known[] = ".well-known";

    if (len == 0)
        return false;
    return part[0] != '.' || (first && len == sizeof(known) - 1 && memcmp(part, known, len) == 0);
}

bool path_is_good(const char *path)
{
    const char *at = path;

    if (strlen(path) >= PATH_BYTES)
        return false;
    for (const char *it = path; *it; it++)
        if ((unsigned char)*it < ' ' || *it == 0x7f || *it == '\\')
            return false;
    for (;;) {
        size_t len = strcspn(at, "/");

        if (!part_is_good(at, len, at == path))
            return false;
        if (at[len] == '\0')
            return true;
        at += len + 1;
    }
}

/* For kernels that cannot keep a path inside a folder: no link is followed. */
static int open_step_by_step(int root, const char *path)
{
    char part[PATH_BYTES];
    int at = dup(root);

    while (at >= 0) {
        size_t len = strcspn(path, "/");
        int next;

        memcpy(part, path, len);
        part[len] = '\0';
        next = openat(at, part,
                      path[len] ? O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC : HOW | O_NOFOLLOW);
        (void)close(at);
        if (!path[len])
            return next;
        at = next;
        path += len + 1;
    }
    return -1;
}

static int open_below(int root, const char *path)
{
    const struct open_how how = { .flags = HOW,
                                  .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };

    /* EAGAIN: something was renamed meanwhile, and the kernel cannot tell where to. */
    for (int i = 0; i < RETRIES; i++) {
        long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

        if (fd >= 0)
            return (int)fd;
        if (errno == ENOSYS || errno == EPERM)
            return open_step_by_step(root, path);
        if (errno != EAGAIN && errno != EINTR)
            return -1;
    }
    return -1;
}

int open_inside(const char *folder, const char *path, struct stat *ret_stat)
{
    /* Opened anew each time: a link that is turned to a new build counts at once. */
    EIN_CLOSE int root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = root < 0 ? -1 : open_below(root, path);

    if (fd >= 0 && (fstat(fd, ret_stat) < 0 || !S_ISREG(ret_stat->st_mode))) {
        (void)close(fd);
        return -1;
    }
    return fd;
}
