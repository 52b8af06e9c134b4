/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog.h"

#include "agent_doc.h"
#include "cleanup.h"
#include "error.h"
#include "http_json.h"
#include "member.h"
#include "served_page.h"
#include "tool.h"

#include <string.h>

enum { WALK_PAGE = 200 }; /* deployments that are looked at in one go */

static json_t *visible(const struct turn *turn)
{
    return turn->server->host->http->visible(turn->req);
}

int catalog_page(const struct turn *turn, uint32_t limit, const char *cursor, bool names,
                 json_t **ret_page, char **ret_cursor, struct ein_error *err)
{
    EIN_JSON json_t *where = visible(turn);

    return where ? served_page(turn->server->host, turn->server->ctx, where, limit, cursor, names,
                               ret_page, ret_cursor, err)
                 : error_no_memory(err);
}

int catalog_count(const struct turn *turn, uint64_t *ret_count, struct ein_error *err)
{
    EIN_JSON json_t *where = visible(turn);
    const struct mcp_server *server = turn->server;

    return where ? server->host->store->tally(server->ctx, DEPLOYMENT_SET, where, ret_count, err)
                 : error_no_memory(err);
}

static int get_served(const struct turn *turn, const char *name, struct served *ret_served,
                      char **ret_name, struct ein_error *err)
{
    const struct ein_host *host = turn->server->host;
    int r = served_get(host, turn->server->ctx, turn->req, name, ret_served, err);

    if (r < 0)
        return r;
    *ret_name = host->text_dup(name);
    if (*ret_name)
        return 0;
    served_done(ret_served);
    return error_no_memory(err);
}

/* Among those whose name is no tool's. */
static int find_renamed(const struct turn *turn, const char *tool, struct served *ret_served,
                        char **ret_name, struct ein_error *err)
{
    EIN_JSON json_t *where = visible(turn);
    char *cursor = NULL;
    int r;

    do {
        EIN_JSON json_t *page = NULL;
        const json_t *deployment;
        char *next = NULL;
        size_t i;

        const struct ein_query query = { .struct_size = sizeof(query),
                                         .limit = WALK_PAGE,
                                         .where = where,
                                         .cursor = cursor,
                                         .fields = ids_only };

        r = where ? find_docs(turn->server->host, turn->server->ctx, DEPLOYMENT_SET, &query, &page,
                              &next, err)
                  : error_no_memory(err);
        turn->server->host->mem_free(cursor);
        cursor = next;
        json_array_foreach(page, i, deployment)
        {
            char name[TOOL_NAME_SIZE];

            tool_name(text_of(deployment, "_id"), name);
            if (strcmp(name, tool) != 0)
                continue;
            turn->server->host->mem_free(cursor);
            return get_served(turn, text_of(deployment, "_id"), ret_served, ret_name, err);
        }
    } while (r >= 0 && cursor);
    return r < 0 ? r : EIN_E_NOT_FOUND;
}

int catalog_find(const struct turn *turn, const char *tool, struct served *ret_served,
                 char **ret_name, struct ein_error *err)
{
    int r = EIN_E_NOT_FOUND;

    if (tool_name_is_own(tool))
        r = get_served(turn, tool, ret_served, ret_name, err);
    if (r == EIN_E_NOT_FOUND && tool_name_is_made(tool))
        r = find_renamed(turn, tool, ret_served, ret_name, err);
    return r == EIN_E_NOT_FOUND ? error_set(err, r, "There is no tool '%.128s'.", tool) : r;
}
