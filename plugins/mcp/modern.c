/* SPDX-License-Identifier: Apache-2.0 */
/* 2026-07-28: each request is complete in itself. */
#include "error.h"
#include "exchange.h"
#include "member.h"

#include <string.h>

static int add_header(void *data, const char *name, const char *value)
{
    EIN_FREE char *encoded = wire_header_value(value);
    EIN_FREE char *line = NULL;

    if (!encoded || asprintf(&line, "Mcp-Param-%s", name) < 0)
        return EIN_E_NO_MEMORY;
    return vendor_header(data, line, encoded, NULL);
}

/* What the tool's schema wants as headers; a list that is old is better than none, the server
 * tells when it is wrong. */
static int add_params(struct talk *talk, const struct mcp_request *request,
                      struct vendor_headers *headers, struct ein_error *err)
{
    EIN_JSON json_t *tools = NULL;
    const json_t *tool;
    int r;

    if (!request->tool)
        return 0;
    tools = peers_tools(&talk->mcp->peers, talk->key, false);
    tool = list_find(tools, "name", request->tool);
    r = tool ? wire_tool_headers(tool, json_object_get(request->params, "arguments"), add_header,
                                 headers)
             : 0;
    return r < 0
               ? error_set(err, r, "the arguments of '%s' cannot be sent as headers", request->tool)
               : 0;
}

/* A copy of the params: the request may be made again. */
json_t *mcp_message(const struct talk *talk, const struct mcp_request *request, json_int_t id,
                    bool modern)
{
    EIN_JSON json_t *params = request->params ? json_copy(request->params) : json_object();

    if (!params)
        return NULL;
    if (talk->call.on_progress && request->tool &&
        json_object_set_new(params, "_meta", json_pack("{s:I}", "progressToken", id)) < 0)
        return NULL;
    return wire_request(id, request->method, EIN_TAKE(params), modern);
}

static int send(struct talk *talk, const struct mcp_request *request, struct exchange *exchange,
                struct ein_error *err)
{
    EIN_VENDOR_HEADERS struct vendor_headers headers = { .count = 0 };
    EIN_JSON json_t *message = NULL;
    int r;

    *exchange = (struct exchange){ .talk = talk, .id = atomic_fetch_add(&talk->mcp->next_id, 1) };
    message = mcp_message(talk, request, exchange->id, true);
    if (!message)
        return error_no_memory(err);
    r = exchange_headers(talk, &headers, request->method, request->tool, err);
    if (r == 0)
        r = add_params(talk, request, &headers, err);
    return r < 0 ? r : exchange_run(exchange, NULL, &headers, message, err);
}

/* Anything but a result. */
static int refused(struct talk *talk, const struct exchange *exchange, struct ein_error *err)
{
    json_int_t code = wire_code(exchange->message);

    if (exchange->status == 404 || exchange->status == 405 || code == MCP_UNSUPPORTED_VERSION) {
        peers_forget_verdict(&talk->mcp->peers, talk->key);
        talk->state.era = PEER_UNKNOWN;
    }
    if (code == MCP_MISSING_CAPABILITY)
        return error_set(err, EIN_E_UNSUPPORTED,
                         "the MCP server asks for something that einion does not offer");
    return exchange_refused(exchange, err);
}

static int take_result(const struct mcp_request *request, const json_t *message,
                       json_t **ret_params, struct ein_error *err)
{
    json_t *result = json_object_get(message, "result");
    const json_t *type = json_object_get(result, "resultType");

    if (type && (!json_is_string(type) || strcmp(json_string_value(type), "complete") != 0)) {
        if (json_is_string(type) && !strcmp(json_string_value(type), "input_required"))
            return error_set(err, EIN_E_UNSUPPORTED,
                             "the MCP server asks for input, which einion does not support");
        return error_set(err, EIN_E_UNAVAILABLE, "the MCP server's result is of an unknown type");
    }
    return request->on_result(request->data, result, ret_params, err);
}

/* The list says what the headers of a call are; its result is not wanted here. */
static int list_again(struct talk *talk, struct ein_error *err)
{
    json_t *tools = NULL;
    int r;

    peers_keep_tools(&talk->mcp->peers, talk->key, NULL, 0, 0);
    r = mcp_list_tools(talk->mcp, &talk->call, &tools, err);
    json_decref(tools);
    return r;
}

/* Without a list the tool may still do without headers. */
static int list_first(struct talk *talk, const struct mcp_request *request, struct ein_error *err)
{
    EIN_JSON json_t *tools = NULL;
    int r;

    if (!request->tool)
        return 0;
    tools = peers_tools(&talk->mcp->peers, talk->key, false);
    if (tools)
        return 0;
    r = list_again(talk, err);
    return r == EIN_E_CANCELLED || r == EIN_E_TIMEOUT || r == EIN_E_DENIED ? r : 0;
}

/* What the answer leads to. */
static int heed(struct talk *talk, const struct mcp_request *request,
                const struct exchange *exchange, bool again, json_t **ret_params,
                struct ein_error *err)
{
    int r;

    if (json_object_get(exchange->message, "result"))
        return take_result(request, exchange->message, ret_params, err);
    if (!again && request->tool && wire_code(exchange->message) == MCP_HEADER_MISMATCH) {
        r = list_again(talk, err);
        return r < 0 ? r : ASK_AGAIN;
    }
    /* A tool may have done its work before the stream broke. */
    if (!again && !request->tool && exchange->broke)
        return ASK_AGAIN;
    return refused(talk, exchange, err);
}

static int ask_page(struct talk *talk, const struct mcp_request *request, bool again,
                    json_t **ret_params, struct ein_error *err)
{
    struct exchange exchange;
    int r = send(talk, request, &exchange, err);

    if (r == 0)
        r = heed(talk, request, &exchange, again, ret_params, err);
    exchange_done(&exchange);
    return r;
}

int modern_ask(struct talk *talk, struct mcp_request *request, struct ein_error *err)
{
    int r = list_first(talk, request, err);

    return r < 0 ? r : ask_pages(talk, request, ask_page, err);
}
