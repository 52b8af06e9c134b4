/* SPDX-License-Identifier: Apache-2.0 */
#include "mcp_call.h"
#include "declared.h"
#include "error.h"
#include "member.h"
#include "slow_call.h"

#include <string.h>

struct mcp_call {
    struct slow_call slow;
    const struct ein_agent_run *what; /* outlives the call */
    json_t *params;
    uint32_t total_ms;
    bool lists;
};

static void call_free(struct slow_call *slow)
{
    struct mcp_call *call = (struct mcp_call *)slow;

    json_decref(call->params);
    free(call);
}

static int ask(struct mcp_call *call, const struct ein_service *service)
{
    struct slow_call *slow = &call->slow;
    const struct ein_mcp_client *client = service->vtable;
    const struct ein_mcp_call about = {
        .struct_size = sizeof(about),
        .total_ms = call->total_ms,
        .url = text_of(call->params, "url"),
        .token = text_of(call->params, "token"),
        .user_id = call->what->user_id,
        .egress = EIN_EGRESS_PUBLIC,
        .cancel = slow->cancel,
    };

    if (call->lists)
        return client->list_tools(service->impl, &about, &slow->json, &slow->err);
    return client->call_tool(service->impl, &about, text_of(call->params, "tool"),
                             json_object_get(call->params, "args"), &slow->json, &slow->err);
}

static void perform(struct slow_call *slow)
{
    struct mcp_call *call = (struct mcp_call *)slow;
    const struct ein_service *service;

    if (slow->host->acquire(slow->ctx, EIN_MCP_CLIENT, NULL, &service) < 0) {
        slow->r =
            error_set(&slow->err, EIN_E_UNAVAILABLE, "No MCP client is configured on this server.");
        return;
    }
    slow->r = ask(call, service);
    slow->host->release(slow->ctx, service);
}

static const struct slow_kind kind = { .lane = SLOW_MCP,
                                       .perform = perform,
                                       .not_found = "ConnectionError",
                                       .unavailable = "ConnectionError",
                                       .free = call_free };

static bool is_complete(const struct mcp_call *call)
{
    const json_t *token = json_object_get(call->params, "token");
    const json_t *given = json_object_get(call->params, "args");

    if (!text_of(call->params, "url") || (token && !json_is_null(token) && !json_is_string(token)))
        return false;
    return call->lists || (text_of(call->params, "tool") && json_is_object(given));
}

static int check(const struct mcp_call *call, const struct agent *agent, struct ein_error *err)
{
    if (!is_complete(call))
        return error_set(err, EIN_E_INVALID,
                         "An MCP server is called with its URL, and a tool with its name and "
                         "arguments.");
    return declared_tool(agent, text_of(call->params, "url"),
                         call->lists ? NULL : text_of(call->params, "tool"), err);
}

void mcp_call(struct agent *agent, int64_t call_id, const char *method, const struct json_t *params)
{
    struct mcp_call *call = slow_new(agent, call_id, &kind, sizeof(*call),
                                     "This run has reached its limit of MCP calls.");

    if (!call)
        return;
    call->what = agent->run->what;
    call->params = json_incref((json_t *)params);
    call->total_ms = agent->run->limits.mcp_timeout_ms;
    call->lists = strcmp(method, "mcp.list") == 0;
    call->slow.r = check(call, agent, &call->slow.err);
    slow_begin(agent, call_id, &call->slow);
}
