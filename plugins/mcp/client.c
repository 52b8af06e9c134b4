/* SPDX-License-Identifier: Apache-2.0 */
/* mcp_client/1. */
#include "clock.h"
#include "error.h"
#include "exchange.h"
#include "json_fits.h"
#include "member.h"

#include <string.h>
#include <strings.h>

enum { VALUE_BYTES = 128 }; /* that one takes in memory, about */

/* ---- a call ---- */

static void read_call(const struct ein_mcp_call *call, struct ein_mcp_call *ret_call)
{
    size_t known = call->struct_size < sizeof(*call) ? call->struct_size : sizeof(*call);

    memset(ret_call, 0, sizeof(*ret_call));
    memcpy(ret_call, call, known);
}

static bool is_one_line(const char *text)
{
    return !text || !strpbrk(text, "\r\n");
}

static int check_call(const struct ein_mcp_call *call, struct ein_error *err)
{
    if (!call->url ||
        (strncasecmp(call->url, "http://", 7) != 0 && strncasecmp(call->url, "https://", 8) != 0))
        return error_set(err, EIN_E_INVALID,
                         "Invalid MCP server URL scheme: %s. Must be http:// or https://",
                         call->url ? call->url : "");
    if (!is_one_line(call->url) || !is_one_line(call->token) || !is_one_line(call->user_id))
        return error_set(err, EIN_E_INVALID,
                         "the URL or the token of the MCP server is more than one line");
    return 0;
}

/* 0, INVALID, NO_MEMORY. */
static int talk_init(struct talk *talk, struct mcp *mcp, const struct ein_mcp_call *call,
                     struct ein_error *err)
{
    uint32_t ms;
    int r;

    *talk = (struct talk){ .mcp = mcp };
    read_call(call, &talk->call);
    r = check_call(&talk->call, err);
    if (r < 0)
        return r;
    ms = talk->call.total_ms ? talk->call.total_ms : mcp->total_ms;
    talk->until_ms = clock_mono_ms() + (ms < mcp->total_max_ms ? ms : mcp->total_max_ms);
    talk->key = peer_key(talk->call.egress, talk->call.url, talk->call.user_id, talk->call.token);
    if (!talk->key)
        return error_no_memory(err);
    peers_get(&mcp->peers, talk->key, mcp->verdict_ms, &talk->state);
    return 0;
}

static void talk_done(struct talk *talk)
{
    peer_key_free(talk->key);
    explicit_bzero(&talk->state, sizeof(talk->state));
}

uint32_t talk_left_ms(const struct talk *talk)
{
    int64_t left_ms = talk->until_ms - clock_mono_ms();

    return left_ms > 0 ? (uint32_t)left_ms : 0;
}

int ask_pages(struct talk *talk, struct mcp_request *request, ask_one *one, struct ein_error *err)
{
    json_t *next = NULL;
    int r = one(talk, request, false, &next, err);

    for (; r > 0; r = one(talk, request, r == ASK_AGAIN, &next, err)) {
        if (r == ASK_AGAIN)
            continue;
        json_decref(request->params);
        request->params = next;
    }
    return r;
}

static int ask_once(struct talk *talk, struct mcp_request *request, struct ein_error *err)
{
    int r = choose(talk, err);

    if (r < 0)
        return r;
    switch (talk->state.era) {
    case PEER_MODERN:
        return modern_ask(talk, request, err);
    case PEER_LEGACY:
        return legacy_ask(talk, request, err);
    default:
        return old_sse_ask(talk, request, err);
    }
}

int ask(struct talk *talk, struct mcp_request *request, struct ein_error *err)
{
    bool known = talk->state.era != PEER_UNKNOWN;
    int r = ask_once(talk, request, err);

    /* What was known of it is not so any more. */
    if (r < 0 && known && talk->state.era == PEER_UNKNOWN)
        r = ask_once(talk, request, err);
    return r;
}

/* ---- tools/list ---- */

struct listing {
    const struct mcp *mcp;
    json_t *tools;
    uint32_t pages;
    json_int_t ttl_ms; /* the shortest of all pages */
};

static int take_page(void *data, json_t *result, json_t **ret_params, struct ein_error *err)
{
    struct listing *listing = data;
    json_int_t ttl_ms = wire_ttl_ms(result);
    const char *cursor;

    if (wire_take_tools(result, listing->tools, &cursor) < 0)
        return error_set(err, EIN_E_UNAVAILABLE, "the MCP server's list of tools is malformed");
    if (listing->pages++ == 0 || ttl_ms < listing->ttl_ms)
        listing->ttl_ms = ttl_ms;
    if (json_array_size(listing->tools) > listing->mcp->tools_max)
        return error_set(err, EIN_E_TOO_LARGE, "the MCP server has more than %u tools (tools)",
                         listing->mcp->tools_max);
    if (!cursor)
        return 0;
    if (listing->pages >= listing->mcp->pages_max)
        return error_set(err, EIN_E_TOO_LARGE,
                         "the MCP server's list of tools has more than %u pages (pages)",
                         listing->mcp->pages_max);
    *ret_params = json_pack("{s:s}", "cursor", cursor);
    return *ret_params ? 1 : error_no_memory(err);
}

/* A tool whose schema is none, or breaks the rules of x-mcp-header, is none; the others stay. */
static void drop_wrong(struct talk *talk, json_t *tools)
{
    const struct mcp *mcp = talk->mcp;

    for (size_t i = json_array_size(tools); i-- > 0;) {
        const json_t *tool = json_array_get(tools, i);

        if (wire_tool_is_valid(tool))
            continue;
        mcp->host->log_msg(mcp->ctx, EIN_WARN,
                           "an MCP server's tool '%.80s' is left out: its inputSchema is wrong",
                           json_string_value(json_object_get(tool, "name")));
        (void)json_array_remove(tools, i);
    }
}

static int list(struct talk *talk, json_t **ret_tools, struct ein_error *err)
{
    struct listing listing = { .mcp = talk->mcp, .tools = json_array() };
    struct mcp_request request = { .method = "tools/list",
                                   .on_result = take_page,
                                   .data = &listing };
    int r = listing.tools ? ask(talk, &request, err) : error_no_memory(err);

    json_decref(request.params);
    if (r < 0) {
        json_decref(listing.tools);
        return r;
    }
    drop_wrong(talk, listing.tools);
    peers_keep_tools(&talk->mcp->peers, talk->key, listing.tools,
                     talk->bytes + VALUE_BYTES * talk->values, listing.ttl_ms);
    *ret_tools = listing.tools;
    return 0;
}

int mcp_list_tools(void *impl, const struct ein_mcp_call *call, json_t **ret_tools,
                   struct ein_error *err)
{
    struct mcp *mcp = impl;
    struct talk talk;
    json_t *kept;
    int r = talk_init(&talk, mcp, call, err);

    if (r < 0)
        return r;
    kept = peers_tools(&mcp->peers, talk.key, true);
    if (kept)
        *ret_tools = kept;
    else
        r = list(&talk, ret_tools, err);
    talk_done(&talk);
    return r;
}

/* ---- tools/call ---- */

/* A server that lies about its schema; one that was never asked for it has not. */
static int check_promise(const struct talk *talk, const char *name, const json_t *result,
                         struct ein_error *err)
{
    EIN_JSON json_t *tools = peers_tools(&talk->mcp->peers, talk->key, false);
    const json_t *schema = json_object_get(list_find(tools, "name", name), "outputSchema");

    if (json_is_true(json_object_get(result, "isError")) ||
        json_fits(schema, json_object_get(result, "structuredContent")))
        return 0;
    return error_set(err, EIN_E_UNAVAILABLE,
                     "the MCP server's result of '%.80s' is not what its outputSchema says", name);
}

static int take_result(void *data, json_t *result, json_t **ret_params, struct ein_error *err)
{
    json_t **ret_result = data;

    (void)ret_params;
    if (!wire_take_result(result))
        return error_set(err, EIN_E_UNAVAILABLE, "the MCP server's result is not a tool result");
    *ret_result = json_incref(result);
    return 0;
}

int mcp_call_tool(void *impl, const struct ein_mcp_call *call, const char *tool,
                  const json_t *arguments, json_t **ret_result, struct ein_error *err)
{
    struct talk talk;
    json_t *result = NULL;
    struct mcp_request request = {
        .method = "tools/call", .tool = tool, .on_result = take_result, .data = &result
    };
    int r;

    if (arguments && !json_is_object(arguments))
        return error_set(err, EIN_E_INVALID, "the arguments of '%.80s' are not an object", tool);
    r = talk_init(&talk, impl, call, err);
    if (r < 0)
        return r;
    request.params = json_pack("{s:s, s:o}", "name", tool, "arguments",
                               arguments ? json_incref((json_t *)arguments) : json_object());
    r = request.params ? ask(&talk, &request, err) : error_no_memory(err);
    if (r == 0)
        r = check_promise(&talk, tool, result, err);
    json_decref(request.params);
    talk_done(&talk);
    if (r == 0)
        *ret_result = result;
    else
        json_decref(result);
    return r;
}

/* ---- sessions that nobody uses ---- */

static void end_session(void *data, const char *key, const struct peer_state *state)
{
    if (state->era == PEER_LEGACY && *state->session)
        exchange_notice(data, key, state, NULL);
}

void mcp_sweep(void *self)
{
    struct mcp *mcp = self;

    peers_sweep(&mcp->peers, mcp->idle_ms, end_session, mcp);
}
