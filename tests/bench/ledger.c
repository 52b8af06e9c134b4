/* SPDX-License-Identifier: Apache-2.0 */
/* How many calls a second the ledger sets money aside for and settles: one caller, 64 of one user,
 * 64 of users of their own, 64 by one key with a budget.  Once with a journal, then with each step
 * in the store before it is answered.  ledger STORAGE [FOLDER]: FOLDER must lie on the disk that is
 * to be measured. */
#include "cleanup.h"
#include "fake_host.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MANY = 64, RUN_MS = 2000 };

struct bench {
    const struct ein_ledger *ledger;
    void *impl;
    atomic_bool stop;
    atomic_ullong done, failed;
};

struct caller {
    struct bench *bench;
    pthread_t thread;
    char user[32];
    bool by_key;
};

static const struct ein_http http = { .struct_size = sizeof(http),
                                      .add_routes = fake_host_no_routes };

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void *call(void *data)
{
    const struct caller *caller = data;
    struct bench *bench = caller->bench;
    const struct ein_ledger_entry entry = { .struct_size = sizeof(entry),
                                            .cost = 1,
                                            .user_id = caller->user,
                                            .provider = "openai",
                                            .model = "gpt-4.1",
                                            .input_tokens = 1000,
                                            .output_tokens = 100 };
    const struct ein_payer key = { .struct_size = sizeof(key),
                                   .user_id = caller->user,
                                   .key_id = "key",
                                   .period = "month",
                                   .limit = INT64_C(1000000000000) };
    char hold[EIN_HOLD_SIZE];

    while (!atomic_load(&bench->stop)) {
        int r = caller->by_key
                    ? bench->ledger->reserve_key(bench->impl, &key, 1000, 0, hold, NULL)
                    : bench->ledger->reserve(bench->impl, caller->user, 1000, 0, hold, NULL);
        if (r == 0)
            r = bench->ledger->settle(bench->impl, hold, &entry, NULL);
        atomic_fetch_add(r < 0 ? &bench->failed : &bench->done, 1);
    }
    return NULL;
}

static double measure(struct bench *bench, int count, bool own, bool by_key)
{
    struct caller callers[MANY];

    atomic_store(&bench->stop, false);
    atomic_store(&bench->done, 0);
    double begin = now_s();
    for (int i = 0; i < count; i++) {
        callers[i] = (struct caller){ .bench = bench, .by_key = by_key };
        snprintf(callers[i].user, sizeof(callers[i].user), "user%d", own ? i : 0);
        if (pthread_create(&callers[i].thread, NULL, call, &callers[i]))
            abort();
    }
    nanosleep(&(struct timespec){ RUN_MS / 1000, RUN_MS % 1000 * 1000000L }, NULL);
    atomic_store(&bench->stop, true);
    for (int i = 0; i < count; i++)
        pthread_join(callers[i].thread, NULL);
    return (double)atomic_load(&bench->done) / (now_s() - begin);
}

static struct fake_plugin *open_started(struct fake_host *host, const char *name, json_t *config)
{
    struct fake_plugin *plugin;
    struct ein_error err;

    if (fake_plugin_open(host, name, config, &plugin, &err) < 0 ||
        fake_plugin_start(plugin, &err) < 0) {
        fprintf(stderr, "%s: %s\n", name, err.text);
        exit(1);
    }
    return plugin;
}

static void remove_store(const char *folder, const char *path)
{
    static const char *const endings[] = { "", "-wal", "-shm", ".lock" };
    char name[700];

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        snprintf(name, sizeof(name), "%s%s", path, endings[i]);
        (void)unlink(name);
    }
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof(name), "%s/journal/ledger-0.%d", folder, i);
        (void)unlink(name);
    }
    snprintf(name, sizeof(name), "%s/journal", folder);
    (void)rmdir(name);
    (void)rmdir(folder);
}

static unsigned long long run(struct fake_host *host, const char *storage, const char *journal)
{
    struct fake_plugin *users = open_started(host, "users", json_pack("{s:s}", "journal", journal));
    const struct ein_service *service = fake_host_service(host, EIN_LEDGER);
    struct bench bench = { .ledger = service->vtable, .impl = service->impl };

    double one = measure(&bench, 1, false, false);
    double same = measure(&bench, MANY, false, false);
    double own = measure(&bench, MANY, true, false);
    double key = measure(&bench, MANY, false, true);
    printf("%s, reserve and settle, %s\n", storage, *journal ? "journal" : "no journal");
    printf("calls/s   1 caller %8.0f   %d of one user %8.0f (ratio %.1f)   %d users %8.0f "
           "(ratio %.1f)   %d by one key %8.0f (ratio %.1f)\n",
           one, MANY, same, same / one, MANY, own, own / one, MANY, key, key / one);
    fake_plugin_close(users);
    return atomic_load(&bench.failed);
}

int main(int argc, char **argv)
{
    char folder[512], path[600], journal[600];
    struct fake_host *host = fake_host_new();

    if (argc < 2)
        return fprintf(stderr, "usage: %s STORAGE [FOLDER]\n", argv[0]), 2;
    snprintf(folder, sizeof(folder), "%s/ledger-bench-XXXXXX", argc > 2 ? argv[2] : ".");
    if (!mkdtemp(folder))
        return perror(folder), 1;
    snprintf(path, sizeof(path), "%s/store.db", folder);
    host->table.http = &http;

    bool on_disk = strcmp(argv[1], "storage-sqlite") == 0;
    struct fake_plugin *storage =
        open_started(host, argv[1], on_disk ? json_pack("{s:s}", "path", path) : NULL);
    snprintf(journal, sizeof(journal), "%s/journal", folder);
    unsigned long long failed = 0;
    for (int with = 1; with >= 0; with--)
        failed += run(host, argv[1], with ? journal : "");
    if (failed)
        fprintf(stderr, "%llu calls failed\n", failed);
    fake_plugin_close(storage);
    fake_host_free(host);
    remove_store(folder, path);
    return failed ? 1 : 0;
}
