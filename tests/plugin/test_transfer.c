/* SPDX-License-Identifier: Apache-2.0 */
/* transfer/1 between stores in memory: what an old folder becomes, and a file of one's own. */
#include "cleanup.h"
#include "fake_host.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PLACES = 2, PLUGINS = 3, LINE_MAX_BYTES = 4096 };

/* Two servers, each with a store of its own. */
struct world {
    char folder[64], file[96];
    struct fake_host *host[PLACES];
    struct fake_plugin *plugins[PLACES][PLUGINS];
};

static int take_routes(struct ein_ctx *ctx, const struct ein_route *routes, size_t count,
                       size_t stride, void *self, struct ein_error *err)
{
    (void)ctx, (void)routes, (void)count, (void)stride, (void)self, (void)err;
    return 0;
}

static const struct ein_http http = { .struct_size = sizeof(http), .add_routes = take_routes };

static void open_place(struct world *world, int place)
{
    struct fake_host *host = fake_host_new();
    json_t *settings[PLUGINS] = {
        NULL, json_pack("{s:o}", "key_file", json_sprintf("%s/key", world->folder)),
        json_pack("{s:s}", "owner", "somebody")
    };
    static const char *const names[PLUGINS] = { "storage-memory", "vault", "transfer" };
    struct ein_error err = { 0 };

    world->host[place] = host;
    host->table.http = &http;
    for (int i = 0; i < PLUGINS; i++)
        if (fake_plugin_open(host, names[i], settings[i] ? settings[i] : json_object(),
                             &world->plugins[place][i], &err) < 0 ||
            fake_plugin_start(world->plugins[place][i], &err) < 0)
            fail_msg("%s: %s", names[i], err.text);
}

static void write_old(const struct world *world, const char *collection, const char *text)
{
    char path[128];
    FILE *out;

    (void)snprintf(path, sizeof(path), "%s/%s.json", world->folder, collection);
    out = fopen(path, "we");
    assert_non_null(out);
    (void)fputs(text, out);
    (void)fclose(out);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    (void)snprintf(world->folder, sizeof(world->folder), "/tmp/einion-transfer-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    (void)snprintf(world->file, sizeof(world->file), "%s/all.jsonl", world->folder);
    write_old(
        world, "users",
        "{\"rows\":[{\"doc\":{\"_id\":\"u\",\"apiKeys\":{\"openaiApiKey\":\"sk-1234567890\"}}}]}");
    write_old(
        world, "agents",
        "{\"rows\":[{\"doc\":{\"_id\":\"a\",\"name\":\"n\",\"description\":\"d\",\"code\":\"c\"}},"
        "{\"doc\":{\"_id\":\"b\"}}]}");
    write_old(
        world, "agent_data_store",
        "{\"rows\":[{\"doc\":{\"_id\":\"x\",\"userId\":\"u\",\"namespace\":\"s\",\"key\":\"k\","
        "\"value\":null}}]}");
    for (int i = 0; i < PLACES; i++)
        open_place(world, i);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    EIN_FREE char *command = NULL;

    for (int i = 0; i < PLACES; i++) {
        for (int k = PLUGINS; k-- > 0;)
            fake_plugin_close(world->plugins[i][k]);
        fake_host_free(world->host[i]);
    }
    assert_true(asprintf(&command, "rm -r %s", world->folder) > 0);
    assert_int_equal(system(command), 0);
    free(world);
    return 0;
}

static const struct ein_transfer *transfer_of(const struct world *world, int place, void **ret_impl)
{
    const struct ein_service *service = fake_host_service(world->host[place], EIN_TRANSFER);

    *ret_impl = service->impl;
    return service->vtable;
}

static void expect_line(const json_t *report, const char *wanted)
{
    const json_t *line;
    size_t i;

    json_array_foreach(report, i, line)
    {
        if (strcmp(json_string_value(line), wanted) == 0)
            return;
    }
    fail_msg("the report has no line \"%s\"", wanted);
}

static json_t *import(const struct world *world, int place, const char *source)
{
    struct ein_error err = { 0 };
    json_t *report = NULL;
    void *impl;

    if (transfer_of(world, place, &impl)->import_from(impl, source, &report, &err) < 0)
        fail_msg("import: %s", err.text);
    return report;
}

/* Without its revision; what the store lends is not changed. */
static json_t *document(const struct world *world, int place, const char *set, const char *id)
{
    const struct fake_host *host = world->host[place];
    EIN_JSON json_t *doc = NULL;
    json_t *copy;

    assert_int_equal(host->table.store->get(fake_host_ctx(world->host[place]), set, id, &doc, NULL),
                     0);
    copy = json_copy(doc);
    (void)json_object_del(copy, "_rev");
    return copy;
}

static void an_old_folder_is_brought_once(void **state)
{
    const struct world *world = *state;
    EIN_JSON json_t *first = import(world, 0, world->folder);
    EIN_JSON json_t *agent = document(world, 0, "agents", "a");
    EIN_JSON json_t *second = NULL;
    EIN_JSON json_t *still = NULL;

    expect_line(first, "agents: 1 brought, 0 here already, 1 left out");
    expect_line(first, "  left out: b: it has no name");
    expect_line(first, "1 keys and secrets are sealed in the vault");
    assert_string_equal(json_string_value(json_object_get(agent, "userId")), "somebody");

    second = import(world, 0, world->folder);
    still = document(world, 0, "agents", "a");
    expect_line(second, "users: 0 brought, 1 here already, 0 left out");
    expect_line(second, "agents: 0 brought, 1 here already, 1 left out");
    expect_line(second, "agent_data_store: 0 brought, 1 here already, 0 left out");
    assert_true(json_equal(agent, still));
}

static void an_export_is_the_same_elsewhere(void **state)
{
    static const char *const places[][2] = { { "agents", "a" },
                                             { "agent_versions", "a:1" },
                                             { "users", "u" },
                                             { "ledger_accounts", "u" },
                                             { "data_store", "u:s:aw==" } };
    const struct world *world = *state;
    struct ein_error err = { 0 };
    EIN_JSON json_t *out = NULL;
    EIN_JSON json_t *in = NULL;
    EIN_JSON json_t *again = NULL;
    void *impl;

    json_decref(import(world, 0, world->folder));
    if (transfer_of(world, 0, &impl)->export_to(impl, world->file, &out, &err) < 0)
        fail_msg("export: %s", err.text);
    in = import(world, 1, world->file);
    expect_line(in, "agents: 1 brought, 0 here already, 0 here and different");
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        EIN_JSON json_t *here = document(world, 0, places[i][0], places[i][1]);
        EIN_JSON json_t *there = document(world, 1, places[i][0], places[i][1]);

        assert_true(json_equal(here, there));
    }
    again = import(world, 1, world->file);
    expect_line(again, "agents: 0 brought, 1 here already, 0 here and different");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_old_folder_is_brought_once),
        TEST(an_export_is_the_same_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
