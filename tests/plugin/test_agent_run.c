/* SPDX-License-Identifier: Apache-2.0 */
/* What agents and deployments share, on storage-memory and a runtime that only looks. */
#include "agent_doc.h"
#include "agent_run.h"
#include "cleanup.h"
#include "error.h"
#include "fake_host.h"
#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define USER "dev_stub:alice"

/* A request is who makes it, and all that counts of a document is who made that. */
struct ein_req {
    const char *uid;
};

static struct ein_req request = { USER }, bobs_request = { "dev_stub:bob" };

static int may(const struct ein_req *req, const json_t *doc, struct ein_error *err)
{
    const char *maker = json_string_value(json_object_get(doc, "userId"));

    return maker && strcmp(maker, req->uid) == 0 ? 0 : error_set(err, EIN_E_NOT_FOUND, "no");
}

static const struct ein_identity *identity(const struct ein_req *req)
{
    static const struct ein_identity nobody = { .struct_size = sizeof(nobody) };

    return &nobody;
}

static json_t *visible(const struct ein_req *req)
{
    return json_pack("{s:s}", "userId", req->uid);
}

static const char *request_id(const struct ein_req *req)
{
    return "r-1";
}

static const struct ein_http http = { .struct_size = sizeof(http),
                                      .may = may,
                                      .identity = identity,
                                      .visible = visible,
                                      .request_id = request_id };

struct fixture {
    struct fake_host *host;
    struct fake_plugin *storage;
    struct ein_ctx *ctx;
    json_t *agents; /* what the last run was given; NULL: nothing */
    char run_id[64];
    int runs;
    int answer; /* of the runtime; 0: an outcome */
};

static int note_run(void *impl, const struct ein_agent_run *run, json_t **ret_outcome,
                    struct ein_error *err)
{
    struct fixture *f = impl;

    f->runs++;
    assert_int_equal(run->struct_size, sizeof(*run));
    snprintf(f->run_id, sizeof(f->run_id), "%s", run->run_id);
    json_decref(f->agents);
    f->agents = json_deep_copy(run->agents);
    if (f->answer < 0)
        return error_set(err, f->answer, "the queue is full");
    *ret_outcome = json_pack("{s:O, s:n, s:n}", "result", run->input, "error", "opsLog");
    return 0;
}

static const struct ein_agent_runtime runtime = { .struct_size = sizeof(runtime), .run = note_run };

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct ein_error err = { 0 };

    f->host = fake_host_new();
    f->host->table.http = &http;
    f->ctx = fake_host_ctx(f->host);
    *state = f;
    if (fake_plugin_open(f->host, "storage-memory", json_object(), &f->storage, &err) < 0 ||
        fake_plugin_start(f->storage, &err) < 0) {
        print_error("%s\n", err.text);
        return -1;
    }
    return 0;
}

static int set_up_with_runtime(void **state)
{
    int r = set_up(state);
    struct fixture *f = *state;

    return r < 0 ? r : f->host->table.publish(f->ctx, EIN_AGENT_RUNTIME, "fake", &runtime, f, NULL);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    json_decref(f->agents);
    fake_plugin_close(f->storage);
    fake_host_free(f->host);
    free(f);
    return 0;
}

static void put(struct fixture *f, const char *set, const char *id, json_t *take_doc)
{
    EIN_JSON json_t *doc = take_doc;

    assert_non_null(doc);
    assert_int_equal(f->host->table.store->put(f->ctx, set, id, EIN_REV_NEW, doc, NULL, NULL), 0);
}

static void put_agent(struct fixture *f, const char *id, const char *uid, json_t *take_calls)
{
    put(f, AGENT_SET, id,
        json_pack("{s:s, s:s, s:{}, s:o, s:s}", "name", id, "code", "pass", "tools",
                  "gofannonAgents", take_calls, "userId", uid));
}

static void put_deployment(struct fixture *f, const char *name, const char *agent_id,
                           const char *uid)
{
    put(f, DEPLOYMENT_SET, name, json_pack("{s:s, s:s}", "agentId", agent_id, "userId", uid));
}

/* Runs code that imports IDS, and returns its outcome. */
static json_t *run(struct fixture *f, json_t *take_ids, struct ein_error *err)
{
    EIN_JSON json_t *ids = take_ids;
    EIN_JSON json_t *input = json_pack("{s:i}", "n", 1);
    const struct agent_order what = { .kind = "code",
                                      .run = { .user_id = USER, .input = input, .imports = ids } };
    json_t *outcome = NULL;
    int r = agent_run(&f->host->table, f->ctx, &request, &what, &outcome, err);

    assert_int_equal(r < 0, outcome == NULL);
    assert_int_equal(r, r < 0 ? err->code : 0);
    return outcome;
}

static void expect_not_loaded(json_t *take_outcome)
{
    EIN_JSON json_t *outcome = take_outcome;
    EIN_JSON json_t *expected =
        json_pack("{s:n, s:s, s:n}", "result", "error",
                  "ValueError: Could not load one or more dependent Gofannon agents.", "opsLog");

    assert_true(json_equal(outcome, expected));
}

static void code_that_calls_nobody_is_run_alone(void **state)
{
    struct fixture *f = *state;
    struct ein_error err = { 0 };
    EIN_JSON json_t *outcome = run(f, NULL, &err);
    EIN_JSON json_t *again = run(f, json_array(), &err);

    assert_int_equal(json_integer_value(json_object_get(json_object_get(outcome, "result"), "n")),
                     1);
    assert_non_null(again);
    assert_int_equal(f->runs, 2);
    assert_null(f->agents);
    assert_int_equal(strlen(f->run_id), 36);
}

static void all_agents_that_a_run_may_reach_go_with_it_once(void **state)
{
    struct fixture *f = *state;
    struct ein_error err = { 0 };

    put_agent(f, "a", USER, json_pack("[s, s]", "b", "c"));
    put_agent(f, "b", USER, json_pack("[s, s]", "c", "a"));
    put_agent(f, "c", USER, json_array());
    put_agent(f, "unused", USER, json_array());
    EIN_JSON json_t *outcome = run(f, json_pack("[s, s]", "a", "a"), &err);

    assert_non_null(outcome);
    assert_int_equal(json_object_size(f->agents), 3);
    EIN_JSON json_t *b = json_pack("{s:s, s:s, s:{}, s:[s, s]}", "name", "b", "code", "pass",
                                   "tools", "imports", "c", "a");
    json_t *given = json_object_get(f->agents, "b");
    assert_string_equal(json_string_value(json_object_get(json_object_get(given, "agent"), "_id")),
                        "b");
    (void)json_object_del(given, "agent");
    assert_true(json_equal(given, b));
}

static void an_unknown_import_fails_the_run_before_it_begins(void **state)
{
    struct fixture *f = *state;
    struct ein_error err = { 0 };

    put_agent(f, "mine", USER, json_array());
    put_agent(f, "theirs", "dev_stub:bob", json_array());
    expect_not_loaded(run(f, json_pack("[s, s]", "mine", "nope"), &err));
    expect_not_loaded(run(f, json_pack("[s]", "theirs"), &err));
    expect_not_loaded(run(f, json_pack("[s]", ""), &err));
    assert_int_equal(f->runs, 0);
}

static void an_unknown_import_further_down_is_left_to_the_agent_that_names_it(void **state)
{
    struct fixture *f = *state;
    struct ein_error err = { 0 };

    put_agent(f, "a", USER, json_pack("[s]", "nope"));
    EIN_JSON json_t *outcome = run(f, json_pack("[s]", "a"), &err);

    assert_non_null(outcome);
    assert_int_equal(json_object_size(f->agents), 1);
    assert_int_equal(json_array_size(json_object_get(json_object_get(f->agents, "a"), "imports")),
                     1);
}

static void a_run_may_reach_so_many_agents_and_no_more(void **state)
{
    struct fixture *f = *state;
    struct ein_error err = { 0 };
    char id[16], next[16];

    for (int i = 0; i <= AGENT_RUN_AGENTS_MAX; i++) {
        snprintf(id, sizeof(id), "n%d", i);
        snprintf(next, sizeof(next), "n%d", i + 1);
        put_agent(f, id, USER, json_pack("[s]", next));
    }
    EIN_JSON json_t *outcome = run(f, json_pack("[s]", "n1"), &err);
    assert_non_null(outcome);
    assert_int_equal(json_object_size(f->agents), AGENT_RUN_AGENTS_MAX);

    assert_null(run(f, json_pack("[s]", "n0"), &err));
    assert_int_equal(err.code, EIN_E_TOO_LARGE);
}

static void what_the_runtime_refuses_is_passed_on(void **state)
{
    struct fixture *f = *state;
    struct ein_error err = { 0 };

    f->answer = EIN_E_BUSY;
    assert_null(run(f, NULL, &err));
    assert_int_equal(err.code, EIN_E_BUSY);
    assert_string_equal(err.text, "the queue is full");
}

static void without_a_runtime_nothing_is_run(void **state)
{
    struct ein_error err = { 0 };

    assert_null(run(*state, NULL, &err));
    assert_int_equal(err.code, EIN_E_UNAVAILABLE);
}

static void what_belongs_to_others_is_not_found(void **state)
{
    struct fixture *f = *state;
    const struct ein_host *host = &f->host->table;
    EIN_JSON json_t *agent = NULL;
    struct ein_error err = { 0 };

    put_agent(f, "a", USER, json_array());
    assert_int_equal(agent_get(host, f->ctx, &request, "a", &agent, &err), 0);
    assert_int_equal(agent_get(host, f->ctx, &bobs_request, "a", &agent, &err), EIN_E_NOT_FOUND);
    assert_string_equal(err.text, "Document 'a' not found in 'agents'");
}

static void an_id_that_no_document_can_have_is_not_found(void **state)
{
    struct fixture *f = *state;
    char id[10241];
    json_t *agent = NULL;
    struct ein_error err = { 0 };

    memset(id, 'x', sizeof(id) - 1);
    id[sizeof(id) - 1] = '\0';
    assert_int_equal(agent_get(&f->host->table, f->ctx, &request, id, &agent, &err),
                     EIN_E_NOT_FOUND);
    assert_int_equal(agent_get(&f->host->table, f->ctx, &request, "", &agent, &err),
                     EIN_E_NOT_FOUND);
}

static uint64_t count(struct fixture *f, const char *set)
{
    uint64_t count = 0;

    assert_int_equal(f->host->table.store->tally(f->ctx, set, NULL, &count, NULL), 0);
    return count;
}

static void an_agent_and_its_deployments_go_together_or_not_at_all(void **state)
{
    struct fixture *f = *state;
    const struct ein_host *host = &f->host->table;
    struct ein_doc_op op = {
        .kind = EIN_DOC_DELETE, .set = AGENT_SET, .id = "a", .expect = "1-stale"
    };
    struct ein_error err = { 0 };

    put_agent(f, "a", USER, json_array());
    put_agent(f, "b", USER, json_array());
    put_deployment(f, "one", "a", USER);
    put_deployment(f, "two", "a", USER);
    put_deployment(f, "other", "b", USER);
    assert_int_equal(deployments_remove(host, f->ctx, "a", &op, 1, &err), EIN_E_CONFLICT);
    assert_int_equal(count(f, DEPLOYMENT_SET), 3);

    op.expect = EIN_REV_ANY;
    assert_int_equal(deployments_remove(host, f->ctx, "a", &op, 1, &err), 0);
    assert_int_equal(count(f, DEPLOYMENT_SET), 1);
    assert_int_equal(count(f, AGENT_SET), 1);
}

/* ---- a store in which somebody deploys the agent just before a batch ---- */

static struct {
    const struct ein_store *store;
    int deploys; /* still to come */
} race;

static int batch_after_a_deploy(struct ein_ctx *ctx, struct ein_doc_op *ops, size_t op_count,
                                size_t stride, struct ein_error *err)
{
    char name[16];

    if (race.deploys > 0) {
        snprintf(name, sizeof(name), "late%d", race.deploys--);
        EIN_JSON json_t *doc = json_pack("{s:s, s:s}", "agentId", "a", "userId", USER);
        assert_int_equal(race.store->put(ctx, DEPLOYMENT_SET, name, EIN_REV_NEW, doc, NULL, NULL),
                         0);
    }
    return race.store->batch(ctx, ops, op_count, stride, err);
}

static void a_deploy_during_the_removal_is_removed_too(void **state)
{
    struct fixture *f = *state;
    struct ein_store store = *f->host->table.store;
    struct ein_doc_op op = { .kind = EIN_DOC_DELETE, .set = AGENT_SET, .id = "a" };
    struct ein_error err = { 0 };

    put_agent(f, "a", USER, json_array());
    put_deployment(f, "one", "a", USER);
    race.store = f->host->table.store;
    race.deploys = 3;
    store.batch = batch_after_a_deploy;
    f->host->table.store = &store;
    assert_int_equal(deployments_remove(&f->host->table, f->ctx, "a", &op, 1, &err), 0);
    f->host->table.store = race.store;
    assert_int_equal(race.deploys, 0);
    assert_int_equal(count(f, DEPLOYMENT_SET), 0);
    assert_int_equal(count(f, AGENT_SET), 0);
}

static void a_deploy_during_a_move_is_moved_too(void **state)
{
    struct fixture *f = *state;
    struct ein_store store = *f->host->table.store;
    EIN_JSON json_t *agent = json_pack("{s:s, s:s, s:s, s:s}", "_id", "a", "userId", USER,
                                       "workspaceId", "w", "owner", "workspace:w");
    EIN_JSON json_t *moved = NULL;
    EIN_JSON json_t *where = json_pack("{s:s}", "owner", "workspace:w");
    struct ein_doc_op op = { .kind = EIN_DOC_PUT, .set = AGENT_SET, .id = "a", .doc = agent };
    struct ein_error err = { 0 };
    uint64_t found = 0;

    put_agent(f, "a", USER, json_array());
    put_deployment(f, "one", "a", USER);
    put_deployment(f, "other", "b", USER);
    race.store = f->host->table.store;
    race.deploys = 2;
    store.batch = batch_after_a_deploy;
    f->host->table.store = &store;
    assert_int_equal(deployments_move(&f->host->table, f->ctx, agent, &op, 1, &err), 0);
    f->host->table.store = race.store;
    assert_int_equal(race.deploys, 0);
    assert_int_equal(race.store->tally(f->ctx, DEPLOYMENT_SET, where, &found, &err), 0);
    assert_int_equal(found, 3);
    assert_int_equal(race.store->get(f->ctx, AGENT_SET, "a", &moved, &err), 0);
    assert_string_equal(op.ret_rev, json_string_value(json_object_get(moved, "_rev")));
}

#define TEST(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(code_that_calls_nobody_is_run_alone, set_up_with_runtime),
        TEST(all_agents_that_a_run_may_reach_go_with_it_once, set_up_with_runtime),
        TEST(an_unknown_import_fails_the_run_before_it_begins, set_up_with_runtime),
        TEST(an_unknown_import_further_down_is_left_to_the_agent_that_names_it,
             set_up_with_runtime),
        TEST(a_run_may_reach_so_many_agents_and_no_more, set_up_with_runtime),
        TEST(what_the_runtime_refuses_is_passed_on, set_up_with_runtime),
        TEST(without_a_runtime_nothing_is_run, set_up),
        TEST(what_belongs_to_others_is_not_found, set_up),
        TEST(an_id_that_no_document_can_have_is_not_found, set_up),
        TEST(an_agent_and_its_deployments_go_together_or_not_at_all, set_up),
        TEST(a_deploy_during_the_removal_is_removed_too, set_up),
        TEST(a_deploy_during_a_move_is_moved_too, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
