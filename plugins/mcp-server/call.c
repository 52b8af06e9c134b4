/* SPDX-License-Identifier: Apache-2.0 */
/* tools/call: an agent runs.  Whatever keeps it from its result is for the model to read, and so an
 * error of the tool; that there is no such tool is one of the protocol. */
#include "catalog.h"
#include "mcp_server.h"
#include "progress.h"
#include "search.h"
#include "tool.h"

#include "agent_run.h"
#include "cleanup.h"
#include "field_schema.h"
#include "json_fits.h"
#include "rpc.h"

#include <string.h>

/* ---- results ---- */

static void give(struct turn *turn, const char *text, const json_t *structured, bool failed)
{
    turn_result(turn,
                json_pack("{s:[{s:s, s:s}], s:O*, s:b}", "content", "type", "text", "text", text,
                          "structuredContent", (json_t *)structured, "isError", failed));
}

static void give_failure(struct turn *turn, const char *text)
{
    give(turn, text, NULL, true);
}

/* The only text of a result is read as it is, all else as JSON; mem_free. */
static char *text_of_result(const struct turn *turn, const json_t *result)
{
    const struct ein_host *host = turn->server->host;
    const json_t *only = json_object_size(result) == 1
                             ? json_object_iter_value(json_object_iter((json_t *)result))
                             : result;

    return json_is_string(only) ? host->text_dup(json_string_value(only))
                                : host->json_text(result, NULL);
}

/* A result of before 2026-07-28 is structured if it is an object.  One that is not what the agent
 * declares breaks a promise of the list: it is told as a failure, with all there is of it. */
static void give_outcome(struct turn *turn, const json_t *agent, const json_t *outcome)
{
    const struct ein_host *host = turn->server->host;
    const json_t *result = json_object_get(outcome, "result");
    const json_t *declared = json_object_get(agent, "outputSchema");
    EIN_JSON json_t *schema = json_object_size(declared) > 0 ? field_schema(declared, false) : NULL;
    EIN_JSON json_t *nothing = json_null();
    char *text;

    if (!result)
        result = nothing;
    text = text_of_result(turn, result);
    if (!text)
        turn_result(turn, NULL);
    else if (schema && !json_fits(schema, result)) {
        EIN_JSON json_t *sentence =
            json_sprintf("The result of the agent is not what its output schema says: %s", text);
        give_failure(turn, sentence ? json_string_value(sentence) : "out of memory");
    } else
        give(turn, text, json_is_object(result) || turn->modern ? result : NULL, false);
    host->mem_free(text);
}

/* ---- a run ---- */

/* An agent that is called. */
struct calling {
    struct turn *turn;
    struct served served;
    char *name; /* it is deployed as */
    const json_t *arguments;
};

static int run_served(const struct calling *calling, struct ein_cancel *cancel,
                      json_t **ret_outcome, struct ein_error *err)
{
    struct turn *turn = calling->turn;
    const struct mcp_server *server = turn->server;
    struct progress progress = { .turn = turn, .token = progress_token(turn) };
    struct agent_order order = served_order(&calling->served, calling->name, calling->arguments);

    order.kind = "mcp";
    order.run.user_id = server->host->http->identity(turn->req)->uid;
    order.run.cancel = cancel;
    order.run.trace = progress.token ? progress_send : NULL;
    order.run.trace_data = &progress;
    return agent_run(server->host, server->ctx, turn->req, &order, ret_outcome, err);
}

/* Until 2025-11-25 a client that leaves has not cancelled; since then that is how it does. */
static int run_until_cancelled(const struct calling *calling, json_t **ret_outcome,
                               struct ein_error *err)
{
    const struct turn *turn = calling->turn;
    struct mcp_server *server = turn->server;
    const struct ein_http *http = server->host->http;
    struct running_call call = { .uid = http->identity(turn->req)->uid,
                                 .session = turn->session,
                                 .id = turn->id,
                                 .left = http->cancel(turn->req) };
    int r;

    if (turn->modern)
        return run_served(calling, http->cancel(turn->req), ret_outcome, err);
    r = running_enter(&server->running, server->ctx, &call, err);
    if (r < 0)
        return r;
    r = run_served(calling, call.cancel, ret_outcome, err);
    running_leave(&server->running, &call);
    return r;
}

static void run_agent(const struct calling *calling)
{
    struct turn *turn = calling->turn;
    const json_t *agent = calling->served.agent;
    EIN_JSON json_t *schema = field_schema(json_object_get(agent, "inputSchema"), false);
    EIN_JSON json_t *outcome = NULL;
    const char *error;
    struct ein_error err;

    if (!schema) {
        turn_result(turn, NULL);
        return;
    }
    if (!json_fits(schema, calling->arguments)) {
        give_failure(turn, "The arguments are not what the input schema of the agent says.");
        return;
    }
    if (run_until_cancelled(calling, &outcome, &err) < 0) {
        give_failure(turn, err.text);
        return;
    }
    error = json_string_value(json_object_get(outcome, "error"));
    if (error) {
        EIN_JSON json_t *sentence = json_sprintf("Error executing agent: %s", error);
        give_failure(turn, sentence ? json_string_value(sentence) : error);
    } else
        give_outcome(turn, agent, outcome);
}

/* ---- which tool ---- */

static void call_agent(struct turn *turn, const char *tool, const json_t *arguments)
{
    struct calling calling = { .turn = turn, .arguments = arguments };
    struct ein_error err;
    int r = catalog_find(turn, tool, &calling.served, &calling.name, &err);

    if (r == EIN_E_NOT_FOUND)
        turn_fail(turn, MCP_INVALID_PARAMS, "Unknown tool: %.200s", tool);
    else if (r == EIN_E_DENIED)
        give_failure(turn, err.text);
    else if (r < 0)
        turn_fail_error(turn, &err);
    if (r < 0)
        return;
    run_agent(&calling);
    served_done(&calling.served);
    turn->server->host->mem_free(calling.name);
}

static void call_search(struct turn *turn, const json_t *arguments)
{
    const struct ein_host *host = turn->server->host;
    EIN_JSON json_t *found = NULL;
    struct ein_error err;

    if (search_agents(turn, arguments, &found, &err) < 0) {
        turn_fail_error(turn, &err);
        return;
    }
    char *text = host->json_text(found, NULL);
    if (text)
        give(turn, text, found, false);
    else
        turn_result(turn, NULL);
    host->mem_free(text);
}

static void call_run(struct turn *turn, const json_t *arguments)
{
    const char *name = json_string_value(json_object_get(arguments, "name"));
    const json_t *given = json_object_get(arguments, "arguments");
    EIN_JSON json_t *none = json_object();

    if (!name || (given && !json_is_object(given)))
        give_failure(turn, TOOL_RUN " takes the name of an agent, and its arguments as an object.");
    else
        call_agent(turn, name, given ? given : none);
}

void tools_call(struct turn *turn)
{
    const char *name = json_string_value(json_object_get(turn->params, "name"));
    const json_t *given = json_object_get(turn->params, "arguments");
    EIN_JSON json_t *none = json_object();
    const json_t *arguments = given && !json_is_null(given) ? given : none;

    if (!name || !json_is_object(arguments))
        turn_fail(turn, MCP_INVALID_PARAMS,
                  "tools/call takes the name of a tool, and its arguments as an object.");
    else if (strcmp(name, TOOL_SEARCH) == 0)
        call_search(turn, arguments);
    else if (strcmp(name, TOOL_RUN) == 0)
        call_run(turn, arguments);
    else
        call_agent(turn, name, arguments);
}
