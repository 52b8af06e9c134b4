/* SPDX-License-Identifier: Apache-2.0 */
#include "served_page.h"

#include "agent_doc.h"
#include "cleanup.h"
#include "error.h"
#include "http_json.h"
#include "member.h"
#include "served.h"

struct reading {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    const json_t *where;
};

/* What is told of the agent of a deployment, or where that does not say so itself of the agent as
 * it is; code is not among it. */
static const char *const of_deployments[] = {
    "agentId",         "version",           "agent.name",         "agent.description",
    "agent.docstring", "agent.inputSchema", "agent.outputSchema", NULL
};
static const char *const of_agents[] = { "name",        "description",  "docstring",
                                         "inputSchema", "outputSchema", NULL };

/* The agents of these deployments, by their ids. */
static int find_agents(const struct reading *reading, const json_t *deployments,
                       json_t **ret_agents, struct ein_error *err)
{
    EIN_JSON json_t *where = json_copy((json_t *)reading->where);
    EIN_JSON json_t *ids = json_array();
    EIN_JSON json_t *agents = json_object();
    const struct ein_query query = { .struct_size = sizeof(query),
                                     .where = where,
                                     .fields = of_agents };
    const json_t *deployment;
    size_t i;

    json_array_foreach(deployments, i, deployment)
    {
        (void)json_array_append(ids, json_object_get(deployment, "agentId")); /* one less */
    }
    if (!agents || json_object_set_new(where, "_id", json_pack("{s:O}", "$in", ids)) < 0)
        return error_no_memory(err);
    int r =
        reading->host->store->find(reading->ctx, AGENT_SET, &query, add_by_id, agents, NULL, err);
    if (r < 0)
        return r == EIN_E_NO_MEMORY ? error_no_memory(err) : r;
    *ret_agents = EIN_TAKE(agents);
    return 0;
}

/* NULL: no memory. */
static json_t *entry_of(const json_t *deployment, const json_t *agent)
{
    EIN_JSON json_t *served = served_agent(deployment, agent);

    return json_pack("{s:O, s:O}", "name", json_object_get(deployment, "_id"), "agent", served);
}

static int add_entries(const struct reading *reading, const json_t *deployments, json_t *page,
                       struct ein_error *err)
{
    EIN_JSON json_t *agents = NULL;
    const json_t *deployment;
    size_t i;
    int r = json_array_size(deployments) ? find_agents(reading, deployments, &agents, err) : 0;

    json_array_foreach(deployments, i, deployment)
    {
        const char *id = text_of(deployment, "agentId");
        const json_t *agent = r >= 0 && id ? json_object_get(agents, id) : NULL;

        if (agent && json_array_append_new(page, entry_of(deployment, agent)) < 0)
            r = error_no_memory(err);
    }
    return r;
}

int served_page(const struct ein_host *host, struct ein_ctx *ctx, const json_t *where,
                uint32_t limit, const char *cursor, bool names, json_t **ret_page,
                char **ret_cursor, struct ein_error *err)
{
    static const char *const whose[] = { "agentId", NULL };
    const struct reading reading = { host, ctx, where };
    const struct ein_query query = { .struct_size = sizeof(query),
                                     .limit = limit,
                                     .where = where,
                                     .cursor = cursor,
                                     .fields = names ? whose : of_deployments };
    EIN_JSON json_t *deployments = NULL;
    EIN_JSON json_t *page = json_array();
    char *next = NULL;
    int r = find_docs(host, ctx, DEPLOYMENT_SET, &query, &deployments, &next, err);

    if (r >= 0)
        r = page ? add_entries(&reading, deployments, page, err) : error_no_memory(err);
    if (r < 0) {
        host->mem_free(next);
        return r;
    }
    *ret_page = EIN_TAKE(page);
    *ret_cursor = next;
    return 0;
}
