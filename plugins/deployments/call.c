/* SPDX-License-Identifier: Apache-2.0 */
#include "deployments.h"

#include "agent_doc.h"
#include "agent_run.h"
#include "agent_version.h"
#include "cleanup.h"
#include "error.h"
#include "once.h"
#include "served.h"
#include <stdbool.h>

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

/* Runs AGENT; NAME is what it is served as. */
static int run_served(const struct deployments *self, struct ein_req *req, const char *name,
                      const json_t *agent, const json_t *input, bool detached, json_t **ret_outcome,
                      struct ein_error *err)
{
    const struct ein_http *http = self->host->http;
    struct agent_order order = { .kind = "rest", .detached = detached };

    order.run = (struct ein_agent_run){
        .user_id = http->identity(req)->uid,
        .agent_id = json_string_value(json_object_get(agent, "_id")),
        .agent_name = name,
        .code = json_string_value(json_object_get(agent, "code")),
        .input = input,
        .tools = json_object_get(agent, "tools"),
        .imports = json_object_get(agent, "gofannonAgents"),
        .cancel = http->cancel(req),
        .agent = agent,
    };
    return agent_run(self->host, self->ctx, req, &order, ret_outcome, err);
}

static int reply_kept(const struct ein_http *http, struct ein_req *req, const json_t *kept)
{
    if (agent_version_tell(http, req, kept) < 0 ||
        http->set_header(req, "Idempotency-Replayed", "true") < 0)
        return EIN_E_NO_MEMORY;
    return reply_outcome(http, req, json_object_get(kept, "outcome"));
}

static int fail_once(const struct ein_http *http, struct ein_req *req, const struct ein_error *err)
{
    if (err->code == EIN_E_INVALID)
        return http->fail(req, 422, "%s", err->text);
    if (err->code == EIN_E_CONFLICT)
        (void)http->set_header(req, "Retry-After", "1");
    return http->fail_error(req, err);
}

/* With an Idempotency-Key the run goes on when its client leaves: it will ask again. */
static int call_once(const struct deployments *self, struct ein_req *req, const char *name,
                     const char *key, const json_t *agent, const json_t *input)
{
    const struct ein_host *host = self->host;
    struct once once = { .self = self, .input = input, .agent = agent };
    EIN_JSON json_t *kept = NULL;
    EIN_JSON json_t *outcome = NULL;
    struct ein_error err;
    int r = once_begin(&once, host->http->identity(req)->uid, name, key, &kept, &err);

    if (r < 0)
        return fail_once(host->http, req, &err);
    if (r == 1)
        return reply_kept(host->http, req, kept);
    r = run_served(self, req, name, agent, input, true, &outcome, &err);
    once_end(&once, r < 0 ? NULL : outcome);
    return r < 0 ? agent_run_fail(host->http, req, &err) : reply_outcome(host->http, req, outcome);
}

int deployments_call(struct ein_req *req, void *self)
{
    const struct deployments *deployments = self;
    const struct ein_http *http = deployments->host->http;
    const char *name = http->path_param(req, "friendly_name");
    const char *key = http->header(req, "Idempotency-Key");
    EIN_JSON json_t *agent = NULL;
    EIN_JSON json_t *no_input = json_object();
    EIN_JSON json_t *outcome = NULL;
    const json_t *input = json_is_object(http->body(req)) ? http->body(req) : no_input;
    struct ein_error err;
    int r = find_served(deployments, req, name, &agent, &err);

    if (r == EIN_E_NOT_FOUND)
        return http->fail(req, 404, "No deployed agent found with that name.");
    if (r < 0)
        return http->fail_error(req, &err);
    if (!no_input || agent_version_tell(http, req, agent) < 0)
        return EIN_E_NO_MEMORY;
    if (key)
        return call_once(deployments, req, name, key, agent, input);
    r = run_served(deployments, req, name, agent, input, agent_run_is_detached(http, req), &outcome,
                   &err);
    return r < 0 ? agent_run_fail(http, req, &err) : reply_outcome(http, req, outcome);
}
