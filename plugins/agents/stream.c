/* SPDX-License-Identifier: Apache-2.0 */
#include "agents.h"

#include "cleanup.h"
#include "run.h"
#include <stdbool.h>

struct sink {
    const struct ein_http *http;
    struct ein_req *req;
    bool begun; /* a piece has been sent: the status is no longer ours to choose */
};

static int send_trace(const json_t *event, void *data)
{
    struct sink *sink = data;

    sink->begun = true;
    return sink->http->send_event(sink->req, NULL, "trace", json_incref((json_t *)event));
}

static int send_done(struct sink *sink, const json_t *outcome)
{
    EIN_JSON json_t *done = json_object();
    json_t *shown = run_show(outcome, sink->http->body(sink->req));
    bool failed = !json_is_null(json_object_get(shown, "error"));

    if (json_object_set_new(done, "outcome", json_string(failed ? "error" : "success")) < 0 ||
        json_object_update_new(done, shown) < 0)
        return EIN_E_NO_MEMORY;
    return sink->http->send_event(sink->req, NULL, "done", EIN_TAKE(done));
}

/* The run has ended without an outcome after the stream began: all that is left to say it in is
 * its last event. */
static int send_broken(struct sink *sink, const struct ein_error *err)
{
    EIN_JSON json_t *outcome = json_pack("{s:n, s:s, s:n}", "result", "error", err->text, "opsLog");

    return outcome ? send_done(sink, outcome) : EIN_E_NO_MEMORY;
}

int agents_run_code_stream(struct ein_req *req, void *self)
{
    const struct agents *agents = self;
    struct sink sink = { agents->host->http, req, false };
    EIN_JSON json_t *outcome = NULL;
    struct agent_order order;
    struct ein_error err;
    int r = run_read(agents, req, &order);

    if (r)
        return r;
    order.run.trace = send_trace;
    order.run.trace_data = &sink;
    r = agent_run(agents->host, agents->ctx, req, &order, &outcome, &err);
    if (r >= 0)
        return send_done(&sink, outcome);
    return sink.begun ? send_broken(&sink, &err) : agent_run_fail(sink.http, req, &err);
}
