/* SPDX-License-Identifier: Apache-2.0 */
#include "files.h"

#include "cleanup.h"
#include "error.h"

#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>

int files_make_parents(const char *path, struct ein_error *err)
{
    EIN_FREE char *folder = strdup(path);

    if (!folder)
        return error_no_memory(err);
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, 0700) < 0 && errno != EEXIST)
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
