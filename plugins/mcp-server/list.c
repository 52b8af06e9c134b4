/* SPDX-License-Identifier: Apache-2.0 */
/* tools/list: every agent with all there is to tell of it, or where there are many, the tools to
 * find them with. */
#include "catalog.h"
#include "mcp_server.h"
#include "tool.h"

#include "cleanup.h"
#include "rpc.h"

#include <string.h>

enum how { BY_COUNT, ALL, SEARCH };

/* ?tools= of the endpoint's address. */
static enum how asked_for(const struct turn *turn)
{
    const json_t *query = turn->server->host->http->query(turn->req);
    const char *said = json_string_value(json_object_get(query, "tools"));

    return !said ? BY_COUNT : strcmp(said, "all") == 0 ? ALL : SEARCH;
}

static json_t *list_of(const struct turn *turn, json_t *take_tools, const char *cursor)
{
    return json_pack("{s:o, s:i, s:s, s:s*}", "tools", take_tools, "ttlMs",
                     (int)turn->server->ttl_ms, "cacheScope", "private", "nextCursor", cursor);
}

static json_t *tools_of(const json_t *page)
{
    EIN_JSON json_t *tools = json_array();
    const json_t *entry;
    size_t i;

    json_array_foreach(page, i, entry)
    {
        if (json_array_append_new(tools, tool_of(entry, 0)) < 0)
            return NULL;
    }
    return EIN_TAKE(tools);
}

static void list_search(struct turn *turn, uint64_t count, const json_t *page)
{
    json_t *tools =
        json_pack("[o, o]", tool_search(count, page, turn->server->names_bytes), tool_run());

    turn_result(turn, list_of(turn, tools, NULL));
}

/* An agent that cannot be read has failed the store, not the caller. */
static void fail(struct turn *turn, const struct ein_error *err)
{
    if (err->code == EIN_E_INVALID)
        turn_fail(turn, MCP_INVALID_PARAMS, "Invalid cursor");
    else
        turn_fail_error(turn, err);
}

void tools_list(struct turn *turn)
{
    const struct mcp_server *server = turn->server;
    const char *cursor = json_string_value(json_object_get(turn->params, "cursor"));
    enum how how = asked_for(turn);
    EIN_JSON json_t *page = NULL;
    struct ein_error err;
    char *next = NULL;
    uint64_t count = 0;
    int r = catalog_count(turn, &count, &err);
    bool searched = how == SEARCH || (how == BY_COUNT && count > server->whole_max);

    if (r >= 0)
        r = catalog_page(turn, server->page_max, cursor, searched, &page, &next, &err);
    if (r < 0)
        fail(turn, &err);
    else if (searched)
        list_search(turn, count, page);
    else
        turn_result(turn, list_of(turn, tools_of(page), next));
    server->host->mem_free(next);
}
