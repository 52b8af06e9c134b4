/* SPDX-License-Identifier: Apache-2.0 */
#include "files.h"

#include "cleanup.h"
#include "error.h"

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
