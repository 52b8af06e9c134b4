/* SPDX-License-Identifier: Apache-2.0 */
/* Runs whose record is read while the writer is at it. */
#include "cleanup.h"
#include "member.h"
#include "str.h"
#include "two_servers.h"
#include "unit.h"

#include <string.h>
#include <unistd.h>

static const struct ein_store *store; /* the host's own */
static const struct ein_service *service;
static char run_id[64]; /* who reads it: the store, when it has written */

static json_t *read_run(void)
{
    const struct ein_runs *runs = service->vtable;
    json_t *record = NULL;

    assert_int_equal(runs->get(service->impl, run_id, &record, NULL), 0);
    return record;
}

static int batch_and_read(struct ein_ctx *ctx, struct ein_doc_op *ops, size_t count, size_t stride,
                          struct ein_error *err)
{
    int r = store->batch(ctx, ops, count, stride, err);

    if (*run_id)
        json_decref(read_run());
    return r;
}

static bool is_stored(struct two_servers *servers, const char *status)
{
    EIN_JSON json_t *record = store_read(servers, "runs", run_id);

    return record && str_eq(text_of(record, "status"), status);
}

static void a_run_that_nobody_needs_is_not_freed_beneath_the_writer(void **state)
{
    struct two_servers *servers = two_servers_new("storage-memory");
    struct fake_host *host = servers->host[0];
    struct ein_store reading = *host->table.store;
    struct fake_plugin *plugin;
    const struct ein_runs *runs;
    struct ein_run *run;
    EIN_JSON json_t *event = json_pack("{s:s}", "type", "stdout");
    EIN_JSON json_t *outcome = json_pack("{s:i}", "result", 1);
    const struct ein_run_about about = {
        .struct_size = sizeof(about), .kind = "code", .user_id = "alice", .code = "pass"
    };

    store = host->table.store;
    reading.batch = batch_and_read;
    host->table.store = &reading;
    plugin = open_started(host, "runs", json_pack("{s:i}", "write_ms", 1));
    service = fake_host_service(host, EIN_RUNS);
    runs = service->vtable;

    assert_int_equal(runs->begin(service->impl, &about, &run, NULL), 0);
    (void)str_copy(run_id, sizeof(run_id), runs->id(run));
    assert_int_equal(runs->event(run, event, NULL), 0);
    while (store_count(servers, "run_events") == 0)
        (void)usleep(1000);
    runs->end(run, outcome, NULL); /* its record alone is left to be written */
    while (is_stored(servers, "running"))
        (void)usleep(1000);

    fake_plugin_close(plugin);
    *run_id = '\0';
    host->table.store = store;
    two_servers_free(servers);
}

static void all_that_is_to_be_written_is_however_much_it_is(void **state)
{
    enum { RUNS = 1100 }; /* more than two batches */
    struct two_servers *servers = two_servers_new("storage-memory");
    struct fake_host *host = servers->host[0];
    struct fake_plugin *plugin = open_started(host, "runs", json_pack("{s:i}", "write_ms", 10000));
    const struct ein_run_about about = {
        .struct_size = sizeof(about), .kind = "code", .user_id = "alice", .code = "pass"
    };
    const struct ein_service *erasing = fake_host_service(host, EIN_ERASURE);
    const struct ein_erasure *erasure = erasing->vtable;
    uint64_t count;

    service = fake_host_service(host, EIN_RUNS);
    for (int i = 0; i < RUNS; i++) {
        const struct ein_runs *runs = service->vtable;
        struct ein_run *run;
        assert_int_equal(runs->begin(service->impl, &about, &run, NULL), 0);
        runs->end(run, NULL, NULL);
    }
    assert_int_equal(erasure->erase(erasing->impl, "bob", &count, NULL), 0); /* writes first */
    assert_int_equal(store_count(servers, "runs"), RUNS);
    fake_plugin_close(plugin);
    two_servers_free(servers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_that_nobody_needs_is_not_freed_beneath_the_writer),
        cmocka_unit_test(all_that_is_to_be_written_is_however_much_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
