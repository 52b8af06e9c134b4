/* SPDX-License-Identifier: Apache-2.0 */
#include "deployments.h"

#include "agent_doc.h"
#include "agent_run.h"
#include "agent_version.h"
#include "cleanup.h"
#include "error.h"
#include "served.h"

/* What the deployment NAME serves. */
static int find_served(const struct deployments *self, const struct ein_req *req, const char *name,
                       json_t **ret_agent, struct ein_error *err)
{
    EIN_JSON json_t *deployment = NULL;
    EIN_JSON json_t *agent = NULL;
    int r = deployment_get(self->host, self->ctx, name, &deployment, err);

    if (r == 0)
        r = agent_get(self->host, self->ctx, req,
                      json_string_value(json_object_get(deployment, "agentId")), &agent, err);
    if (r < 0)
        return r;
    *ret_agent = served_agent(deployment, agent);
    return *ret_agent ? 0 : error_set(err, EIN_E_NO_MEMORY, "out of memory");
}

static int reply_outcome(const struct ein_http *http, struct ein_req *req, const json_t *outcome)
{
    const char *error = json_string_value(json_object_get(outcome, "error"));
    json_t *result = json_object_get(outcome, "result");

    if (error) /* whole, however long: fail() would cut it */
        return http->fail_json(req, 500, json_sprintf("Error executing agent: %s", error));
    return http->reply(req, 200, result ? json_incref(result) : json_null());
}

int deployments_call(struct ein_req *req, void *self)
{
    const struct deployments *deployments = self;
    const struct ein_host *host = deployments->host;
    const char *name = host->http->path_param(req, "friendly_name");
    EIN_JSON json_t *agent = NULL;
    EIN_JSON json_t *no_input = json_object();
    EIN_JSON json_t *outcome = NULL;
    const json_t *input = host->http->body(req);
    struct ein_error err;
    int r = find_served(deployments, req, name, &agent, &err);

    if (r == EIN_E_NOT_FOUND)
        return host->http->fail(req, 404, "No deployed agent found with that name.");
    if (r < 0)
        return host->http->fail_error(req, &err);
    if (agent_version_tell(host->http, req, agent) < 0)
        return EIN_E_NO_MEMORY;

    struct agent_order order = { .kind = "rest",
                                 .detached = agent_run_is_detached(host->http, req) };
    order.run = (struct ein_agent_run){
        .user_id = host->http->identity(req)->uid,
        .agent_id = json_string_value(json_object_get(agent, "_id")),
        .agent_name = name,
        .code = json_string_value(json_object_get(agent, "code")),
        .input = json_is_object(input) ? input : no_input,
        .tools = json_object_get(agent, "tools"),
        .imports = json_object_get(agent, "gofannonAgents"),
        .cancel = host->http->cancel(req),
        .agent = agent,
    };
    r = agent_run(host, deployments->ctx, req, &order, &outcome, &err);
    return r < 0 ? agent_run_fail(host->http, req, &err) : reply_outcome(host->http, req, outcome);
}
