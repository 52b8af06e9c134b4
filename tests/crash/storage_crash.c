/* SPDX-License-Identifier: Apache-2.0 */
/* A server is killed while 64 threads write: what was answered is there afterwards,
 * with its revision, and the file is sound.  EIN_CRASH_ROUNDS times, on one file. */
#include "cleanup.h"
#include "fake_host.h"
#include "unit.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

enum { THREADS = 64, DOCUMENTS_EACH = 40, SLOWEST_KILL_MS = 400, DEFAULT_ROUNDS = 5 };

struct report { /* written to a pipe in one piece: less than PIPE_BUF */
    int thread, document;
    char rev[EIN_REV_SIZE];
};

struct store {
    struct fake_host *host;
    struct fake_plugin *plugin;
    const struct ein_storage_backend *backend;
    void *impl;
};

struct writer {
    const struct store *store;
    int number, round, pipe;
};

static void open_store(const char *path, struct store *store)
{
    struct ein_error err = { 0 };

    store->host = fake_host_new();
    if (fake_plugin_open(store->host, "storage-sqlite", json_pack("{s:s}", "path", path),
                         &store->plugin, &err) < 0 ||
        fake_plugin_start(store->plugin, &err) < 0) {
        fprintf(stderr, "the store does not open: %s\n", err.text);
        _exit(3);
    }
    const struct ein_service *service = fake_host_service(store->host, EIN_STORAGE_BACKEND);
    store->backend = service->vtable;
    store->impl = service->impl;
}

static void close_store(struct store *store)
{
    fake_plugin_close(store->plugin);
    fake_host_free(store->host);
}

static void name_of(int thread, int document, char id[32])
{
    snprintf(id, 32, "t%d-d%d", thread, document);
}

static void *write_for_ever(void *data)
{
    const struct writer *writer = data;
    struct report report = { .thread = writer->number };
    char id[32];

    for (int i = 0;; i++) {
        EIN_JSON json_t *doc = json_pack("{s:i, s:i, s:s}", "round", writer->round, "i", i, "text",
                                         "something that takes up a little room");
        struct ein_doc_op op = { .kind = EIN_DOC_PUT, .set = "things", .id = id, .doc = doc };
        report.document = i % DOCUMENTS_EACH;
        name_of(writer->number, report.document, id);
        if (writer->store->backend->batch(writer->store->impl, &op, 1, sizeof(op), NULL) < 0)
            _exit(4);
        memcpy(report.rev, op.ret_rev, sizeof(report.rev));
        if (write(writer->pipe, &report, sizeof(report)) != sizeof(report))
            _exit(5);
    }
    return NULL;
}

static void serve_until_killed(const char *path, int round, int pipe)
{
    struct store store;
    struct writer writers[THREADS];
    pthread_t thread;

    open_store(path, &store);
    for (int i = 0; i < THREADS; i++) {
        writers[i] = (struct writer){ &store, i, round, pipe };
        if (pthread_create(&thread, NULL, write_for_ever, &writers[i]))
            _exit(6);
    }
    for (;;)
        pause();
}

static unsigned long count_of(const char *rev)
{
    return strtoul(rev, NULL, 10);
}

/* The newest revision of each document that was answered. */
struct answered {
    char rev[THREADS][DOCUMENTS_EACH][EIN_REV_SIZE];
    int count;
};

static void *kill_later(void *data)
{
    pid_t child = *(pid_t *)data;
    int ms = 20 + rand() % SLOWEST_KILL_MS;

    nanosleep(&(struct timespec){ 0, ms * 1000000L }, NULL);
    kill(child, SIGKILL);
    return NULL;
}

static void run_and_kill(const char *path, int round, struct answered *answered)
{
    struct report report;
    pthread_t killer;
    int ends[2], status;

    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        serve_until_killed(path, round, ends[1]);
    }
    close(ends[1]);
    assert_int_equal(pthread_create(&killer, NULL, kill_later, &child), 0);
    while (read(ends[0], &report, sizeof(report)) == sizeof(report)) {
        memcpy(answered->rev[report.thread][report.document], report.rev, sizeof(report.rev));
        answered->count++;
    }
    pthread_join(killer, NULL);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* The write that was under way when the server died may be there, unanswered: each
 * thread has one, so a document is at most one revision ahead.  What is found is
 * where the next round begins. */
static void expect_revision(const struct store *store, int thread, int document,
                            char rev[EIN_REV_SIZE])
{
    struct ein_error err = { 0 };
    json_t *doc;
    char id[32];

    name_of(thread, document, id);
    if (store->backend->get(store->impl, "things", id, &doc, &err) < 0)
        fail_msg("%s was answered with revision %s: %s", id, rev, err.text);
    const char *found = json_string_value(json_object_get(doc, "_rev"));
    if (strcmp(found, rev) != 0 && count_of(found) != count_of(rev) + 1)
        fail_msg("%s was answered with revision %s, found %s", id, rev, found);
    snprintf(rev, EIN_REV_SIZE, "%s", found);
    json_decref(doc);
}

static void expect_sound(const char *path)
{
    sqlite3 *handle;
    sqlite3_stmt *stmt;

    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(handle, "PRAGMA integrity_check", -1, &stmt, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "ok");
    sqlite3_finalize(stmt);
    sqlite3_close(handle);
}

static void remove_store(const char *folder, const char *path)
{
    static const char *const endings[] = { "", "-wal", "-shm", ".lock", ".reserve" };
    char name[128];

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        snprintf(name, sizeof(name), "%s%s", path, endings[i]);
        (void)unlink(name);
    }
    assert_int_equal(rmdir(folder), 0);
}

static void what_was_answered_outlives_a_kill(void **state)
{
    const char *wanted = getenv("EIN_CRASH_ROUNDS");
    int rounds = wanted ? atoi(wanted) : DEFAULT_ROUNDS, checked = 0;
    char folder[] = "storage-crash-XXXXXX", path[64];
    EIN_FREE struct answered *answered = calloc(1, sizeof(*answered));

    (void)state;
    srand((unsigned)time(NULL));
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/store.db", folder);

    for (int round = 0; round < rounds; round++) {
        struct store store;
        run_and_kill(path, round, answered);
        open_store(path, &store);
        for (int thread = 0; thread < THREADS; thread++)
            for (int document = 0; document < DOCUMENTS_EACH; document++)
                if (*answered->rev[thread][document]) {
                    expect_revision(&store, thread, document, answered->rev[thread][document]);
                    checked++;
                }
        close_store(&store);
        expect_sound(path);
    }
    printf("%d rounds, %d writes answered, %d revisions checked\n", rounds, answered->count,
           checked);
    assert_true(answered->count > rounds);
    remove_store(folder, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_was_answered_outlives_a_kill) };

    return cmocka_run_group_tests_name("crash", tests, NULL, NULL);
}
