/* SPDX-License-Identifier: Apache-2.0 */
#include "files.h"

#include "cleanup.h"
#include "error.h"
#include "str.h"

#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void files_give(int fd, const char *path)
{
    EIN_FREE char *copy = strdup(path);
    struct stat folder;

    if (copy && geteuid() == 0 && stat(dirname(copy), &folder) == 0)
        (void)!fchown(fd, folder.st_uid, folder.st_gid);
}

static int make_folder(const char *folder)
{
    EIN_CLOSE int fd = -1;

    if (mkdir(folder, 0700) < 0)
        return errno == EEXIST ? 0 : -1;
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        files_give(fd, folder);
    return 0;
}

int files_make_parents(const char *path, struct ein_error *err)
{
    EIN_FREE char *folder = strdup(path);

    if (!folder)
        return error_no_memory(err);
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (make_folder(folder) < 0)
            return error_set(err, EIN_E_UNAVAILABLE, "The folder %s cannot be made: %s", folder,
                             strerror(errno));
        *slash = '/';
    }
    return 0;
}

int files_sync_folder(const char *path, struct ein_error *err)
{
    EIN_FREE char *copy = strdup(path);
    EIN_CLOSE int folder = -1;

    if (!copy)
        return error_no_memory(err);
    folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || fsync(folder) < 0)
        return error_set(err, EIN_E_UNAVAILABLE, "The folder of %s cannot be synced: %s", path,
                         strerror(errno));
    return 0;
}

int files_cannot_write(const char *path, struct ein_error *err)
{
    return error_set(err, EIN_E_UNAVAILABLE, "%s cannot be written: %s", path, strerror(errno));
}

int files_part_open(const char *path, char **ret_part, int *ret_fd, struct ein_error *err)
{
    EIN_FREE char *part = NULL;
    struct stat there;

    if (lstat(path, &there) == 0)
        return error_set(err, EIN_E_CONFLICT, "%s exists already: only a new file is written",
                         path);
    part = str_print("%s.part-XXXXXX", path);
    if (!part)
        return error_no_memory(err);
    *ret_fd = mkostemp(part, O_CLOEXEC); /* mode 0600 */
    if (*ret_fd < 0)
        return files_cannot_write(path, err);
    *ret_part = EIN_TAKE(part);
    return 0;
}

static int give_name(const char *part, const char *path, struct ein_error *err)
{
    EIN_CLOSE int fd = open(part, O_RDWR | O_CLOEXEC);

    if (fd < 0 || fsync(fd) < 0)
        return files_cannot_write(part, err);
    if (renameat2(AT_FDCWD, part, AT_FDCWD, path, RENAME_NOREPLACE) < 0)
        return files_cannot_write(path, err);
    return files_sync_folder(path, err);
}

int files_part_end(const char *part, const char *path, int r, struct ein_error *err)
{
    if (r >= 0)
        r = give_name(part, path, err);
    if (r < 0)
        (void)unlink(part);
    return r;
}
