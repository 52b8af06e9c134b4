/* SPDX-License-Identifier: Apache-2.0 */
#include "accept.h"
#include "agent_version.h"
#include "cleanup.h"
#include "deployments.h"
#include "run_stream.h"
#include "served.h"
#include <stdbool.h>

/* One call of /rest/NAME. */
struct calling {
    const struct deployments *self;
    const struct ein_http *http;
    struct ein_req *req;
    const char *name;
    const json_t *input;
    struct served served;
    bool streams;             /* the answer is an event stream */
    struct run_stream stream; /* which is this one */
};

/* ---- the answer ---- */

static int reply_outcome(struct calling *calling, const json_t *outcome)
{
    const char *error = json_string_value(json_object_get(outcome, "error"));
    json_t *result = json_object_get(outcome, "result");

    if (calling->streams)
        return run_stream_done(&calling->stream, outcome);
    if (error) /* whole, however long: fail() would cut it */
        return calling->http->fail_json(calling->req, 500,
                                        json_sprintf("Error executing agent: %s", error));
    return calling->http->reply(calling->req, 200, result ? json_incref(result) : json_null());
}

/* ---- the run ---- */

static int run_served(struct calling *calling, json_t **ret_outcome, struct ein_error *err)
{
    const struct deployments *self = calling->self;
    struct agent_order order = served_order(&calling->served, calling->name, calling->input);

    order.kind = "rest";
    order.detached = agent_run_is_detached(calling->http, calling->req);
    order.run.user_id = calling->http->identity(calling->req)->uid;
    order.run.cancel = calling->http->cancel(calling->req);
    if (calling->streams) {
        order.run.trace = run_stream_trace;
        order.run.trace_data = &calling->stream;
    }
    return agent_run(self->host, self->ctx, calling->req, &order, ret_outcome, err);
}

static int call_served(struct calling *calling)
{
    EIN_JSON json_t *outcome = NULL;
    struct ein_error err;

    if (agent_version_tell(calling->http, calling->req, calling->served.agent) < 0)
        return EIN_E_NO_MEMORY;
    int r = run_served(calling, &outcome, &err);
    return r < 0 ? run_stream_fail(&calling->stream, &err) : reply_outcome(calling, outcome);
}

int deployments_call(struct ein_req *req, void *self)
{
    const struct deployments *deployments = self;
    const struct ein_http *http = deployments->host->http;
    EIN_JSON json_t *no_input = json_object();
    struct calling calling = {
        .self = deployments,
        .http = http,
        .req = req,
        .name = http->path_param(req, "friendly_name"),
        .input = json_is_object(http->body(req)) ? http->body(req) : no_input,
        .streams = accept_events(http, req),
    };
    struct ein_error err;
    int r =
        served_get(deployments->host, deployments->ctx, req, calling.name, &calling.served, &err);

    if (r == EIN_E_NOT_FOUND)
        return http->fail(req, 404, "No deployed agent found with that name.");
    if (r < 0)
        return http->fail_error(req, &err);
    calling.stream =
        (struct run_stream){ http, req, json_object_get(calling.served.agent, "outputSchema"),
                             false };
    r = no_input ? call_served(&calling) : EIN_E_NO_MEMORY;
    served_done(&calling.served);
    return r;
}
