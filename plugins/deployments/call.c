/* SPDX-License-Identifier: Apache-2.0 */
#include "accept.h"
#include "agent_version.h"
#include "cleanup.h"
#include "deployments.h"
#include "error.h"
#include "once.h"
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

/* ---- the answer ------------------------------------------------------------------ */

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

static int reply_kept(struct calling *calling, const json_t *kept)
{
    if (agent_version_tell(calling->http, calling->req, kept) < 0 ||
        once_tell(calling->http, calling->req) < 0)
        return EIN_E_NO_MEMORY;
    return reply_outcome(calling, json_object_get(kept, "outcome"));
}

static int fail_once(const struct ein_http *http, struct ein_req *req, const struct ein_error *err)
{
    if (err->code == EIN_E_INVALID)
        return http->fail(req, 422, "%s", err->text);
    if (err->code == EIN_E_CONFLICT)
        (void)http->set_header(req, "Retry-After", "1");
    return http->fail_error(req, err);
}

/* ---- the run --------------------------------------------------------------------- */

static int run_served(struct calling *calling, bool detached, json_t **ret_outcome,
                      struct ein_error *err)
{
    const struct deployments *self = calling->self;
    struct agent_order order = served_order(&calling->served, calling->name, calling->input);

    order.kind = "rest";
    order.detached = detached;
    order.run.user_id = calling->http->identity(calling->req)->uid;
    order.run.cancel = calling->http->cancel(calling->req);
    if (calling->streams) {
        order.run.trace = run_stream_trace;
        order.run.trace_data = &calling->stream;
    }
    return agent_run(self->host, self->ctx, calling->req, &order, ret_outcome, err);
}

static int answer(struct calling *calling, int r, const json_t *outcome,
                  const struct ein_error *err)
{
    return r < 0 ? run_stream_fail(&calling->stream, err) : reply_outcome(calling, outcome);
}

/* With an Idempotency-Key the run goes on when its client leaves: it will ask again. */
static int call_once(struct calling *calling, const char *key)
{
    EIN_JSON json_t *version =
        json_pack("{s:I}", "version", (json_int_t)agent_version(calling->served.agent));
    struct once once = { .rules = &calling->self->once, .input = calling->input, .more = version };
    EIN_JSON json_t *kept = NULL;
    EIN_JSON json_t *outcome = NULL;
    struct ein_error err;
    int r = once_begin(&once, calling->http->identity(calling->req)->uid, calling->name, key, &kept,
                       &err);

    if (r < 0)
        return fail_once(calling->http, calling->req, &err);
    if (r == 1)
        return reply_kept(calling, kept);
    r = run_served(calling, true, &outcome, &err);
    once_end(&once, r < 0 ? NULL : outcome);
    return answer(calling, r, outcome, &err);
}

static int call_served(struct calling *calling)
{
    const char *key = calling->http->header(calling->req, "Idempotency-Key");
    EIN_JSON json_t *outcome = NULL;
    struct ein_error err;

    if (agent_version_tell(calling->http, calling->req, calling->served.agent) < 0)
        return EIN_E_NO_MEMORY;
    if (key)
        return call_once(calling, key);
    int r = run_served(calling, agent_run_is_detached(calling->http, calling->req), &outcome, &err);
    return answer(calling, r, outcome, &err);
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
