/* SPDX-License-Identifier: Apache-2.0 */
#include "sqlite.h"

#include "error.h"
#include "files.h"
#include "readers.h"

#include <fcntl.h>

static int copy_pages(struct db *from, struct db *to, struct ein_error *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(to->handle, "main", from->handle, "main");

    if (!backup)
        return db_error(to, err);
    /* In one step it reads one snapshot, and writers go on in the WAL; in several,
     * each write would make it begin again. */
    (void)sqlite3_backup_step(backup, -1);
    return sqlite3_backup_finish(backup) == SQLITE_OK ? 0 : db_error(to, err);
}

static int copy_into(struct db *from, const char *path, struct ein_error *err)
{
    struct db *to;
    int r = db_open(path, SQLITE_OPEN_READWRITE, &to, err);

    if (r < 0)
        return r;
    r = db_run(to, "PRAGMA synchronous = FULL", err);
    if (r >= 0)
        r = copy_pages(from, to, err);
    db_close(to);
    return r;
}

/* Before start() the file may be another process's. */
static int copy_store(const struct sqlite *store, const char *path, struct ein_error *err)
{
    struct db *from;
    int r = store->open ? readers_take(store->readers, &from, err) : file_look(store, &from, err);

    if (r < 0)
        return r;
    r = copy_into(from, path, err);
    if (store->open)
        readers_give(store->readers, from);
    else
        db_close(from);
    return r;
}

/* It says of itself that no WAL belongs to it, so that one which lies where it is restored is
 * known to be another's. */
static int mark_as_copy(const char *path, struct ein_error *err)
{
    EIN_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);

    return fd >= 0 && pwrite(fd, FILE_WITHOUT_WAL, 2, FILE_JOURNAL_AT) == 2
               ? 0
               : files_cannot_write(path, err);
}

int sqlite_backup(void *impl, const char *path, struct ein_error *err)
{
    const struct sqlite *store = impl;
    EIN_FREE char *part = NULL;
    int fd, r;

    if (!path || !*path)
        return error_set(err, EIN_E_INVALID, "A backup needs the path of a new file");
    r = files_part_open(path, &part, &fd, err);
    if (r < 0)
        return r;
    (void)close(fd);
    r = copy_store(store, part, err);
    if (r >= 0)
        r = mark_as_copy(part, err);
    return files_part_end(part, path, r, err);
}
