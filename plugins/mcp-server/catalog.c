/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog.h"

#include "agent_doc.h"
#include "cleanup.h"
#include "error.h"
#include "http_json.h"
#include "member.h"
#include "tool.h"

#include <string.h>

enum { WALK_PAGE = 200 }; /* deployments that are looked at in one go */

static json_t *visible(const struct turn *turn)
{
    return turn->server->host->http->visible(turn->req);
}

/* FIELDS: see struct ein_query. */
static int find_deployments(const struct turn *turn, uint32_t limit, const char *cursor,
                            const char *const *fields, json_t **ret_found, char **ret_cursor,
                            struct ein_error *err)
{
    EIN_JSON json_t *where = visible(turn);
    const struct ein_query query = { .struct_size = sizeof(query),
                                     .limit = limit,
                                     .where = where,
                                     .cursor = cursor,
                                     .fields = fields };

    if (!where)
        return error_no_memory(err);
    return find_docs(turn->server->host, turn->server->ctx, DEPLOYMENT_SET, &query, ret_found,
                     ret_cursor, err);
}

/* The agents of these deployments, by their ids, without their code. */
static int find_agents(const struct turn *turn, const json_t *deployments, json_t **ret_agents,
                       struct ein_error *err)
{
    EIN_JSON json_t *where = visible(turn);
    EIN_JSON json_t *ids = json_array();
    EIN_JSON json_t *found = NULL;
    EIN_JSON json_t *agents = json_object();
    /* What a tool tells, where its deployment does not say so itself; code is not among it. */
    static const char *const fields[] = { "name",        "description",  "docstring",
                                          "inputSchema", "outputSchema", NULL };
    const struct ein_query query = { .struct_size = sizeof(query),
                                     .where = where,
                                     .fields = fields };
    const json_t *deployment;
    json_t *agent;
    size_t i;

    json_array_foreach(deployments, i, deployment)
    {
        (void)json_array_append(ids, json_object_get(deployment, "agentId")); /* one less */
    }
    if (!agents || json_object_set_new(where, "_id", json_pack("{s:O}", "$in", ids)) < 0)
        return error_no_memory(err);
    int r = find_docs(turn->server->host, turn->server->ctx, AGENT_SET, &query, &found, NULL, err);
    if (r < 0)
        return r;
    json_array_foreach(found, i, agent)
    {
        if (json_object_set(agents, text_of(agent, "_id"), agent) < 0)
            return error_no_memory(err);
    }
    *ret_agents = EIN_TAKE(agents);
    return 0;
}

/* NULL: no memory. */
static json_t *entry_of(const json_t *deployment, const json_t *agent)
{
    EIN_JSON json_t *served = served_agent(deployment, agent);

    return json_pack("{s:O, s:O}", "name", json_object_get(deployment, "_id"), "agent", served);
}

int catalog_page(const struct turn *turn, uint32_t limit, const char *cursor, bool names,
                 json_t **ret_page, char **ret_cursor, struct ein_error *err)
{
    static const char *const whose[] = { "agentId", NULL };
    EIN_JSON json_t *deployments = NULL;
    EIN_JSON json_t *agents = NULL;
    EIN_JSON json_t *page = json_array();
    const json_t *deployment;
    char *next = NULL;
    size_t i;
    int r = find_deployments(turn, limit, cursor, names ? whose : NULL, &deployments, &next, err);

    if (r >= 0 && json_array_size(deployments) > 0)
        r = find_agents(turn, deployments, &agents, err);
    json_array_foreach(deployments, i, deployment)
    {
        const char *id = text_of(deployment, "agentId");
        const json_t *agent = r >= 0 && id ? json_object_get(agents, id) : NULL;

        /* One whose agent is gone is no tool. */
        if (agent && json_array_append_new(page, entry_of(deployment, agent)) < 0)
            r = error_no_memory(err);
    }
    if (r < 0 || !page) {
        turn->server->host->mem_free(next);
        return r < 0 ? r : error_no_memory(err);
    }
    *ret_page = EIN_TAKE(page);
    *ret_cursor = next;
    return 0;
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
    char *cursor = NULL;
    int r;

    do {
        EIN_JSON json_t *page = NULL;
        const json_t *deployment;
        char *next = NULL;
        size_t i;

        r = find_deployments(turn, WALK_PAGE, cursor, ids_only, &page, &next, err);
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
