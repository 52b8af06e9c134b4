/* SPDX-License-Identifier: Apache-2.0 */
#include "reserve.h"

#include "clock.h"
#include "error.h"
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    GROWTH_MAX =
        65536,    /* what comes with a deletion: its entry in the audit log, what a call cost */
    PORTIONS = 4, /* that the file is given up in: others may fill the disk, too */
    SHARE = 8,    /* of the largest size, at most one part of so many is kept */
    TRY_MS = 1000 /* to have the file again */
};

struct reserve {
    const struct sqlite *store;
    char *path;
    int64_t bytes; /* wanted on the disk */
    int64_t part;  /* wanted of max_mib */
    int64_t tried_ms;
    int64_t overwrites; /* what is deleted, while the store is not full */
    int64_t size;       /* of the file */
    bool full;          /* less is left than is wanted */
    bool tight;         /* less than half of that */
};

/* ---- the file ---- */

/* What is there already stays, if all of it cannot be had. */
static int allocate(struct reserve *reserve)
{
    EIN_CLOSE int fd = open(reserve->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat about;
    int failed;

    if (fd < 0 || fstat(fd, &about) < 0)
        return errno;
    files_give(fd, reserve->path);
    failed = posix_fallocate(fd, 0, reserve->bytes);
    reserve->size = failed && about.st_size < reserve->bytes ? about.st_size : reserve->bytes;
    return ftruncate(fd, reserve->size) < 0 && !failed ? errno : failed;
}

/* Where no such file can be made for another reason there is none. */
static void hold(struct reserve *reserve)
{
    const struct sqlite *store = reserve->store;
    int failed = allocate(reserve);

    reserve->tried_ms = clock_mono_ms();
    if (!failed || failed == ENOSPC || failed == EDQUOT)
        return;
    reserve->bytes = reserve->size = 0;
    store->host->log_msg(store->ctx, EIN_WARN, "%s cannot be made: %s", reserve->path,
                         strerrordesc_np(failed));
}

static int64_t disk_left(const struct reserve *reserve)
{
    struct statvfs disk;

    return statvfs(reserve->store->path, &disk) < 0
               ? 0
               : (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
}

bool reserve_give_up(struct reserve *reserve)
{
    if (reserve->size == 0 ||
        (reserve->part && disk_left(reserve) >= reserve->bytes)) /* only max_mib is in the way */
        return false;
    reserve->size -=
        reserve->size < reserve->bytes / PORTIONS ? reserve->size : reserve->bytes / PORTIONS;
    reserve->tried_ms = clock_mono_ms();
    return truncate(reserve->path, reserve->size) == 0;
}

bool reserve_is_gone(const struct reserve *reserve)
{
    return reserve->size < reserve->bytes;
}

/* ---- how it stands ---- */

static void tell(const struct reserve *reserve)
{
    const struct sqlite *store = reserve->store;

    store->host->gauge(store->ctx, "einion_sqlite_full", reserve->full, NULL);
    if (reserve->full)
        store->host->log_msg(store->ctx, EIN_ERROR,
                             "%s: the disk, or the size allowed to it, is full: nothing is written "
                             "but what frees space",
                             store->path);
    else
        store->host->log_msg(store->ctx, EIN_INFO, "%s: there is space again", store->path);
}

static bool measure(struct db *db, int64_t *ret_used, int64_t *ret_unused)
{
    int64_t pages, unused, size;

    if (db_read_number(db, "PRAGMA page_count", &pages, NULL) < 0 ||
        db_read_number(db, "PRAGMA freelist_count", &unused, NULL) < 0 ||
        db_read_number(db, "PRAGMA page_size", &size, NULL) < 0)
        return false;
    *ret_used = (pages - unused) * size;
    *ret_unused = unused * size;
    return true;
}

/* Where SQLite overwrites what is deleted, a deletion takes as much space, on its way into the
 * file, as what it frees. */
static void overwrite(struct reserve *reserve, struct db *db)
{
    if (reserve->full &&
        db_read_number(db, "PRAGMA secure_delete", &reserve->overwrites, NULL) == 0)
        (void)db_run(db, "PRAGMA secure_delete = FAST", NULL);
    else if (!reserve->full && reserve->overwrites == 1)
        (void)db_run(db, "PRAGMA secure_delete = ON", NULL);
}

void reserve_look(struct reserve *reserve, struct db *db)
{
    int64_t used = 0, unused = 0;
    bool was_full = reserve->full;

    /* With as much beside it, or the next document would have it given up again. */
    if (reserve_is_gone(reserve) && clock_mono_ms() - reserve->tried_ms >= TRY_MS &&
        disk_left(reserve) >= 2 * reserve->bytes)
        hold(reserve);
    bool is_gone = reserve_is_gone(reserve);
    if ((is_gone || reserve->part) && !measure(db, &used, &unused))
        return;
    reserve->full = reserve->tight = false;
    if (is_gone) {
        reserve->full = unused < reserve->bytes;
        reserve->tight = unused + reserve->size + disk_left(reserve) < reserve->bytes / 2;
    }
    if (reserve->part) {
        int64_t left = (reserve->store->max_mib << 20) - used;

        reserve->full = reserve->full || left < reserve->part;
        reserve->tight = reserve->tight || left < reserve->part / 2;
    }
    if (reserve->full == was_full)
        return;
    overwrite(reserve, db);
    tell(reserve);
}

bool reserve_is_full(const struct reserve *reserve)
{
    return reserve->full;
}

bool reserve_lets_pass(const struct reserve *reserve, bool eases, int64_t growth)
{
    return growth <= 0 || (eases && !reserve->tight && growth <= GROWTH_MAX);
}

/* ---- opening ---- */

int reserve_new(struct sqlite *store, struct reserve **ret_reserve, struct ein_error *err)
{
    struct reserve *reserve = calloc(1, sizeof(*reserve));

    if (!reserve || asprintf(&reserve->path, "%s.reserve", store->path) < 0) {
        free(reserve);
        return error_no_memory(err);
    }
    reserve->store = store;
    reserve->bytes = reserve->part = store->reserve_bytes;
    if (reserve->part > (store->max_mib << 20) / SHARE)
        reserve->part = (store->max_mib << 20) / SHARE;
    if (reserve->bytes > 0)
        hold(reserve);
    else
        (void)unlink(reserve->path); /* there was one, before */
    *ret_reserve = reserve;
    return 0;
}

void reserve_free(struct reserve *reserve)
{
    if (!reserve)
        return;
    free(reserve->path);
    free(reserve);
}
