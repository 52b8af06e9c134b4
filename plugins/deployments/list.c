/* SPDX-License-Identifier: Apache-2.0 */
#include "deployments.h"

#include "agent_doc.h"
#include "cleanup.h"
#include "http_json.h"
#include "member.h"
#include "served.h"

/* A deployment whose agent cannot be read is left out, and logged: the others are none the worse.
 */
static int append_shown(const struct deployments *self, const struct ein_req *req,
                        const json_t *deployment, json_t *list)
{
    const struct ein_host *host = self->host;
    json_t *name = json_object_get(deployment, "_id");
    json_t *agent_id = json_object_get(deployment, "agentId");
    EIN_JSON json_t *agent = NULL;
    EIN_JSON json_t *served = NULL;
    struct ein_error err;

    if (agent_get(host, self->ctx, req, json_string_value(agent_id), &agent, &err) < 0) {
        host->http->log_msg(req, EIN_WARN, "deployment %s left out of the list: %s",
                            json_string_value(name), err.text);
        return 0;
    }
    served = served_agent(deployment, agent);
    if (!served)
        return EIN_E_NO_MEMORY;
    return json_array_append_new(list, json_pack("{s:O, s:O, s:O, s:O, s:O}", "friendlyName", name,
                                                 "agentId", agent_id, "description",
                                                 or_null(served, "description"), "inputSchema",
                                                 or_null(served, "inputSchema"), "outputSchema",
                                                 or_null(served, "outputSchema")));
}

int deployments_list(struct ein_req *req, void *self)
{
    const struct deployments *deployments = self;
    const struct ein_host *host = deployments->host;
    EIN_JSON json_t *where = host->http->visible(req);
    EIN_JSON json_t *found = NULL;
    EIN_JSON json_t *list = json_array();
    struct ein_query query = { .struct_size = sizeof(query), .where = where };
    struct ein_error err;
    char *cursor = NULL;
    size_t i;
    json_t *deployment;
    int r;

    if (!where || !list)
        return EIN_E_NO_MEMORY;
    page_read(host->http, req, &query);
    r = find_docs(host, deployments->ctx, DEPLOYMENT_SET, &query, &found, &cursor, &err);
    if (r < 0)
        return host->http->fail_error(req, &err);
    r = page_link(host->http, req, cursor);
    host->mem_free(cursor);
    json_array_foreach(found, i, deployment)
    {
        if (r >= 0)
            r = append_shown(deployments, req, deployment, list);
    }
    return r < 0 ? EIN_E_NO_MEMORY : host->http->reply(req, 200, EIN_TAKE(list));
}
