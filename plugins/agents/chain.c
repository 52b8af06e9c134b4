/* SPDX-License-Identifier: Apache-2.0 */
#include "chain.h"

#include "cleanup.h"
#include "error.h"
#include "member.h"
#include <stdbool.h>
#include <string.h>

enum walk_state { UNSEEN, ON_PATH, DONE };

struct link {
    char *id;
    json_t *agent; /* NULL: there is none */
    int depth;     /* calls from the root, on the shortest way */
    size_t *deps;  /* each agent once */
    size_t dep_count;
    size_t marked_by; /* 1 + the agent that has listed it last */
    enum walk_state state;
    size_t parent, next_dep;
};

struct chain {
    chain_load_fn *load;
    void *data;
    struct link *links; /* in order of depth */
    size_t count, capacity;
    json_t *index;         /* id: place in links */
    json_t *nodes, *edges; /* the result */
};

static void chain_done(struct chain *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        free(chain->links[i].id);
        free(chain->links[i].deps);
        json_decref(chain->links[i].agent);
    }
    free(chain->links);
    json_decref(chain->index);
    json_decref(chain->nodes);
    json_decref(chain->edges);
}

/* ---- what is reached, nearest first ---- */

static int make_room(struct chain *chain, struct ein_error *err)
{
    if (chain->count == CHAIN_AGENTS_MAX)
        return error_set(err, EIN_E_TOO_LARGE, "The chain has more than %d agents.",
                         CHAIN_AGENTS_MAX);
    if (chain->count < chain->capacity)
        return 0;

    size_t capacity = chain->capacity ? 2 * chain->capacity : 16;
    struct link *links = realloc(chain->links, capacity * sizeof(*links));
    if (!links)
        return error_no_memory(err);
    chain->links = links;
    chain->capacity = capacity;
    return 0;
}

static int add_link(struct chain *chain, const char *id, int depth, size_t *ret_at,
                    struct ein_error *err)
{
    EIN_JSON json_t *agent = NULL;
    EIN_FREE char *own_id = NULL;
    int r = make_room(chain, err);

    if (r < 0)
        return r;
    r = chain->load(chain->data, id, &agent, err);
    if (r < 0 && r != EIN_E_NOT_FOUND)
        return r;
    own_id = strdup(id);
    if (!own_id || json_object_set_new(chain->index, id, json_integer((json_int_t)chain->count)))
        return error_no_memory(err);

    *ret_at = chain->count++;
    chain->links[*ret_at] =
        (struct link){ .id = EIN_TAKE(own_id), .agent = EIN_TAKE(agent), .depth = depth };
    return 0;
}

static int find_or_add(struct chain *chain, const char *id, int depth, size_t *ret_at,
                       struct ein_error *err)
{
    const json_t *at = json_object_get(chain->index, id);

    if (!at)
        return add_link(chain, id, depth, ret_at, err);
    *ret_at = (size_t)json_integer_value(at);
    return 0;
}

static int reach_from(struct chain *chain, size_t from, struct ein_error *err)
{
    const json_t *ids = json_object_get(chain->links[from].agent, "gofannonAgents");
    EIN_FREE size_t *deps = calloc(json_array_size(ids) + 1, sizeof(*deps));
    size_t count = 0, i;
    json_t *id;

    if (!deps)
        return error_no_memory(err);
    json_array_foreach(ids, i, id)
    {
        size_t to;
        int r;

        if (!json_is_string(id))
            continue;
        r = find_or_add(chain, json_string_value(id), chain->links[from].depth + 1, &to, err);
        if (r < 0)
            return r;
        if (chain->links[to].marked_by == from + 1)
            continue;
        chain->links[to].marked_by = from + 1;
        deps[count++] = to;
    }
    chain->links[from].deps = EIN_TAKE(deps);
    chain->links[from].dep_count = count;
    return 0;
}

static int reach(struct chain *chain, const char *root, struct ein_error *err)
{
    size_t at;
    int r = add_link(chain, root, 0, &at, err);

    for (size_t i = 0; r >= 0 && i < chain->count; i++)
        if (chain->links[i].depth <= CHAIN_DEPTH_MAX)
            r = reach_from(chain, i, err);
    return r;
}

/* ---- the graph, in the order of a walk through it ---- */

static int show_agent(struct chain *chain, const struct link *link)
{
    json_t *node;

    if (link->agent)
        node = json_pack("{s:s, s:s, s:O, s:O, s:O, s:O, s:b, s:b}", "id", link->id, "type",
                         "agent", "name", or_null(link->agent, "name"), "description",
                         or_null(link->agent, "description"), "input_schema",
                         or_null(link->agent, "inputSchema"), "output_schema",
                         or_null(link->agent, "outputSchema"), "missing", false, "truncated",
                         link->depth > CHAIN_DEPTH_MAX);
    else
        node =
            json_pack("{s:s, s:s, s:s, s:s, s:{}, s:{}, s:b, s:b}", "id", link->id, "type", "agent",
                      "name", "(missing)", "description", "", "input_schema", "output_schema",
                      "missing", true, "truncated", link->depth > CHAIN_DEPTH_MAX);
    return json_object_set_new(chain->nodes, link->id, node);
}

static int show_server(struct chain *chain, const struct link *link, const char *url, json_t *tools)
{
    EIN_JSON json_t *id = json_sprintf("mcp:%s", url);
    const char *name = json_string_value(id);

    if (!name)
        return -1;
    if (!json_object_get(chain->nodes, name) &&
        json_object_set_new(chain->nodes, name,
                            json_pack("{s:O, s:s, s:s, s:I, s:O}", "id", id, "type", "mcp_server",
                                      "url", url, "tool_count", (json_int_t)json_array_size(tools),
                                      "tools", tools)) < 0)
        return -1;
    return json_array_append_new(chain->edges,
                                 json_pack("{s:s, s:O, s:s, s:O}", "from", link->id, "to", id,
                                           "type", "uses_tools", "tools", tools));
}

static int show_call(struct chain *chain, size_t from, size_t to)
{
    return json_array_append_new(chain->edges,
                                 json_pack("{s:s, s:s, s:s, s:b}", "from", chain->links[from].id,
                                           "to", chain->links[to].id, "type", "calls", "cyclic",
                                           chain->links[to].state == ON_PATH));
}

static int enter(struct chain *chain, size_t at, size_t parent)
{
    struct link *link = &chain->links[at];
    const char *url;
    json_t *tools;

    link->state = ON_PATH;
    link->parent = parent;
    if (show_agent(chain, link) < 0)
        return -1;
    if (link->depth > CHAIN_DEPTH_MAX)
        return 0;
    json_object_foreach(json_object_get(link->agent, "tools"), url, tools)
    {
        if (show_server(chain, link, url, tools) < 0)
            return -1;
    }
    return 0;
}

/* Depth first, with the path kept in the links: a way through all agents may be far longer
 * than a thread's stack allows. */
static int walk(struct chain *chain)
{
    size_t at = 0;
    int r = enter(chain, 0, 0);

    while (r >= 0) {
        struct link *link = &chain->links[at];

        if (link->next_dep < link->dep_count) {
            size_t to = link->deps[link->next_dep++];

            if (chain->links[to].state != UNSEEN) {
                r = show_call(chain, at, to);
            } else {
                r = enter(chain, to, at);
                at = to;
            }
            continue;
        }
        link->state = DONE;
        if (at == 0)
            return 0;
        r = show_call(chain, link->parent, at);
        at = link->parent;
    }
    return r;
}

int chain_build(const char *root, chain_load_fn *load, void *data, json_t **ret_chain,
                struct ein_error *err)
{
    struct chain chain = { .load = load,
                           .data = data,
                           .index = json_object(),
                           .nodes = json_object(),
                           .edges = json_array() };
    json_t *result = NULL;
    int r = reach(&chain, root, err);

    if (r >= 0 && walk(&chain) >= 0)
        result =
            json_pack("{s:s, s:O, s:O}", "root", root, "nodes", chain.nodes, "edges", chain.edges);
    if (r >= 0 && !result)
        r = error_no_memory(err);
    chain_done(&chain);
    if (r < 0)
        return r;
    *ret_chain = result;
    return 0;
}
