/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include "cleanup.h"
#include "member.h"
#include "run_stream.h"

#define NAMELESS "sandbox_agent"

/* The run that the body of REQ, by RUN_CODE_SCHEMA, asks for; all in it is lent by REQ.  0, or
 * the status that was replied. */
static int read_order(const struct agents *agents, struct ein_req *req,
                      struct agent_order *ret_order)
{
    const struct ein_http *http = agents->host->http;
    const json_t *body = http->body(req);
    const char *name = text_of(body, "friendlyName");

    *ret_order =
        (struct agent_order){ .kind = "code", .detached = agent_run_is_detached(http, req) };
    ret_order->run = (struct ein_agent_run){
        .user_id = http->identity(req)->uid,
        .agent_name = name && *name ? name : NAMELESS,
        .code = text_of(body, "code"),
        .input = json_object_get(body, "inputDict"),
        .tools = json_object_get(body, "tools"),
        .imports = unless_null(body, "gofannonAgents"),
        .llm_settings = unless_null(body, "llmSettings"),
        .cancel = http->cancel(req),
        .agent = body,
    };
    return agents_check_texts(agents, req, body);
}

static int collect(const json_t *event, void *trace)
{
    return json_array_append(trace, (json_t *)event);
}

int run_reply_whole(const struct agents *agents, struct ein_req *req, struct agent_order *order,
                    const json_t *output_schema)
{
    const struct ein_http *http = agents->host->http;
    EIN_JSON json_t *trace = json_array();
    EIN_JSON json_t *outcome = NULL;
    EIN_JSON json_t *answer = NULL;
    struct ein_error err;

    order->run.trace = collect;
    order->run.trace_data = trace;
    int r = agent_run(agents->host, agents->ctx, req, order, &outcome, &err);
    if (r < 0)
        return agent_run_fail(http, req, &err);

    answer = run_outcome_show(outcome, output_schema);
    if (json_object_set(answer, "trace", json_array_size(trace) ? trace : json_null()) < 0)
        return EIN_E_NO_MEMORY;
    return http->reply(req, 200, EIN_TAKE(answer));
}

int run_reply_stream(const struct agents *agents, struct ein_req *req, struct agent_order *order,
                     const json_t *output_schema)
{
    struct run_stream stream = { agents->host->http, req, output_schema, false };
    EIN_JSON json_t *outcome = NULL;
    struct ein_error err;

    order->run.trace = run_stream_trace;
    order->run.trace_data = &stream;
    int r = agent_run(agents->host, agents->ctx, req, order, &outcome, &err);
    return r < 0 ? run_stream_fail(&stream, &err) : run_stream_done(&stream, outcome);
}

static const json_t *output_schema_of(const struct agents *agents, const struct ein_req *req)
{
    return json_object_get(agents->host->http->body(req), "outputSchema");
}

int agents_run_code(struct ein_req *req, void *self)
{
    const struct agents *agents = self;
    struct agent_order order;
    int r = read_order(agents, req, &order);

    return r ? r : run_reply_whole(agents, req, &order, output_schema_of(agents, req));
}

int agents_run_code_stream(struct ein_req *req, void *self)
{
    const struct agents *agents = self;
    struct agent_order order;
    int r = read_order(agents, req, &order);

    return r ? r : run_reply_stream(agents, req, &order, output_schema_of(agents, req));
}
