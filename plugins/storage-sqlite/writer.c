/* SPDX-License-Identifier: Apache-2.0 */
#include "writer.h"

#include "cache.h"
#include "catalog.h"
#include "clock.h"
#include "document.h"
#include "error.h"
#include "reserve.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>

enum {
    GROUP_MAX = 1024,        /* jobs in one commit */
    CHECKPOINT_PAGES = 1000, /* in the WAL before it is copied into the file */
    RESTART_PAGES = 16000,   /* in the WAL before readers are waited for, to begin it anew */
    RESTART_WAIT_MS = 100,
    LOOK_MS = 1000 /* whether a disk that failed, or was full, does again */
};

struct job { /* on the stack of the thread that waits for it */
    struct job *next;
    writer_job *run;
    void *data;
    bool sync; /* its thread is told when it is on disk, not before */
    int result;
    bool settled; /* failed, and taken out of its group; the writer's */
    struct ein_error error;
    sem_t finished; /* not a condition: 64 threads that wake would queue for its lock */
};

struct writer {
    struct sqlite *store;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    struct job *first, **last; /* guarded by lock */
    int queued;                /* guarded by lock */
    bool stopping;             /* guarded by lock */

    struct writing writing;                              /* from here on the thread's own */
    char trouble[sizeof(((struct ein_error *)0)->text)]; /* why the last group failed; "" */
    bool unready;                                        /* /readyz knows of the trouble */
    bool careful;                                        /* each job has a savepoint of its own */
    bool spoiled;                                        /* a job failed that had none */
    bool sync;                                           /* what the connection does on commit */
    int wal_pages, restart_at;
};

/* ---- one group ---- */

static bool in_transaction(const struct writer *writer)
{
    return !sqlite3_get_autocommit(writer->writing.db->handle);
}

int writing_reload(struct writing *writing, struct ein_error *err)
{
    json_t *sets;
    int r;

    writing->sets_changed = true;
    r = catalog_read(writing->db, &sets, err);
    if (r < 0)
        return r;
    json_decref(writing->sets);
    writing->sets = sets;
    (void)json_object_clear(writing->inserts);
    (void)json_object_clear(writing->replaces);
    return 0;
}

static int undo_job(struct writer *writer, struct ein_error *err)
{
    int r = db_run(writer->writing.db, "ROLLBACK TO job", err);

    if (r >= 0)
        r = db_run(writer->writing.db, "RELEASE job", err);
    if (r >= 0 && writer->writing.sets_changed)
        r = writing_reload(&writer->writing, err);
    return r;
}

/* Below 0: the transaction is lost, and JOB, whose doing it was, has the reason. */
static int run_job_alone(struct writer *writer, struct job *job)
{
    struct db *db = writer->writing.db;
    int r = db_run(db, "SAVEPOINT job", &job->error);

    job->result = r < 0 ? r : job->run(&writer->writing, job->data, &job->error);
    if (job->result >= 0) {
        r = db_run(db, "RELEASE job", &job->error);
        if (r < 0)
            job->result = r;
        return r;
    }
    job->settled = true;
    if (!in_transaction(writer))
        return job->result;
    return undo_job(writer, NULL);
}

/* Savepoints cost as much as most jobs, and few jobs fail after they have written something:
 * those are done without, and if one does, the group once more with them. */
static int run_job(struct writer *writer, struct job *job)
{
    sqlite3 *handle = writer->writing.db->handle;
    sqlite3_int64 before = sqlite3_total_changes64(handle);

    if (writer->careful)
        return run_job_alone(writer, job);
    job->result = job->run(&writer->writing, job->data, &job->error);
    if (job->result >= 0)
        return 0;
    writer->spoiled = in_transaction(writer) &&
                      (sqlite3_total_changes64(handle) != before || writer->writing.sets_changed);
    job->settled = !writer->spoiled;
    return in_transaction(writer) && !writer->spoiled ? 0 : job->result;
}

/* The job that lost the transaction for all, or NULL. */
static struct job *run_jobs(struct writer *writer, struct job *group)
{
    for (struct job *job = group; job; job = job->next) {
        if (job->settled)
            continue;
        int r = run_job(writer, job);
        if (r < 0) {
            job->settled = !writer->spoiled;
            job->result = r;
            return job;
        }
    }
    return NULL;
}

static int set_sync(struct writer *writer, const struct job *group, struct ein_error *err)
{
    bool sync = false;
    int r;

    for (; group; group = group->next)
        sync = sync || group->sync;
    if (sync == writer->sync)
        return 0;
    r = db_run(writer->writing.db,
               sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", err);
    if (r >= 0)
        writer->sync = sync;
    return r;
}

static int begin(struct writer *writer, const struct job *group, struct ein_error *err)
{
    int r = file_check_place(writer->store, err);

    if (r >= 0)
        r = set_sync(writer, group, err);
    if (r >= 0)
        r = db_run(writer->writing.db, "BEGIN IMMEDIATE", err);
    if (r >= 0 && writer->writing.sets_changed) /* by a transaction that was lost */
        r = writing_reload(&writer->writing, err);
    return r;
}

static void roll_back(struct writer *writer)
{
    if (in_transaction(writer))
        (void)db_run(writer->writing.db, "ROLLBACK", NULL);
}

static bool all_settled(const struct job *group)
{
    for (; group; group = group->next)
        if (!group->settled)
            return false;
    return true;
}

static void note_trouble(struct writer *writer, const char *text)
{
    snprintf(writer->trouble, sizeof(writer->trouble), "%s", text);
}

/* What did not fit is done once more, with the space that is kept for what frees space: now all
 * that asks for more is refused. */
static bool make_room(struct writer *writer, struct job *culprit)
{
    struct reserve *reserve = writer->store->reserve;

    if (!reserve_give_up(reserve))
        return false;
    /* What could not go from the WAL into the file goes now, and the WAL begins anew. */
    (void)sqlite3_wal_checkpoint_v2(writer->writing.db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE,
                                    NULL, NULL);
    reserve_look(reserve, writer->writing.db);
    if (culprit)
        culprit->settled = false;
    return true;
}

/* Each time round, the job that lost the transaction for all is left out, or has to be careful. */
static int commit_group(struct writer *writer, struct job *group, struct ein_error *err)
{
    int r;

    note_trouble(writer, "");
    writer->careful = false;
    do {
        struct job *culprit = NULL;
        writer->spoiled = writer->writing.db->full = false;
        r = begin(writer, group, err);
        if (r >= 0)
            culprit = run_jobs(writer, group);
        if (r >= 0 && !culprit)
            r = db_run(writer->writing.db, "COMMIT", err);
        if (r >= 0 && !culprit)
            return 0;
        bool full = writer->writing.db->full;
        roll_back(writer);
        writer->careful = true;
        if (full && make_room(writer, culprit))
            r = 0;
        else if (!writer->spoiled)
            note_trouble(writer, culprit ? culprit->error.text : err->text);
    } while (r >= 0 && !all_settled(group));
    return r;
}

static void publish_sets(struct writer *writer)
{
    if (writer->writing.sets_changed)
        catalog_publish(writer->store->catalog, writer->writing.sets);
    writer->writing.sets_changed = false;
}

/* Clients are not told where the file is. */
static void tell_health(struct writer *writer)
{
    struct sqlite *store = writer->store;
    const char *path = writer->writing.db->path;

    if (writer->writing.db->damaged)
        sqlite_note_damage(store);
    if (*writer->trouble) {
        if (!writer->unready)
            store->host->log_msg(store->ctx, EIN_ERROR, "%s: %s", path, writer->trouble);
        store->host->unready(store->ctx, writer->trouble);
    } else if (writer->unready) {
        sqlite_say_well(store);
        store->host->log_msg(store->ctx, EIN_INFO, "%s: is written again", path);
    }
    writer->unready = *writer->trouble;
}

static int answer(struct job *group, int failure, const struct ein_error *error)
{
    int count = 0;

    while (group) {
        struct job *job = group;
        group = job->next; /* once it is finished, the job is its thread's again */
        if (failure < 0 && !job->settled) {
            job->result = failure;
            job->error = *error;
        }
        count++;
        sem_post(&job->finished);
    }
    return count;
}

/* Readers that overlap without a gap would let the WAL grow for ever. */
static void restart_wal(struct writer *writer)
{
    sqlite3 *handle = writer->writing.db->handle;

    sqlite3_busy_timeout(handle, RESTART_WAIT_MS);
    int r = sqlite3_wal_checkpoint_v2(handle, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
    sqlite3_busy_timeout(handle, DB_BUSY_MS);
    writer->restart_at = (r == SQLITE_OK ? 0 : writer->wal_pages) + RESTART_PAGES;
}

static void checkpoint_when_due(struct writer *writer)
{
    if (writer->wal_pages >= writer->restart_at)
        restart_wal(writer);
    else if (writer->wal_pages >= CHECKPOINT_PAGES)
        (void)sqlite3_wal_checkpoint_v2(writer->writing.db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE,
                                        NULL, NULL);
    writer->wal_pages = 0;
}

static void do_group(struct writer *writer, struct job *group)
{
    const struct sqlite *store = writer->store;
    struct ein_error error = { 0 };
    int r = commit_group(writer, group, &error);

    if (r >= 0)
        publish_sets(writer);
    cache_let_go(store->cache);
    tell_health(writer);
    int count = answer(group, r, &error);

    store->host->count(store->ctx, "einion_sqlite_commits_total", 1, NULL);
    store->host->count(store->ctx, "einion_sqlite_writes_total", count, NULL);
    checkpoint_when_due(writer);
}

static int mark_used(struct writing *writing, void *data, struct ein_error *err)
{
    (void)data;
    return db_run(writing->db, "UPDATE ein_state SET clean = 0", err);
}

/* A server that is not ready may not be asked for anything, and has to find out by itself. */
static void try_to_write(struct writer *writer)
{
    struct job job = { .run = mark_used, .sync = true };

    sem_init(&job.finished, 0, 0);
    do_group(writer, &job);
    sem_destroy(&job.finished);
}

/* ---- the thread ---- */

/* Until there is something to do; or for LOOK_MS, while not all is well. */
static void wait_for_job(struct writer *writer)
{
    const struct timespec until = clock_deadline(LOOK_MS);
    bool in_time = true;

    while (!writer->first && !writer->stopping && in_time)
        if (writer->unready || reserve_is_gone(writer->store->reserve))
            in_time = pthread_cond_clockwait(&writer->arrived, &writer->lock, CLOCK_MONOTONIC,
                                             &until) != ETIMEDOUT;
        else
            pthread_cond_wait(&writer->arrived, &writer->lock);
}

/* NULL: there is nothing to do; *ret_ended: ever. */
static struct job *take_group(struct writer *writer, bool *ret_ended)
{
    EIN_LOCKED(&writer->lock);
    wait_for_job(writer);

    struct job *group = writer->first, *end = group;
    for (int count = 1; end && end->next && count < GROUP_MAX; count++)
        end = end->next;
    *ret_ended = !end && writer->stopping;
    if (!end)
        return NULL;

    for (const struct job *job = group; job != end->next; job = job->next)
        writer->queued--;
    writer->first = end->next;
    if (!writer->first)
        writer->last = &writer->first;
    end->next = NULL;
    return group;
}

static void *run(void *data)
{
    struct writer *writer = data;
    bool ended = false;

    (void)pthread_setname_np(pthread_self(), "ein-sqlite");
    while (!ended) {
        struct job *group = take_group(writer, &ended);
        if (group)
            do_group(writer, group);
        else if (writer->unready)
            try_to_write(writer);
        reserve_look(writer->store->reserve, writer->writing.db);
    }
    return NULL;
}

static int start_thread(struct writer *writer)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&writer->thread, NULL, run, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

static int note_wal_pages(void *data, sqlite3 *handle, const char *name, int pages)
{
    struct writer *writer = data;

    (void)handle;
    (void)name;
    writer->wal_pages = pages;
    return SQLITE_OK;
}

static void free_parts(struct writer *writer)
{
    json_decref(writer->writing.sets);
    json_decref(writer->writing.inserts);
    json_decref(writer->writing.replaces);
    pthread_cond_destroy(&writer->arrived);
    pthread_mutex_destroy(&writer->lock);
    free(writer);
}

int writer_new(struct sqlite *store, struct db *take_db, struct writer **ret_writer,
               struct ein_error *err)
{
    struct writer *writer = calloc(1, sizeof(*writer));
    int r;

    if (!writer) {
        db_close(take_db);
        return error_no_memory(err);
    }
    writer->store = store;
    writer->writing = (struct writing){
        .store = store, .db = take_db, .inserts = json_object(), .replaces = json_object()
    };
    writer->last = &writer->first;
    writer->restart_at = RESTART_PAGES;
    writer->sync = true;
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->arrived, NULL);
    sqlite3_wal_hook(take_db->handle, note_wal_pages, writer);

    r = catalog_read(take_db, &writer->writing.sets, err);
    if (r >= 0) {
        catalog_publish(store->catalog, writer->writing.sets);
        reserve_look(store->reserve, take_db);
        if (start_thread(writer))
            r = error_set(err, EIN_E_UNAVAILABLE, "The writer's thread cannot be started");
    }
    if (r < 0) {
        db_close(take_db);
        free_parts(writer);
        return r;
    }
    *ret_writer = writer;
    return 0;
}

void writer_free(struct writer *writer)
{
    struct ein_error error = { 0 };

    if (!writer)
        return;
    pthread_mutex_lock(&writer->lock);
    writer->stopping = true;
    pthread_cond_signal(&writer->arrived);
    pthread_mutex_unlock(&writer->lock);
    pthread_join(writer->thread, NULL);

    if (file_close(writer->writing.db, &error) < 0)
        writer->store->host->log_msg(writer->store->ctx, EIN_ERROR, "%s", error.text);
    free_parts(writer);
}

/* ---- callers ---- */

static int enqueue(struct writer *writer, struct job *job, struct ein_error *err)
{
    EIN_LOCKED(&writer->lock);
    if (writer->queued >= writer->store->queue_max)
        return error_set(err, EIN_E_BUSY, "%d writes are waiting already: try again later",
                         writer->store->queue_max);
    *writer->last = job;
    writer->last = &job->next;
    writer->queued++;
    if (writer->first == job)
        pthread_cond_signal(&writer->arrived);
    return 0;
}

static int do_job(struct writer *writer, writer_job *run_it, void *data, bool sync,
                  struct ein_error *err)
{
    struct job job = { .run = run_it, .data = data, .sync = sync };

    sem_init(&job.finished, 0, 0);
    int r = enqueue(writer, &job, err);
    if (r >= 0) {
        while (sem_wait(&job.finished) < 0) /* a signal came in between */
            ;
        r = job.result;
        if (r < 0 && err)
            *err = job.error;
    }
    sem_destroy(&job.finished);
    return r;
}

int writer_do(struct writer *writer, writer_job *run_it, void *data, struct ein_error *err)
{
    return do_job(writer, run_it, data, true, err);
}

int writer_do_unsynced(struct writer *writer, writer_job *run_it, void *data, struct ein_error *err)
{
    return do_job(writer, run_it, data, false, err);
}

static int create_set(struct writing *writing, const char *set, struct ein_error *err)
{
    EIN_STMT sqlite3_stmt *stmt = NULL;
    char sql[512];
    int r;

    sqlite3_snprintf(sizeof(sql), sql,
                     "CREATE TABLE \"set_%w\"(seq INTEGER PRIMARY KEY AUTOINCREMENT,"
                     " id TEXT NOT NULL UNIQUE, rev TEXT NOT NULL, body TEXT NOT NULL) STRICT",
                     set);
    r = db_script(writing->db, sql, err);
    if (r >= 0)
        r = db_prepare(writing->db, "INSERT INTO ein_sets VALUES(?)", &stmt, err);
    if (r < 0)
        return r;
    sqlite3_bind_text(stmt, 1, set, -1, SQLITE_STATIC);
    r = db_step(writing->db, stmt, err);
    return r < 0 ? r : writing_reload(writing, err);
}

int writing_need_set(struct writing *writing, const char *set, const json_t **ret_indexes,
                     struct ein_error *err)
{
    const json_t *indexes = json_object_get(writing->sets, set);

    if (!indexes) {
        int r = create_set(writing, set, err);
        if (r < 0)
            return r;
        indexes = json_object_get(writing->sets, set);
    }
    *ret_indexes = indexes;
    return 0;
}
