/* SPDX-License-Identifier: Apache-2.0 */
#include "agent_run.h"

#include "agent_doc.h"
#include "agent_secret.h"
#include "cleanup.h"
#include "error.h"
#include "ids.h"
#include "member.h"
#include "scopes.h"
#include "scrub.h"
#include <stdbool.h>

#define NOT_LOADED "ValueError: Could not load one or more dependent Gofannon agents."

/* Who runs: the caller of `req`, or whoever may see what `visible` leaves. */
struct runner {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    struct ein_req *req; /* or NULL */
    const json_t *visible;
    json_t *needles; /* of the secrets that the run is given; see scrub.h */
};

/* The secrets of agent ID, which may be NULL, are given to it and to nobody else. */
static int take_secrets(const struct runner *runner, const char *id, json_t **ret_secrets,
                        struct ein_error *err)
{
    EIN_JSON json_t *secrets = NULL;
    int r = id ? agent_secrets_get(runner->host, runner->ctx, id, &secrets, err) : 0;

    if (r == 0 && scrub_add(runner->needles, secrets) < 0)
        return error_no_memory(err);
    if (r == 0)
        *ret_secrets = EIN_TAKE(secrets);
    return r;
}

static int add_agent(const struct runner *runner, const char *id, json_t *agents,
                     struct ein_error *err)
{
    EIN_JSON json_t *doc = NULL;
    EIN_JSON json_t *secrets = NULL;
    json_t *agent;
    int r = runner->req ? agent_get(runner->host, runner->ctx, runner->req, id, &doc, err)
                        : agent_find(runner->host, runner->ctx, runner->visible, id, &doc, err);

    if (r < 0)
        return r;
    if (json_object_size(agents) == AGENT_RUN_AGENTS_MAX)
        return error_set(err, EIN_E_TOO_LARGE,
                         "The agents that this run may call are more than %d.",
                         AGENT_RUN_AGENTS_MAX);
    r = take_secrets(runner, id, &secrets, err);
    if (r < 0)
        return r;
    agent =
        json_pack("{s:O, s:O, s:O, s:O, s:O, s:O*}", "name", json_object_get(doc, "name"), "code",
                  json_object_get(doc, "code"), "tools", json_object_get(doc, "tools"), "imports",
                  json_object_get(doc, "gofannonAgents"), "agent", doc, "secrets", secrets);
    if (json_object_set_new(agents, id, agent) < 0)
        return error_set(err, EIN_E_INTERNAL, "The agent '%s' cannot be read.", id);
    return 0;
}

/* Adds the agents IDS that are new, and puts them on the queue.  An agent that is not there is an
 * error where the run itself names it; an agent that names one fails when it is called. */
static int add_agents(const struct runner *runner, const json_t *ids, bool all_needed,
                      json_t *agents, json_t *queue, struct ein_error *err)
{
    size_t i;
    json_t *value;

    json_array_foreach(ids, i, value)
    {
        const char *id = json_string_value(value);
        int r;

        if (json_object_get(agents, id))
            continue;
        r = add_agent(runner, id, agents, err);
        if (r == EIN_E_NOT_FOUND && !all_needed)
            continue;
        if (r < 0)
            return r;
        if (json_array_append(queue, json_object_get(json_object_get(agents, id), "imports")) < 0)
            return error_no_memory(err);
    }
    return 0;
}

/* The agents IDS and all that they may call in turn, as ein_agent_run has them. */
static int load_agents(const struct runner *runner, const json_t *ids, json_t **ret_agents,
                       struct ein_error *err)
{
    EIN_JSON json_t *agents = json_object();
    EIN_JSON json_t *queue = json_array();
    int r;

    if (!agents || !queue)
        return error_no_memory(err);
    r = add_agents(runner, ids, true, agents, queue, err);
    for (size_t i = 0; r >= 0 && i < json_array_size(queue); i++)
        r = add_agents(runner, json_array_get(queue, i), false, agents, queue, err);
    if (r < 0)
        return r;
    *ret_agents = EIN_TAKE(agents);
    return 0;
}

static int fail_outcome(const char *text, json_t **ret_outcome, struct ein_error *err)
{
    json_t *outcome = json_pack("{s:n, s:s, s:n}", "result", "error", text, "opsLog");

    if (!outcome)
        return error_no_memory(err);
    *ret_outcome = outcome;
    return 0;
}

/* A trace on its way, out of which secrets are taken. */
struct cleaner {
    const json_t *needles;
    ein_trace_sink *sink;
    void *data;
};

static int send_clean(const json_t *event, void *data)
{
    const struct cleaner *cleaner = data;
    EIN_JSON json_t *clean = scrub_json(cleaner->needles, event);

    return clean ? cleaner->sink(clean, cleaner->data) : EIN_E_NO_MEMORY;
}

static int clean_outcome(const json_t *needles, json_t **outcome, struct ein_error *err)
{
    json_t *clean = scrub_json(needles, *outcome);

    json_decref(*outcome);
    *outcome = clean;
    return clean ? 0 : error_no_memory(err);
}

static int run_in_runtime(const struct runner *runner, const struct ein_agent_run *run,
                          json_t **ret_outcome, struct ein_error *err)
{
    const struct ein_host *host = runner->host;
    struct ein_ctx *ctx = runner->ctx;
    struct cleaner cleaner = { runner->needles, run->trace, run->trace_data };
    struct ein_agent_run with = *run;
    bool cleans = json_array_size(runner->needles) > 0;
    const struct ein_service *service;
    const struct ein_agent_runtime *runtime;
    int r;

    if (host->acquire(ctx, EIN_AGENT_RUNTIME, NULL, &service) < 0)
        return error_set(err, EIN_E_UNAVAILABLE,
                         "Agents cannot be run: the server has no agent runtime.");
    runtime = service->vtable;
    if (cleans && run->trace) {
        with.trace = send_clean;
        with.trace_data = &cleaner;
    }
    error_clear(err);
    r = error_due(err, runtime->run(service->impl, &with, ret_outcome, err));
    host->release(ctx, service);
    return r == 0 && cleans ? clean_outcome(runner->needles, ret_outcome, err) : r;
}

/* ---- the record ---- */

/* Where a trace goes: to the record, and to whoever watches. */
struct tee {
    const struct ein_runs *runs;
    struct ein_run *record;
    const struct agent_order *order;
    bool left; /* who watched has left, and the run goes on */
};

static int send_event(const json_t *event, void *data)
{
    struct tee *tee = data;
    const struct ein_agent_run *run = &tee->order->run;
    int r = tee->runs->event(tee->record, event, NULL);

    if (r < 0 || !run->trace || tee->left)
        return r < 0 ? r : 0;
    r = run->trace(event, run->trace_data);
    if (r != 0 && tee->order->detached) {
        tee->left = true;
        r = 0;
    }
    return r;
}

static struct ein_run_about about_of(const struct agent_order *order)
{
    const struct ein_agent_run *run = &order->run;

    return (struct ein_run_about){
        .struct_size = sizeof(struct ein_run_about),
        .flags = order->detached ? EIN_RUN_DETACHED : 0,
        .kind = order->kind,
        .user_id = run->user_id,
        .workspace_id = text_of(run->agent, "workspaceId"),
        .agent_id = run->agent_id,
        .agent_name = run->agent_name,
        .request_id = run->request_id,
        .key_id = run->key_id,
        .version = integer_of(run->agent, "version"),
        .code = run->code,
        .input = run->input,
        .parent = run->cancel,
        .declared = run->agent_id ? NULL : run->agent,
        .repeats = order->repeats,
    };
}

/* On with a record; its id is the run's. */
static int run_with_record(const struct runner *runner, const struct ein_service *service,
                           const struct agent_order *order, struct ein_agent_run *run,
                           json_t **ret_outcome, struct ein_error *err)
{
    const struct ein_runs *runs = service->vtable;
    const struct ein_run_about about = about_of(order);
    struct tee tee = { .runs = runs, .order = order };
    int r = runs->begin(service->impl, &about, &tee.record, err);

    if (r < 0)
        return r;
    if (runner->req)
        r = runner->host->http->set_header(runner->req, "X-Einion-Run-Id", runs->id(tee.record));
    run->run_id = runs->id(tee.record);
    run->cancel = runs->cancel(tee.record);
    run->trace = send_event;
    run->trace_data = &tee;
    r = r < 0 ? error_no_memory(err) : run_in_runtime(runner, run, ret_outcome, err);
    runs->end(tee.record, r < 0 ? NULL : *ret_outcome, r < 0 ? err : NULL);
    return r;
}

static int run_recorded(const struct runner *runner, const struct agent_order *order,
                        struct ein_agent_run *run, json_t **ret_outcome, struct ein_error *err)
{
    const struct ein_service *service;
    char run_id[UUID_SIZE];
    int r;

    if (runner->host->acquire(runner->ctx, EIN_RUNS, NULL, &service) < 0) {
        uuid_make(run_id);
        run->run_id = run_id;
        return run_in_runtime(runner, run, ret_outcome, err);
    }
    r = run_with_record(runner, service, order, run, ret_outcome, err);
    runner->host->release(runner->ctx, service);
    return r;
}

/* ---- the whole ---- */

static int load_and_run(struct runner *runner, const struct agent_order *order,
                        json_t **ret_outcome, struct ein_error *err)
{
    EIN_JSON json_t *agents = NULL;
    EIN_JSON json_t *needles = json_array();
    EIN_JSON json_t *secrets = NULL;
    struct ein_agent_run whole = order->run;
    struct ein_error own;

    if (!err)
        err = &own;
    if (!needles)
        return error_no_memory(err);
    runner->needles = needles;
    int taken = take_secrets(runner, whole.agent_id, &secrets, err);
    if (taken < 0)
        return taken;
    if (json_array_size(whole.imports) > 0) {
        int r = load_agents(runner, whole.imports, &agents, err);

        if (r == EIN_E_NOT_FOUND)
            return fail_outcome(NOT_LOADED, ret_outcome, err);
        if (r < 0)
            return r;
    }
    whole.struct_size = sizeof(whole);
    whole.agents = agents;
    whole.secrets = secrets;
    return run_recorded(runner, order, &whole, ret_outcome, err);
}

bool agent_run_is_detached(const struct ein_http *http, const struct ein_req *req)
{
    return json_is_true(json_object_get(http->query(req), "detach"));
}

int agent_run(const struct ein_host *host, struct ein_ctx *ctx, struct ein_req *req,
              const struct agent_order *order, json_t **ret_outcome, struct ein_error *err)
{
    struct runner runner = { .host = host, .ctx = ctx, .req = req };
    const struct ein_identity *identity = host->http->identity(req);
    EIN_JSON json_t *visible = host->http->visible(req);
    EIN_JSON json_t *scopes = scopes_json(identity);
    struct agent_order whole = *order;

    if (!visible || !scopes)
        return error_no_memory(err);
    whole.run.visible = visible;
    whole.run.scopes = scopes;
    whole.run.request_id = host->http->request_id(req);
    whole.run.key_id = text_of(identity->claims, "keyId");
    return load_and_run(&runner, &whole, ret_outcome, err);
}

int agent_run_as(const struct ein_host *host, struct ein_ctx *ctx, const struct agent_order *order,
                 json_t **ret_outcome, struct ein_error *err)
{
    struct runner runner = { .host = host, .ctx = ctx, .visible = order->run.visible };

    return load_and_run(&runner, order, ret_outcome, err);
}

int agent_run_fail(const struct ein_http *http, struct ein_req *req, const struct ein_error *err)
{
    if (err->code == EIN_E_BUSY)
        (void)http->set_header(req, "Retry-After", "1");
    return http->fail_error(req, err);
}
