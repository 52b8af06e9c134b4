/* SPDX-License-Identifier: Apache-2.0 */
/* What a storage backend does in a second, and the ratio that group commit is for.
 * storage PLUGIN [FOLDER]: FOLDER must lie on the disk that is to be measured. */
#include "cleanup.h"
#include "fake_host.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MANY = 64, RUN_MS = 2000, DOCUMENT_BYTES = 1024, LONG_BYTES = 65536, LONG_COUNT = 100 };

struct bench {
    const struct ein_storage_backend *backend;
    void *impl;
    json_t *doc;
    atomic_bool stop;
    atomic_ullong done, failed;
};

struct worker {
    struct bench *bench;
    pthread_t thread;
    int number, of;
};

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void *create_documents(void *data)
{
    const struct worker *worker = data;
    struct bench *bench = worker->bench;
    char id[64];

    for (int i = 0; !atomic_load(&bench->stop); i++) {
        snprintf(id, sizeof(id), "of%d-by%d-%d", worker->of, worker->number, i);
        struct ein_doc_op op = { .kind = EIN_DOC_PUT,
                                 .set = "created",
                                 .id = id,
                                 .expect = EIN_REV_NEW,
                                 .doc = bench->doc };
        int r = bench->backend->batch(bench->impl, &op, 1, sizeof(op), NULL);
        atomic_fetch_add(r < 0 ? &bench->failed : &bench->done, 1);
    }
    return NULL;
}

static void *get_documents(void *data)
{
    const struct worker *worker = data;
    struct bench *bench = worker->bench;
    char id[64];

    for (int i = 0; !atomic_load(&bench->stop); i++) {
        json_t *doc;
        snprintf(id, sizeof(id), "d%d", (i * 7 + worker->number) % 1000);
        int r = bench->backend->get(bench->impl, "found", id, &doc, NULL);
        atomic_fetch_add(r < 0 ? &bench->failed : &bench->done, 1);
        if (r >= 0)
            json_decref(doc);
    }
    return NULL;
}

static int count_one(const json_t *doc, void *data)
{
    (void)doc;
    ++*(int *)data;
    return 0;
}

static void find_some(struct worker *worker, json_t *where, uint32_t limit, int expected)
{
    struct bench *bench = worker->bench;
    const char *const order[] = { "-n", NULL };
    struct ein_query query = {
        .struct_size = sizeof(query), .limit = limit, .where = where, .order = order
    };

    while (!atomic_load(&bench->stop)) {
        int seen = 0;
        int r = bench->backend->find(bench->impl, "found", &query, count_one, &seen, NULL, NULL);
        atomic_fetch_add(r < 0 || seen != expected ? &bench->failed : &bench->done, 1);
    }
}

static void *find_by_index(void *data)
{
    EIN_JSON json_t *where = json_pack("{s:s}", "owner", "user7");

    find_some(data, where, 10, 10);
    return NULL;
}

static void *find_by_scan(void *data)
{
    EIN_JSON json_t *where = json_pack("{s:i}", "other", 3);

    find_some(data, where, 10, 10);
    return NULL;
}

/* FIELDS of all documents of the set "long". */
static void *find_long(struct worker *worker, const char *const *fields)
{
    struct bench *bench = worker->bench;
    struct ein_query query = { .struct_size = sizeof(query), .fields = fields };

    while (!atomic_load(&bench->stop)) {
        int seen = 0;
        int r = bench->backend->find(bench->impl, "long", &query, count_one, &seen, NULL, NULL);
        atomic_fetch_add(r < 0 || seen != LONG_COUNT ? &bench->failed : &bench->done, 1);
    }
    return NULL;
}

static void *find_whole(void *data)
{
    return find_long(data, NULL);
}

static void *find_names(void *data)
{
    static const char *const fields[] = { "name", NULL };

    return find_long(data, fields);
}

static double measure(struct bench *bench, int threads, void *(*run)(void *))
{
    struct worker workers[MANY];

    atomic_store(&bench->stop, false);
    atomic_store(&bench->done, 0);
    double begin = now_s();
    for (int i = 0; i < threads; i++) {
        workers[i] = (struct worker){ .bench = bench, .number = i, .of = threads };
        if (pthread_create(&workers[i].thread, NULL, run, &workers[i]))
            abort();
    }
    nanosleep(&(struct timespec){ RUN_MS / 1000, RUN_MS % 1000 * 1000000L }, NULL);
    atomic_store(&bench->stop, true);
    for (int i = 0; i < threads; i++)
        pthread_join(workers[i].thread, NULL);
    return (double)atomic_load(&bench->done) / (now_s() - begin);
}

static void fill(struct bench *bench)
{
    static const char *const fields[] = { "owner", "n" };

    for (size_t i = 0; i < 2; i++)
        bench->backend->index(bench->impl, "found", fields[i], NULL);
    for (int i = 0; i < 1000; i++) {
        EIN_JSON json_t *doc = json_deep_copy(bench->doc);
        char id[64], owner[32];
        snprintf(id, sizeof(id), "d%d", i);
        snprintf(owner, sizeof(owner), "user%d", i % 50);
        json_object_set_new(doc, "owner", json_string(owner));
        json_object_set_new(doc, "n", json_integer(i));
        json_object_set_new(doc, "other", json_integer(i % 10));
        struct ein_doc_op op = { .kind = EIN_DOC_PUT, .set = "found", .id = id, .doc = doc };
        if (bench->backend->batch(bench->impl, &op, 1, sizeof(op), NULL) < 0)
            abort();
    }
}

static void fill_long(struct bench *bench)
{
    EIN_JSON json_t *doc = json_copy(bench->doc);
    EIN_FREE char *text = calloc(1, LONG_BYTES);
    char id[16];

    memset(text, 'c', LONG_BYTES - 1);
    json_object_set_new(doc, "code", json_string(text));
    for (int i = 0; i < LONG_COUNT; i++) {
        snprintf(id, sizeof(id), "d%d", i);
        struct ein_doc_op op = { .kind = EIN_DOC_PUT, .set = "long", .id = id, .doc = doc };
        if (bench->backend->batch(bench->impl, &op, 1, sizeof(op), NULL) < 0)
            abort();
    }
}

static json_t *typical_document(void)
{
    char text[DOCUMENT_BYTES];
    json_t *doc = json_pack("{s:s, s:[s,s], s:{s:s, s:b}, s:i}", "name", "bench", "tags", "a", "b",
                            "settings", "model", "large", "stream", 1, "version", 3);

    memset(text, 'c', sizeof(text));
    text[DOCUMENT_BYTES - 110] = '\0';
    json_object_set_new(doc, "code", json_string(text));
    return doc;
}

int main(int argc, char **argv)
{
    const char *folder = argc > 2 ? argv[2] : ".";
    char template[512], path[600];
    struct fake_host *host = fake_host_new();
    struct fake_plugin *plugin;
    struct ein_error err;

    if (argc < 2)
        return fprintf(stderr, "usage: %s PLUGIN [FOLDER]\n", argv[0]), 2;
    snprintf(template, sizeof(template), "%s/storage-bench-XXXXXX", folder);
    if (!mkdtemp(template))
        return perror(template), 1;
    snprintf(path, sizeof(path), "%s/store.db", template);
    json_t *config =
        strcmp(argv[1], "storage-sqlite") == 0 ? json_pack("{s:s}", "path", path) : NULL;
    if (fake_plugin_open(host, argv[1], config, &plugin, &err) < 0 ||
        fake_plugin_start(plugin, &err) < 0)
        return fprintf(stderr, "%s\n", err.text), 1;

    const struct ein_service *service = fake_host_service(host, EIN_STORAGE_BACKEND);
    struct bench bench = { .backend = service->vtable, .impl = service->impl };
    bench.doc = typical_document();
    fill(&bench);
    fill_long(&bench);

    double one = measure(&bench, 1, create_documents);
    double commits = fake_host_counted(host, "einion_sqlite_commits_total");
    double many = measure(&bench, MANY, create_documents);
    commits = fake_host_counted(host, "einion_sqlite_commits_total") - commits;
    double shared = commits > 0 ? (double)atomic_load(&bench.done) / commits : 0;
    double get_one = measure(&bench, 1, get_documents);
    double get_many = measure(&bench, MANY, get_documents);
    double by_index = measure(&bench, 1, find_by_index);
    double by_scan = measure(&bench, 1, find_by_scan);
    double whole = measure(&bench, 1, find_whole);
    double names = measure(&bench, 1, find_names);
    printf("%s, documents of %d bytes\n", argv[1], DOCUMENT_BYTES);
    printf("creates/s       1 thread %9.0f   %d threads %9.0f   ratio %.1f\n", one, MANY, many,
           many / one);
    if (shared > 0)
        printf("                %.1f creates share a commit\n", shared);
    printf("gets/s, warm    1 thread %9.0f   %d threads %9.0f   %.2f us each\n", get_one, MANY,
           get_many, 1e6 / get_one);
    printf("finds/s of 10   by index %9.0f   by scan    %9.0f\n", by_index, by_scan);
    printf("%d of %d KiB    whole    %9.0f/s one member %9.0f/s ratio %.1f\n", LONG_COUNT,
           LONG_BYTES >> 10, whole, names, names / whole);

    unsigned long long failed = atomic_load(&bench.failed);
    if (failed)
        fprintf(stderr, "%llu calls failed\n", failed);
    json_decref(bench.doc);
    fake_plugin_close(plugin);
    fake_host_free(host);
    unlink(path);
    strcat(path, ".lock");
    unlink(path);
    rmdir(template);
    return failed ? 1 : 0;
}
