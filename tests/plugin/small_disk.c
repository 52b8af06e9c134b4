/* SPDX-License-Identifier: Apache-2.0 */
#include "small_disk.h"

#include "cleanup.h"
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { BLOCK = 4096 };

#define OURS __attribute__((visibility("default")))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct disk {
    char folder[128]; /* "": none */
    int64_t bytes;
} guarded; /* by lock: stores write on threads of their own */

static struct disk disk_now(void)
{
    EIN_LOCKED(&lock);
    return guarded;
}

static int64_t used_of(const struct disk *disk)
{
    DIR *folder = opendir(disk->folder);
    const struct dirent *it;
    struct stat about;
    int64_t used = 0;

    while (folder && (it = readdir(folder)))
        if (fstatat(dirfd(folder), it->d_name, &about, 0) == 0 && S_ISREG(about.st_mode))
            used += about.st_size;
    if (folder)
        closedir(folder);
    return used;
}

int64_t small_disk_used(void)
{
    const struct disk disk = disk_now();

    return used_of(&disk);
}

/* Whether a file may be LEN bytes long. */
static bool has_room(int fd, int64_t len)
{
    const struct disk disk = disk_now();
    struct stat about;

    return !*disk.folder || fstat(fd, &about) < 0 || len <= about.st_size ||
           used_of(&disk) + len - about.st_size <= disk.bytes;
}

static ssize_t write_at(int fd, const void *data, size_t len, off_t at)
{
    if (has_room(fd, at + (off_t)len))
        return pwrite(fd, data, len, at);
    errno = ENOSPC;
    return -1;
}

OURS int posix_fallocate(int fd, off_t at, off_t len)
{
    if (!has_room(fd, at + len))
        return ENOSPC;
    return ftruncate(fd, at + len) < 0 ? errno : 0;
}

OURS int statvfs(const char *path, struct statvfs *ret_disk)
{
    const struct disk disk = disk_now();
    int64_t left = *disk.folder ? disk.bytes - used_of(&disk) : INT32_MAX;

    *ret_disk = (struct statvfs){ .f_frsize = BLOCK,
                                  .f_bavail = left < 0 ? 0 : (fsblkcnt_t)(left / BLOCK) };
    return 0;
}

void small_disk(const char *folder, int64_t bytes)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    sqlite3_syscall_ptr write = folder ? (sqlite3_syscall_ptr)write_at : NULL;

    {
        EIN_LOCKED(&lock);
        snprintf(guarded.folder, sizeof(guarded.folder), "%s", folder ? folder : "");
        guarded.bytes = bytes;
    }
    assert_int_equal(vfs->xSetSystemCall(vfs, "pwrite", write), SQLITE_OK);
    assert_int_equal(vfs->xSetSystemCall(vfs, "pwrite64", write), SQLITE_OK);
}
