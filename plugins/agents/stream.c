/* SPDX-License-Identifier: Apache-2.0 */
#include "agents.h"

#include "cleanup.h"
#include "run.h"
#include "run_stream.h"

int agents_run_code_stream(struct ein_req *req, void *self)
{
    const struct agents *agents = self;
    const struct ein_http *http = agents->host->http;
    struct run_stream stream = { http, req, json_object_get(http->body(req), "outputSchema"),
                                 false };
    EIN_JSON json_t *outcome = NULL;
    struct agent_order order;
    struct ein_error err;
    int r = run_read(agents, req, &order);

    if (r)
        return r;
    order.run.trace = run_stream_trace;
    order.run.trace_data = &stream;
    r = agent_run(agents->host, agents->ctx, req, &order, &outcome, &err);
    return r < 0 ? run_stream_fail(&stream, &err) : run_stream_done(&stream, outcome);
}
