/* SPDX-License-Identifier: Apache-2.0 */
/* POST /runs/{run_id}/repeat: the same code once more, with the same input and what it declared. */
#include "accept.h"
#include "agent_doc.h"
#include "agent_version.h"
#include "agents.h"
#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "run.h"
#include <einion/services.h>
#include <string.h>

struct repeating {
    const struct agents *agents;
    const struct ein_http *http;
    struct ein_req *req;
    const char *id;
    json_t *record;
    json_t *agent; /* what the code declares, or may use */
};

/* ---- what there is of it ---- */

static int read_record(struct repeating *repeating, struct ein_error *err)
{
    const struct agents *agents = repeating->agents;
    const struct ein_service *service;
    int r;

    if (agents->host->acquire(agents->ctx, EIN_RUNS, NULL, &service) < 0)
        return error_set(err, EIN_E_UNAVAILABLE, "Runs are not recorded now.");
    const struct ein_runs *runs = service->vtable;
    r = EIN_HAS(struct ein_runs, runs, get)
            ? runs->get(service->impl, repeating->id, &repeating->record, err)
            : error_set(err, EIN_E_UNSUPPORTED, "The recorder of runs cannot return them.");
    agents->host->release(agents->ctx, service);
    if (r >= 0)
        r = repeating->http->may(repeating->req, repeating->record, err);
    return r == EIN_E_NOT_FOUND
               ? error_set(err, r, "Document '%.200s' not found in 'runs'", repeating->id)
               : r;
}

static bool is_too_large(const json_t *value)
{
    return json_object_size(value) == 2 && json_is_true(json_object_get(value, "tooLarge")) &&
           json_is_integer(json_object_get(value, "bytes"));
}

/* Why it cannot be done as it was; NULL: it can. */
static const char *fault_of(const json_t *record)
{
    const char *kind = text_of(record, "kind");

    if (kind && strcmp(kind, "compose") == 0)
        return "This was a rehearsal, in which nothing outside was reached: it cannot be repeated.";
    if (json_is_true(json_object_get(record, "redacted")))
        return "There were secrets in this run, which are not kept: it cannot be repeated.";
    if (is_too_large(json_object_get(record, "input")) ||
        is_too_large(json_object_get(record, "declared")))
        return "What went into this run was too long to be kept: it cannot be repeated.";
    if (!json_is_string(json_object_get(record, "code")))
        return "The code of this run is no longer kept: it cannot be repeated.";
    return NULL;
}

/* An agent's run has what the agent of that version has. */
static int read_agent(struct repeating *repeating, struct ein_error *err)
{
    const struct agents *agents = repeating->agents;
    const char *id = text_of(repeating->record, "agentId");
    json_int_t number = integer_of(repeating->record, "version");
    EIN_JSON json_t *agent = NULL;
    EIN_JSON json_t *version = NULL;

    if (!id) {
        repeating->agent = json_incref(json_object_get(repeating->record, "declared"));
        return 0;
    }
    int r = agent_get(agents->host, agents->ctx, repeating->req, id, &agent, err);
    if (r == 0 && number > 0)
        r = agent_version_get(agents->host, agents->ctx, agent, number, &version, err);
    if (r < 0)
        return r;
    repeating->agent = version
                           ? agent_with_content(agent, json_object_get(version, "agent"), number)
                           : EIN_TAKE(agent);
    return repeating->agent ? 0 : error_no_memory(err);
}

/* ---- once more ---- */

static struct agent_order order_of(const struct repeating *repeating)
{
    const json_t *record = repeating->record, *agent = repeating->agent;
    struct agent_order order = { .kind = "repeat", .repeats = repeating->id };

    order.detached = agent_run_is_detached(repeating->http, repeating->req);
    order.run = (struct ein_agent_run){
        .user_id = repeating->http->identity(repeating->req)->uid,
        .agent_id = text_of(record, "agentId"),
        .agent_name = text_of(record, "agentName"),
        .code = text_of(record, "code"),
        .input = json_object_get(record, "input"),
        .tools = unless_null(agent, "tools"),
        .imports = unless_null(agent, "gofannonAgents"),
        .llm_settings = unless_null(agent, "llmSettings"),
        .cancel = repeating->http->cancel(repeating->req),
        .agent = json_is_null(agent) ? NULL : agent,
    };
    return order;
}

static int repeat(struct repeating *repeating)
{
    struct agent_order order = order_of(repeating);
    const json_t *output_schema = json_object_get(repeating->agent, "outputSchema");

    return accept_events(repeating->http, repeating->req)
               ? run_reply_stream(repeating->agents, repeating->req, &order, output_schema)
               : run_reply_whole(repeating->agents, repeating->req, &order, output_schema);
}

int agents_repeat(struct ein_req *req, void *self)
{
    const struct agents *agents = self;
    const struct ein_http *http = agents->host->http;
    struct repeating repeating = { agents, http, req, http->path_param(req, "run_id"), NULL, NULL };
    struct ein_error err;
    int r = read_record(&repeating, &err);
    const char *fault = r < 0 ? NULL : fault_of(repeating.record);

    if (r >= 0 && !fault)
        r = read_agent(&repeating, &err);
    if (r < 0)
        r = http->fail_error(req, &err);
    else if (fault)
        r = http->fail(req, 409, "%s", fault);
    else
        r = repeat(&repeating);
    json_decref(repeating.record);
    json_decref(repeating.agent);
    return r;
}
