/* SPDX-License-Identifier: Apache-2.0 */
#include "served.h"

#include "agent_doc.h"
#include "agent_version.h"
#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "scopes.h"

const struct served_limit served_limits[] = {
    { "timeoutMs", "timeout_ms" },
    { "cpuSeconds", "cpu_s" },
    { "memoryMb", "memory_mb" },
    { "addressSpaceMb", "address_space_mb" },
    { "threads", "threads" },
    { "openFiles", "open_files" },
    { "outputEvents", "output_events" },
    { "traceKb", "trace_kb" },
    { "resultKb", "result_kb" },
    { "calls", "calls" },
    { "httpCalls", "http_calls" },
    { "llmCalls", "llm_calls" },
    { "mcpCalls", "mcp_calls" },
    { 0 },
};

/* Who asks. */
struct asker {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    const struct ein_req *req; /* or NULL */
    const json_t *visible, *scopes;
};

json_t *served_agent(const json_t *deployment, const json_t *agent)
{
    const json_t *content = json_object_get(deployment, "agent");

    return json_is_object(content) ? agent_with_content(agent, content, agent_version(deployment))
                                   : json_incref((json_t *)agent);
}

/* ---- settings ---- */

int served_settings(const struct ein_host *host, struct ein_ctx *ctx, const char *id,
                    json_t **ret_settings, struct ein_error *err)
{
    EIN_JSON json_t *settings = NULL;
    int r = host->store->get(ctx, SETTINGS_SET, id, &settings, err);

    if (r < 0 && r != EIN_E_NOT_FOUND)
        return r;
    *ret_settings = EIN_TAKE(settings);
    return 0;
}

const char *served_scope(const json_t *settings)
{
    return text_of(settings, "scope");
}

static int check_scope(const struct asker *asker, const json_t *settings, struct ein_error *err)
{
    const char *scope = served_scope(settings);

    /* Where there is a request its route has asked for this one already. */
    if (asker->scopes && !scope_is_among(asker->scopes, "deployments:run"))
        return error_set(err, EIN_E_DENIED,
                         "This credential lacks the scope 'deployments:run', without which no "
                         "deployed agent is called.");
    if (!scope || (asker->req ? scope_is_held(asker->host->http->identity(asker->req), scope)
                              : scope_is_among(asker->scopes, scope)))
        return 0;
    return error_set(err, EIN_E_DENIED,
                     "This credential lacks the scope '%s', which this deployment asks for.",
                     scope);
}

static int make_limits(const json_t *settings, json_t **ret_limits, struct ein_error *err)
{
    EIN_JSON json_t *limits = json_object();

    for (const struct served_limit *row = served_limits; row->setting; row++) {
        json_t *value = json_object_get(settings, row->setting);

        if (json_is_integer(value) && json_object_set(limits, row->limit, value) < 0)
            return error_no_memory(err);
    }
    if (json_object_size(limits) > 0)
        *ret_limits = EIN_TAKE(limits);
    return 0;
}

/* ---- finding ---- */

static int find_agent(const struct asker *asker, const char *id, json_t **ret_agent,
                      struct ein_error *err)
{
    return asker->req ? agent_get(asker->host, asker->ctx, asker->req, id, ret_agent, err)
                      : agent_find(asker->host, asker->ctx, asker->visible, id, ret_agent, err);
}

static int find(const struct asker *asker, const char *name, struct served *served,
                struct ein_error *err)
{
    EIN_JSON json_t *deployment = NULL;
    EIN_JSON json_t *agent = NULL;
    int r = deployment_get(asker->host, asker->ctx, name, &deployment, err);

    if (r == 0)
        r = find_agent(asker, text_of(deployment, "agentId"), &agent, err);
    if (r == 0)
        r = served_settings(asker->host, asker->ctx, text_of(agent, "_id"), &served->settings, err);
    if (r == 0)
        r = check_scope(asker, served->settings, err);
    if (r == 0)
        r = make_limits(served->settings, &served->limits, err);
    if (r < 0)
        return r;
    served->agent = served_agent(deployment, agent);
    return served->agent ? 0 : error_no_memory(err);
}

static int find_whole(const struct asker *asker, const char *name, struct served *ret_served,
                      struct ein_error *err)
{
    struct served served = { 0 };
    int r = find(asker, name, &served, err);

    if (r < 0)
        served_done(&served);
    else
        *ret_served = served;
    return r;
}

int served_get(const struct ein_host *host, struct ein_ctx *ctx, const struct ein_req *req,
               const char *name, struct served *ret_served, struct ein_error *err)
{
    const struct asker asker = { .host = host, .ctx = ctx, .req = req };

    return find_whole(&asker, name, ret_served, err);
}

int served_find(const struct ein_host *host, struct ein_ctx *ctx, const json_t *visible,
                const json_t *scopes, const char *name, struct served *ret_served,
                struct ein_error *err)
{
    const struct asker asker = { .host = host, .ctx = ctx, .visible = visible, .scopes = scopes };

    return find_whole(&asker, name, ret_served, err);
}

void served_done(struct served *served)
{
    json_decref(served->agent);
    json_decref(served->settings);
    json_decref(served->limits);
    *served = (struct served){ 0 };
}

/* ---- running ---- */

static uint32_t count_of(const json_t *settings, const char *member, uint32_t otherwise)
{
    const json_t *value = json_object_get(settings, member);

    return json_is_integer(value) ? (uint32_t)json_integer_value(value) : otherwise;
}

struct agent_order served_order(const struct served *served, const char *name, const json_t *input)
{
    const json_t *agent = served->agent;
    struct agent_order order = { 0 };

    order.run = (struct ein_agent_run){
        .agent_id = text_of(agent, "_id"),
        .agent_name = name,
        .code = text_of(agent, "code"),
        .input = input,
        .tools = json_object_get(agent, "tools"),
        .imports = json_object_get(agent, "gofannonAgents"),
        .agent = agent,
        .limits = served->limits,
        .lane_running = count_of(served->settings, "concurrency", 0),
        .lane_queue = count_of(served->settings, "queue", UINT32_MAX),
    };
    if (order.run.lane_running > 0)
        order.run.lane = order.run.agent_id;
    return order;
}
