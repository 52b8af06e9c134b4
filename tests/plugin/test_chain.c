/* SPDX-License-Identifier: Apache-2.0 */
#include "chain.h"
#include "error.h"
#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AGENTS_MAX = 40 };

/* ---- a world of agents: {id: agent} ---- */

static int load(void *data, const char *id, json_t **ret_agent, struct ein_error *err)
{
    json_t *agent = json_object_get(data, id);

    if (!agent)
        return error_set(err, EIN_E_NOT_FOUND, "no '%s'", id);
    *ret_agent = json_incref(agent);
    return 0;
}

static void add_agent(json_t *world, const char *id, json_t *take_calls, const char *url)
{
    json_t *agent = json_pack("{s:s, s:s, s:n, s:{s:s}, s:{}, s:o}", "name", id, "description",
                              "about", "inputSchema", "outputSchema", "a", "string", "tools",
                              "gofannonAgents", take_calls);

    assert_non_null(agent);
    if (url)
        json_object_set_new(json_object_get(agent, "tools"), url, json_pack("[s, s]", "t1", "t2"));
    assert_int_equal(json_object_set_new(world, id, agent), 0);
}

static json_t *build(json_t *world, const char *root)
{
    struct ein_error err = { 0 };
    json_t *chain = NULL;

    assert_int_equal(chain_build(root, load, world, &chain, &err), 0);
    return chain;
}

static const json_t *node(const json_t *chain, const char *id)
{
    return json_object_get(json_object_get(chain, "nodes"), id);
}

static bool is(const json_t *node, const char *flag)
{
    return json_is_true(json_object_get(node, flag));
}

/* Every edge as one line: "a-b", "a*b" where it is cyclic, "a:mcp:URL" for tools. */
static void expect_edges(const json_t *chain, const char *expected)
{
    char lines[4096] = "";
    size_t i;
    json_t *edge;

    json_array_foreach(json_object_get(chain, "edges"), i, edge)
    {
        const char *from, *to, *type;

        assert_int_equal(
            json_unpack(edge, "{s:s, s:s, s:s}", "from", &from, "to", &to, "type", &type), 0);
        size_t len = strlen(lines);
        snprintf(lines + len, sizeof(lines) - len, "%s%s%s%s", i ? " " : "", from,
                 !strcmp(type, "uses_tools") ? ":"
                 : is(edge, "cyclic")        ? "*"
                                             : "-",
                 to);
    }
    assert_string_equal(lines, expected);
}

static void expect_json(const json_t *json, const char *expected)
{
    char *text = json_dumps(json, JSON_COMPACT);

    assert_string_equal(text, expected);
    free(text);
}

/* ---- by hand ---- */

static void an_unknown_root_is_a_missing_node(void **state)
{
    json_t *world = json_object();
    json_t *chain = build(world, "nope");

    expect_json(chain, "{\"root\":\"nope\",\"nodes\":{\"nope\":{\"id\":\"nope\",\"type\":\"agent\","
                       "\"name\":\"(missing)\",\"description\":\"\",\"input_schema\":{},"
                       "\"output_schema\":{},\"missing\":true,\"truncated\":false}},\"edges\":[]}");
    json_decref(chain);
    json_decref(world);
}

static void servers_come_first_and_a_call_after_its_subtree(void **state)
{
    json_t *world = json_object();

    add_agent(world, "a", json_pack("[s, s]", "b", "c"), "http://m/");
    add_agent(world, "b", json_pack("[s]", "d"), "http://m/");
    add_agent(world, "c", json_array(), NULL);
    add_agent(world, "d", json_array(), NULL);
    json_t *chain = build(world, "a");

    expect_edges(chain, "a:mcp:http://m/ b:mcp:http://m/ b-d a-b a-c");
    expect_json(node(chain, "mcp:http://m/"),
                "{\"id\":\"mcp:http://m/\",\"type\":\"mcp_server\",\"url\":\"http://m/\","
                "\"tool_count\":2,\"tools\":[\"t1\",\"t2\"]}");
    expect_json(node(chain, "c"), "{\"id\":\"c\",\"type\":\"agent\",\"name\":\"c\","
                                  "\"description\":\"about\",\"input_schema\":null,"
                                  "\"output_schema\":{\"a\":\"string\"},\"missing\":false,"
                                  "\"truncated\":false}");
    json_decref(chain);
    json_decref(world);
}

static void cycles_are_marked_where_they_close(void **state)
{
    json_t *world = json_object();

    add_agent(world, "a", json_pack("[s, s]", "a", "b"), NULL);
    add_agent(world, "b", json_pack("[s]", "c"), NULL);
    add_agent(world, "c", json_pack("[s, s]", "a", "b"), NULL);
    json_t *chain = build(world, "a");

    expect_edges(chain, "a*a c*a c*b b-c a-b");
    json_decref(chain);
    json_decref(world);
}

static void no_edge_comes_twice(void **state)
{
    json_t *world = json_object();

    add_agent(world, "a", json_pack("[s, s, s, s]", "b", "b", "c", "b"), NULL);
    add_agent(world, "b", json_pack("[s]", "d"), NULL);
    add_agent(world, "c", json_pack("[s]", "d"), NULL);
    add_agent(world, "d", json_pack("[s]", "gone"), "http://m/");
    json_t *chain = build(world, "a");

    expect_edges(chain, "d:mcp:http://m/ d-gone b-d a-b c-d a-c");
    assert_true(is(node(chain, "gone"), "missing"));
    json_decref(chain);
    json_decref(world);
}

static void a_line_is_cut_below_depth_eight(void **state)
{
    json_t *world = json_object();
    char id[16], next[16];

    for (int i = 0; i < 12; i++) {
        snprintf(id, sizeof(id), "n%d", i);
        snprintf(next, sizeof(next), "n%d", i + 1);
        add_agent(world, id, json_pack("[s]", next), NULL);
    }
    json_t *chain = build(world, "n0");

    expect_edges(chain, "n8-n9 n7-n8 n6-n7 n5-n6 n4-n5 n3-n4 n2-n3 n1-n2 n0-n1");
    assert_false(is(node(chain, "n8"), "truncated"));
    assert_true(is(node(chain, "n9"), "truncated"));
    assert_null(node(chain, "n10"));
    json_decref(chain);
    json_decref(world);
}

static void a_short_way_to_an_agent_counts_though_a_long_one_comes_first(void **state)
{
    json_t *world = json_object();
    char id[16], next[16];

    add_agent(world, "n0", json_pack("[s, s]", "n1", "n9"), NULL);
    for (int i = 1; i < 10; i++) {
        snprintf(id, sizeof(id), "n%d", i);
        snprintf(next, sizeof(next), "n%d", i + 1);
        add_agent(world, id, json_pack("[s]", next), NULL);
    }
    add_agent(world, "n10", json_array(), NULL);
    json_t *chain = build(world, "n0");

    expect_edges(chain, "n9-n10 n8-n9 n7-n8 n6-n7 n5-n6 n4-n5 n3-n4 n2-n3 n1-n2 n0-n1 n0-n9");
    assert_false(is(node(chain, "n9"), "truncated"));
    json_decref(chain);
    json_decref(world);
}

static void too_many_agents_are_refused(void **state)
{
    json_t *world = json_object();
    json_t *calls = json_array();
    json_t *chain = NULL;
    struct ein_error err = { 0 };

    for (int i = 0; i < CHAIN_AGENTS_MAX; i++)
        json_array_append_new(calls, json_sprintf("n%d", i));
    add_agent(world, "a", calls, NULL);
    assert_int_equal(chain_build("a", load, world, &chain, &err), EIN_E_TOO_LARGE);
    assert_null(chain);
    json_decref(world);
}

static int fail_to_load(void *data, const char *id, json_t **ret_agent, struct ein_error *err)
{
    if (strcmp(id, "b") == 0)
        return error_set(err, EIN_E_UNAVAILABLE, "the disk is gone");
    return load(data, id, ret_agent, err);
}

static void a_store_that_fails_is_no_missing_agent(void **state)
{
    json_t *world = json_object();
    json_t *chain = NULL;
    struct ein_error err = { 0 };

    add_agent(world, "a", json_pack("[s]", "b"), NULL);
    assert_int_equal(chain_build("a", fail_to_load, world, &chain, &err), EIN_E_UNAVAILABLE);
    assert_string_equal(err.text, "the disk is gone");
    json_decref(world);
}

/* ---- generated ---- */

struct graph {
    int count;
    bool calls[AGENTS_MAX][AGENTS_MAX]; /* the last agent is missing */
    int distance[AGENTS_MAX];           /* -1: not reached */
};

static void graph_make(struct graph *graph, unsigned seed)
{
    srand(seed);
    memset(graph, 0, sizeof(*graph));
    graph->count = 2 + rand() % (AGENTS_MAX - 2);
    int calls = rand() % (2 * graph->count);
    for (int i = 0; i < calls; i++)
        graph->calls[rand() % (graph->count - 1)][rand() % graph->count] = true;
    /* A long line through all makes the deep ones reachable. */
    if (seed % 2)
        for (int i = 0; i + 1 < graph->count; i++)
            graph->calls[i][i + 1] = true;
}

static void graph_measure(struct graph *graph)
{
    for (int i = 0; i < graph->count; i++)
        graph->distance[i] = i == 0 ? 0 : -1;
    for (int depth = 0; depth <= CHAIN_DEPTH_MAX; depth++)
        for (int i = 0; i < graph->count; i++)
            for (int j = 0; graph->distance[i] == depth && j < graph->count; j++)
                if (graph->calls[i][j] && graph->distance[j] < 0)
                    graph->distance[j] = depth + 1;
}

static json_t *graph_world(const struct graph *graph)
{
    json_t *world = json_object();

    for (int i = 0; i < graph->count - 1; i++) {
        json_t *calls = json_array();
        char id[16];

        for (int j = 0; j < graph->count; j++)
            if (graph->calls[i][j])
                json_array_append_new(calls, json_sprintf("%d", j));
        snprintf(id, sizeof(id), "%d", i);
        add_agent(world, id, calls, NULL);
    }
    return world;
}

static void check_nodes(const struct graph *graph, const json_t *chain)
{
    size_t reached = 0;

    for (int i = 0; i < graph->count; i++) {
        char id[16];

        snprintf(id, sizeof(id), "%d", i);
        const json_t *found = node(chain, id);
        assert_int_equal(found != NULL, graph->distance[i] >= 0);
        if (!found)
            continue;
        reached++;
        assert_int_equal(is(found, "truncated"), graph->distance[i] > CHAIN_DEPTH_MAX);
        assert_int_equal(is(found, "missing"), i == graph->count - 1);
    }
    assert_int_equal(reached, json_object_size(json_object_get(chain, "nodes")));
}

/* Each call of each expanded agent once; a call that closes no cycle after all calls of the
 * called agent, so that the calls without the cyclic ones can have no cycle. */
static void check_edges(const struct graph *graph, const json_t *chain)
{
    bool seen[AGENTS_MAX][AGENTS_MAX] = { 0 };
    int last_call[AGENTS_MAX] = { 0 }, place[AGENTS_MAX][AGENTS_MAX] = { 0 };
    size_t i;
    json_t *edge;

    json_array_foreach(json_object_get(chain, "edges"), i, edge)
    {
        int from = atoi(json_string_value(json_object_get(edge, "from")));
        int to = atoi(json_string_value(json_object_get(edge, "to")));

        assert_true(graph->calls[from][to]);
        assert_false(seen[from][to]);
        seen[from][to] = true;
        last_call[from] = (int)i + 1;
        place[from][to] = is(edge, "cyclic") ? 0 : (int)i + 1;
    }
    for (int from = 0; from < graph->count; from++)
        for (int to = 0; to < graph->count; to++) {
            bool expanded = graph->distance[from] >= 0 && graph->distance[from] <= CHAIN_DEPTH_MAX;

            assert_int_equal(seen[from][to], expanded && graph->calls[from][to]);
            if (place[from][to])
                assert_true(last_call[to] < place[from][to]);
        }
}

static void any_graph_is_shown_whole_and_once(void **state)
{
    for (unsigned seed = 1; seed <= 2000; seed++) {
        struct graph graph;

        graph_make(&graph, seed);
        graph_measure(&graph);
        json_t *world = graph_world(&graph);
        json_t *chain = build(world, "0");
        check_nodes(&graph, chain);
        check_edges(&graph, chain);
        json_decref(chain);
        json_decref(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_root_is_a_missing_node),
        cmocka_unit_test(servers_come_first_and_a_call_after_its_subtree),
        cmocka_unit_test(cycles_are_marked_where_they_close),
        cmocka_unit_test(no_edge_comes_twice),
        cmocka_unit_test(a_line_is_cut_below_depth_eight),
        cmocka_unit_test(a_short_way_to_an_agent_counts_though_a_long_one_comes_first),
        cmocka_unit_test(too_many_agents_are_refused),
        cmocka_unit_test(a_store_that_fails_is_no_missing_agent),
        cmocka_unit_test(any_graph_is_shown_whole_and_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
