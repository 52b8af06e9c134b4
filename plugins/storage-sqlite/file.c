/* SPDX-License-Identifier: Apache-2.0 */
/* From a path to an open store, or to the sentence that says why not. */
#include "chosen.h"
#include "sqlite.h"

#include "clock.h"
#include "document.h"
#include "error.h"
#include "files.h"
#include "reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { APPLICATION_ID = 0x45494e31 }; /* "EIN1" */

extern const char schema_1[]; /* schema.sql */

static const struct step { /* takes a file to this version */
    int64_t version;
    const char *sql;
} steps[] = {
    { 1, schema_1 },
};
enum { STEP_COUNT = sizeof(steps) / sizeof(steps[0]) };

/* ---- possession ---- */

static int check_path(const char *path, struct ein_error *err)
{
    if (!path || !*path)
        return error_set(err, EIN_E_INVALID, "storage-sqlite needs the setting 'path'");
    if (*path == ':' || strncmp(path, "file:", 5) == 0)
        return error_set(err, EIN_E_INVALID,
                         "'%.100s' is not a file: storage-sqlite keeps documents on disk; "
                         "storage-memory keeps them in memory",
                         path);
    return 0;
}

/* Two names of one file must lead to one lock. */
static int resolve(const char *path, char **ret_path, struct ein_error *err)
{
    char *resolved = realpath(path, NULL);

    if (!resolved && errno == ENOENT) {
        EIN_FREE char *folder_copy = strdup(path), *name_copy = strdup(path);
        EIN_FREE char *folder =
            folder_copy && name_copy ? realpath(dirname(folder_copy), NULL) : NULL;
        if (folder && asprintf(&resolved, "%s/%s", folder, basename(name_copy)) < 0)
            resolved = NULL;
    }
    if (!resolved)
        return error_set(err, EIN_E_UNAVAILABLE, "%s cannot be reached: %s", path, strerror(errno));
    *ret_path = resolved;
    return 0;
}

static int in_use(const char *path, int fd, struct ein_error *err)
{
    char owner[32] = { 0 };

    (void)!pread(fd, owner, sizeof(owner) - 1, 0);
    return error_set(err, EIN_E_CONFLICT,
                     "%s is in use by process %d: one server at a time may own it", path,
                     atoi(owner));
}

/* A file beside it, never removed, is locked: closing a second descriptor of the
 * database itself would drop SQLite's own locks. */
static int take_lock(const char *path, int *ret_fd, struct ein_error *err)
{
    EIN_FREE char *lock_path = NULL;
    EIN_CLOSE int fd = -1;

    if (asprintf(&lock_path, "%s.lock", path) < 0)
        return error_no_memory(err);
    fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set(err, EIN_E_UNAVAILABLE, "%s cannot be made: %s", lock_path,
                         strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return in_use(path, fd, err);
    files_give(fd, lock_path);

    char owner[32];
    int len = snprintf(owner, sizeof(owner), "%d\n", getpid());
    /* In this order, or there is no block for it on a disk that is full. */
    if (pwrite(fd, owner, (size_t)len, 0) != len || ftruncate(fd, len) < 0)
        return error_set(err, EIN_E_UNAVAILABLE, "%s cannot be written: %s", lock_path,
                         strerror(errno));
    *ret_fd = fd;
    fd = -1;
    return 0;
}

int file_own(struct sqlite *store, struct ein_error *err)
{
    EIN_FREE char *path = NULL;
    int r = check_path(store->wanted_path, err);

    if (r >= 0)
        r = files_make_parents(store->wanted_path, err);
    if (r >= 0)
        r = resolve(store->wanted_path, &path, err);
    if (r >= 0)
        r = take_lock(path, &store->owner_fd, err);
    if (r < 0)
        return r;
    store->path = EIN_TAKE(path);
    return 0;
}

/* The nearest folder above PATH that is there. */
static char *folder_above(const char *path, struct stat *ret_about)
{
    EIN_FREE char *folder = strdup(path);

    while (folder) {
        EIN_FREE char *below = EIN_TAKE(folder);

        folder = strdup(dirname(below));
        if (folder && stat(folder, ret_about) == 0)
            return EIN_TAKE(folder);
        if (errno != ENOENT || !folder || strcmp(folder, "/") == 0)
            break;
    }
    return NULL;
}

int file_check(void *self, ein_say *say, void *data, struct ein_error *err)
{
    const struct sqlite *store = self;
    const char *path = store->wanted_path;
    EIN_FREE char *folder = NULL;
    EIN_FREE char *line = NULL;
    struct stat about;
    struct statvfs disk;
    int r;

    if (!storage_is_chosen(store->host, store->ctx, self))
        return 0;
    r = check_path(path, err);
    if (r < 0)
        return r;
    folder = folder_above(path, &about);
    if (!folder || statvfs(folder, &disk) < 0 ||
        faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) < 0 ||
        (faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) < 0 && errno != ENOENT))
        return error_set(err, EIN_E_UNAVAILABLE, "documents cannot be kept in %s: %s: %s", path,
                         folder ? folder : "its folder", strerror(errno));
    if (asprintf(&line,
                 "documents are kept in %s: %s is of user %u, mode %04o, with %" PRIu64 " MiB free",
                 path, folder, (unsigned)about.st_uid, (unsigned)about.st_mode & 07777,
                 (uint64_t)disk.f_bavail * disk.f_frsize >> 20) < 0)
        return error_no_memory(err);
    say(line, data);
    return 0;
}

static bool is_still(const char *path, struct file_id *id)
{
    struct stat about;

    if (stat(path, &about) < 0)
        return id->number == 0 && errno == ENOENT;
    if (id->number == 0)
        *id = (struct file_id){ about.st_dev, about.st_ino };
    return about.st_dev == id->device && about.st_ino == id->number;
}

int file_check_place(struct sqlite *store, struct ein_error *err)
{
    char wal[PATH_MAX];

    snprintf(wal, sizeof(wal), "%s-wal", store->path);
    if (!is_still(store->path, &store->file))
        return error_set(err, EIN_E_UNAVAILABLE,
                         "The store's file was moved or replaced while the server runs");
    if (!is_still(wal, &store->wal))
        return error_set(err, EIN_E_UNAVAILABLE,
                         "The WAL of the store's file was taken away while the server runs");
    return 0;
}

void file_disown(struct sqlite *store)
{
    store->file.number = store->wal.number = 0;
    if (store->owner_fd >= 0)
        close(store->owner_fd);
    store->owner_fd = -1;
    free(store->path);
    store->path = NULL;
}

/* ---- identity ---- */

/* SQLite would make it readable to all. */
static int create(const char *path, struct ein_error *err)
{
    EIN_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    EIN_FREE char *copy = strdup(path);
    EIN_CLOSE int folder = -1;

    if (fd < 0 && errno == EEXIST)
        return 0;
    if (fd >= 0)
        files_give(fd, path);
    folder = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0 || folder < 0 || fsync(folder) < 0)
        return error_set(err, EIN_E_UNAVAILABLE, "%s cannot be made: %s", path, strerror(errno));
    return 0;
}

static int check_identity(struct db *db, int64_t *ret_version, struct ein_error *err)
{
    int64_t id = 0, version = 0, tables = 0;
    int r = db_read_number(db, "PRAGMA application_id", &id, err);

    if (r >= 0)
        r = db_read_number(db, "PRAGMA user_version", &version, err);
    if (r >= 0)
        r = db_read_number(db, "SELECT count(*) FROM sqlite_schema", &tables, err);
    if (r < 0)
        return r;

    bool empty = !id && !version && !tables;
    if (id != APPLICATION_ID && !empty)
        return error_set(err, EIN_E_INVALID,
                         "%s is not an einion store: it is the SQLite file of another program "
                         "(application id 0x%08" PRIx64 "). Move it away, or set another path",
                         db->path, id);
    if (version > steps[STEP_COUNT - 1].version)
        return error_set(err, EIN_E_INVALID,
                         "%s was written by a newer einion (schema %" PRId64 "; this one knows "
                         "schemas up to %" PRId64 "): install that version, or restore an older "
                         "backup",
                         db->path, version, steps[STEP_COUNT - 1].version);
    *ret_version = version;
    return 0;
}

int file_look(const struct sqlite *store, struct db **ret_db, struct ein_error *err)
{
    struct db *db;
    int64_t version;
    int r = check_path(store->wanted_path, err);

    if (r < 0)
        return r;
    if (access(store->wanted_path, F_OK) < 0)
        return error_set(err, EIN_E_NOT_FOUND, "%s: %s", store->wanted_path, strerror(errno));
    r = db_open(store->wanted_path, SQLITE_OPEN_READONLY, &db, err);
    if (r < 0)
        return r;
    r = check_identity(db, &version, err);
    if (r < 0) {
        db_close(db);
        return r;
    }
    *ret_db = db;
    return 0;
}

static int set_journal(struct db *db, struct ein_error *err)
{
    EIN_STMT sqlite3_stmt *stmt = NULL;
    int r = db_prepare(db, "PRAGMA journal_mode = WAL", &stmt, err);

    if (r >= 0)
        r = db_step(db, stmt, err);
    if (r < 0)
        return r;
    const char *mode = r ? (const char *)sqlite3_column_text(stmt, 0) : "none";
    if (strcmp(mode, "wal") != 0)
        return error_set(err, EIN_E_UNAVAILABLE,
                         "%s lies on a file system without the shared memory that SQLite's WAL "
                         "needs: use a local disk",
                         db->path);
    return 0;
}

static int set_limits(const struct sqlite *store, struct db *db, struct ein_error *err)
{
    char sql[64];
    int64_t page_size = 0;
    int r = db_read_number(db, "PRAGMA page_size", &page_size, err);

    if (r < 0 || !store->max_mib)
        return r;
    snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %" PRId64,
             store->max_mib * (1 << 20) / page_size);
    r = db_run(db, sql, err);
    return r < 0 ? r : 0;
}

static int migrate_to(struct db *db, const struct step *step, struct ein_error *err)
{
    char sql[128];
    int r = db_script(db, step->sql, err);

    snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %" PRId64,
             APPLICATION_ID, step->version);
    return r < 0 ? r : db_script(db, sql, err);
}

static int migrate(struct db *db, int64_t version, struct ein_error *err)
{
    int r = 0;

    for (size_t i = 0; i < STEP_COUNT && r >= 0; i++) {
        if (steps[i].version <= version)
            continue;
        r = db_run(db, "BEGIN IMMEDIATE", err);
        if (r >= 0)
            r = migrate_to(db, &steps[i], err);
        if (r >= 0)
            r = db_run(db, "COMMIT", err);
    }
    return r;
}

/* ---- order ---- */

/* Ends what DB does once it has taken too long. */
struct watch {
    sqlite3 *handle;
    int64_t ms;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool is_over, is_late; /* guarded by lock */
};

static void *watch_run(void *data)
{
    struct watch *watch = data;
    struct timespec until = clock_deadline(watch->ms);
    int r = 0;

    EIN_LOCKED(&watch->lock);
    while (!watch->is_over && r == 0)
        r = pthread_cond_clockwait(&watch->ended, &watch->lock, CLOCK_MONOTONIC, &until);
    watch->is_late = !watch->is_over;
    if (watch->is_late)
        sqlite3_interrupt(watch->handle);
    return NULL;
}

static void watch_end(struct watch *watch, pthread_t thread)
{
    pthread_mutex_lock(&watch->lock);
    watch->is_over = true;
    pthread_cond_signal(&watch->ended);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(thread, NULL);
}

/* One row, or *ret_late: it took longer than MS. */
static int step_in_time(struct db *db, sqlite3_stmt *stmt, int64_t ms, bool *ret_late,
                        struct ein_error *err)
{
    struct watch watch = { .handle = db->handle,
                           .ms = ms,
                           .lock = PTHREAD_MUTEX_INITIALIZER,
                           .ended = PTHREAD_COND_INITIALIZER };
    pthread_t thread;

    if (!ms)
        return db_step(db, stmt, err);
    if (pthread_create(&thread, NULL, watch_run, &watch) != 0)
        return error_no_memory(err);
    int r = db_step(db, stmt, err);
    watch_end(&watch, thread);
    *ret_late = watch.is_late;
    return r;
}

/* What was found until then is no finding where it takes longer than MS: it may be what was not yet
 * looked at. */
static int check_integrity(const struct sqlite *store, struct db *db, int64_t ms,
                           struct ein_error *err)
{
    EIN_STMT sqlite3_stmt *stmt = NULL;
    bool is_late = false;
    int r = db_prepare(db, "PRAGMA quick_check(1)", &stmt, err);

    if (r >= 0)
        r = step_in_time(db, stmt, ms, &is_late, err);
    if (is_late) {
        store->host->log_msg(store->ctx, EIN_WARN,
                             "%s is too large to be checked completely within check_ms, %" PRId64
                             " ms: what is damaged is found when it is read",
                             db->path, ms);
        return 0;
    }
    if (r < 0)
        return r;
    const char *found = r ? (const char *)sqlite3_column_text(stmt, 0) : "no answer";
    if (strcmp(found, "ok") != 0)
        return error_set(err, EIN_E_INVALID,
                         "%s is damaged: %.100s. Restore a backup, or move the file away and start "
                         "empty",
                         db->path, found);
    return 0;
}

static int check_when_asked(const struct sqlite *store, struct db *db, bool clean,
                            struct ein_error *err)
{
    bool always = strcmp(store->check, "always") == 0;

    if (strcmp(store->check, "never") == 0 || (clean && !always))
        return 0;
    store->host->log_msg(store->ctx, EIN_INFO,
                         clean ? "Checking %s" : "%s was not closed cleanly: checking it",
                         db->path);
    return check_integrity(store, db, always ? 0 : store->check_ms, err);
}

static int put_in_order(const struct sqlite *store, struct db *db, struct ein_error *err)
{
    int64_t version = 0, clean = 0;
    int r = check_identity(db, &version, err);

    if (r >= 0 && sqlite3_db_readonly(db->handle, "main"))
        return error_set(err, EIN_E_UNAVAILABLE, "%s cannot be written: it is read-only", db->path);
    if (r >= 0)
        r = set_journal(db, err);
    if (r >= 0)
        r = db_run(db, "PRAGMA synchronous = FULL", err);
    if (r >= 0)
        r = set_limits(store, db, err);
    if (r >= 0 && version)
        r = db_read_number(db, "SELECT clean FROM ein_state", &clean, err);
    if (r >= 0 && version)
        r = check_when_asked(store, db, clean, err);
    if (r >= 0)
        r = migrate(db, version, err);
    if (r >= 0 && clean)
        r = db_run(db, "UPDATE ein_state SET clean = 0", err);
    return r;
}

/* A copy that was put in the place of a store whose server had been killed: what that one had not
 * yet moved into its file must not be read into this one. */
static int forget_old_wal(const struct sqlite *store, struct ein_error *err)
{
    static const char *const endings[] = { "-wal", "-shm" };
    EIN_CLOSE int fd = open(store->path, O_RDONLY | O_CLOEXEC);
    char journal[2], path[PATH_MAX];

    if (fd < 0 || pread(fd, journal, 2, FILE_JOURNAL_AT) != 2 ||
        memcmp(journal, FILE_WITHOUT_WAL, 2) != 0)
        return 0;
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", store->path, endings[i]);
        if (unlink(path) < 0) {
            if (errno == ENOENT)
                continue;
            return error_set(err, EIN_E_UNAVAILABLE, "%s cannot be removed: %s", path,
                             strerror(errno));
        }
        store->host->log_msg(store->ctx, EIN_WARN,
                             "%s was restored: %s of the store before it is removed", store->path,
                             path);
    }
    return 0;
}

int file_open(struct sqlite *store, struct db **ret_db, struct ein_error *err)
{
    struct db *db;
    int r = create(store->path, err);

    if (r >= 0)
        r = forget_old_wal(store, err);
    if (r >= 0)
        r = db_open(store->path, SQLITE_OPEN_READWRITE, &db, err);
    if (r < 0)
        return r;
    r = put_in_order(store, db, err);
    if (r < 0 && db->full && reserve_give_up(store->reserve))
        r = put_in_order(store, db, err);
    if (r < 0) {
        db_close(db);
        return r;
    }
    *ret_db = db;
    return 0;
}

int file_close(struct db *db, struct ein_error *err)
{
    int r = db_run(db, "UPDATE ein_state SET clean = 1", err);

    if (r >= 0)
        r = db_run(db, "PRAGMA wal_checkpoint(TRUNCATE)", err);
    db_close(db);
    return r;
}
