/* SPDX-License-Identifier: Apache-2.0 */
/* Gives each file of the named folders to the target once: a corpus as a test. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INPUT_MAX = 64 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(int folder, const char *name)
{
    struct stat about;
    uint8_t *data;
    ssize_t len;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &about) < 0 || about.st_size > INPUT_MAX) {
        (void)fprintf(stderr, "%s: cannot be read\n", name);
        return -1;
    }
    data = malloc((size_t)about.st_size + 1);
    len = data ? read(fd, data, (size_t)about.st_size) : -1;
    (void)close(fd);
    if (len == about.st_size)
        (void)LLVMFuzzerTestOneInput(data, (size_t)len);
    free(data);
    return len == about.st_size ? 0 : -1;
}

/* The number of files, or -1. */
static int replay_folder(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    int count = 0;

    if (!folder)
        return -1;
    while (count >= 0 && (entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        count = replay_file(dirfd(folder), entry->d_name) < 0 ? -1 : count + 1;
    }
    (void)closedir(folder);
    return count;
}

int main(int count, char **arguments)
{
    for (int i = 1; i < count; i++) {
        int files = replay_folder(arguments[i]);

        if (files <= 0) {
            (void)fprintf(stderr, "%s: no corpus\n", arguments[i]);
            return 1;
        }
        (void)printf("%s: %d inputs\n", arguments[i], files);
    }
    return count > 1 ? 0 : 1;
}
