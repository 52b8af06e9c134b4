/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange.h"

#include "error.h"
#include "json_depth.h"
#include "member.h"

#include <string.h>
#include <strings.h>

void exchange_done(struct exchange *exchange)
{
    json_decref(exchange->message);
    sse_done(&exchange->sse);
    buf_done(&exchange->body);
    explicit_bzero(exchange->session, sizeof(exchange->session));
}

/* ---- messages ---- */

static int give_progress(struct exchange *exchange, const json_t *message)
{
    const struct ein_mcp_call *call = &exchange->talk->call;
    const json_t *params = json_object_get(message, "params");
    const json_t *token = json_object_get(params, "progressToken");

    if (!call->on_progress || !json_is_integer(token) || json_integer_value(token) != exchange->id)
        return 0;
    if (call->on_progress(params, call->progress_data) == 0)
        return 0;
    return error_set(exchange->err, EIN_E_CANCELLED, "the call was cancelled");
}

static int take_notification(struct exchange *exchange, const json_t *message)
{
    const char *method = wire_method(message);
    struct talk *talk = exchange->talk;

    if (!strcmp(method, "notifications/progress"))
        return give_progress(exchange, message);
    if (!strcmp(method, "notifications/tools/list_changed"))
        peers_keep_tools(&talk->mcp->peers, talk->key, NULL, 0, 0);
    return 0;
}

/* A server that waits for it goes on; one of 2026-07-28 asks nothing. */
static void answer_request(struct exchange *exchange, const json_t *message)
{
    EIN_JSON json_t *answer = NULL;

    if (exchange->on_request)
        exchange->on_request(exchange->data, message);
    if (exchange->talk->state.era != PEER_LEGACY)
        return;
    answer = wire_answer(message);
    if (answer)
        exchange_notice(exchange->talk->mcp, exchange->talk->key, &exchange->talk->state, answer);
}

static int take_answer(struct exchange *exchange, json_t *message)
{
    int r;

    if (exchange->on_answer) {
        r = exchange->on_answer(exchange->data, message, exchange->err);
        exchange->ended = r == 1;
        return r < 0 ? r : 0;
    }
    if (!exchange->message)
        exchange->message = json_incref(message);
    exchange->ended = true;
    return 0;
}

static int take_message(struct exchange *exchange, json_t *message);

static int take_batch(struct exchange *exchange, const json_t *batch)
{
    json_t *message;
    size_t i;
    int r = 0;

    json_array_foreach(batch, i, message)
    {
        if (r == 0 && !exchange->ended && json_is_object(message))
            r = take_message(exchange, message);
    }
    return r;
}

static int take_message(struct exchange *exchange, json_t *message)
{
    switch (wire_kind(message, exchange->id)) {
    case WIRE_RESULT:
    case WIRE_ERROR:
        return take_answer(exchange, message);
    case WIRE_REQUEST:
        answer_request(exchange, message);
        return 0;
    case WIRE_NOTIFICATION:
        return take_notification(exchange, message);
    case WIRE_BATCH:
        return take_batch(exchange, message);
    case WIRE_OTHER:
        exchange->is_other = true;
        break;
    }
    return 0;
}

/* ---- what comes ---- */

static int garbled(struct exchange *exchange)
{
    return error_set(exchange->err, EIN_E_UNAVAILABLE,
                     "the MCP server sent something that is not JSON");
}

static int too_large(const struct exchange *exchange, struct ein_error *err)
{
    const struct mcp *mcp = exchange->talk->mcp;

    return error_set(err, EIN_E_TOO_LARGE,
                     "the answer of the MCP server is longer than %zu bytes (reply_bytes), or has "
                     "more than %zu values (values)",
                     mcp->reply_max, mcp->values_max);
}

/* Counts a message before it is read.  Many pages are no way round the limits of one. */
static int count(struct exchange *exchange, const char *text, size_t len)
{
    struct talk *talk = exchange->talk;
    const struct mcp *mcp = talk->mcp;

    talk->bytes += len;
    talk->values += json_values(text, len);
    return talk->bytes > mcp->reply_max || talk->values > mcp->values_max
               ? too_large(exchange, exchange->err)
               : 0;
}

/* An event without data only tells its id: the stream may be resumed from there. */
static int on_event(void *data, const char *event, char *text, size_t len)
{
    struct exchange *exchange = data;
    EIN_JSON json_t *message = NULL;
    int r;

    if (len == 0 || exchange->ended)
        return 0;
    if (exchange->on_event && strcmp(event, "message") != 0)
        return exchange->on_event(exchange->data, event, text, exchange->err);
    r = count(exchange, text, len);
    if (r < 0)
        return r;
    message = vendor_json(text, len);
    return message ? take_message(exchange, message) : garbled(exchange);
}

/* Visible ASCII, as it is to be sent back. */
static void take_session(struct exchange *exchange, const char *id)
{
    size_t len = strlen(id);

    for (size_t i = 0; i < len; i++) {
        if (id[i] < '!' || id[i] > '~')
            return;
    }
    if (len < sizeof(exchange->session))
        memcpy(exchange->session, id, len + 1);
}

static bool is_type(const char *type, const char *wanted)
{
    size_t len = strlen(wanted);

    return strncasecmp(type, wanted, len) == 0 && strchr("; \t", type[len]);
}

static int on_head(void *data, int status, const json_t *headers)
{
    struct exchange *exchange = data;
    const char *type = text_or_empty(headers, "content-type");
    bool good = status >= 200 && status < 300;

    exchange->status = status;
    exchange->is_stream = good && is_type(type, "text/event-stream");
    exchange->is_garbled = !exchange->is_stream && !is_type(type, "application/json");
    if (good)
        take_session(exchange, text_or_empty(headers, "mcp-session-id"));
    exchange->ended = exchange->stream_only && good && !exchange->is_stream;
    return exchange->ended;
}

static int on_data(void *data, const void *piece, size_t len)
{
    struct exchange *exchange = data;
    int r = exchange->is_stream ? sse_feed(&exchange->sse, piece, len)
                                : buf_add(&exchange->body, piece, len);

    if (r == EIN_E_TOO_LARGE && !exchange->is_stream && exchange->status >= 300)
        return 0; /* a long page that says no: its status is enough */
    if (r == EIN_E_TOO_LARGE)
        r = too_large(exchange, exchange->err);
    else if (r == EIN_E_NO_MEMORY)
        r = error_no_memory(exchange->err);
    exchange->r = r < 0 ? r : 0;
    if (r < 0)
        return r;
    return exchange->is_stream && exchange->ended ? EIN_FETCH_ENOUGH : 0;
}

/* A body of one piece. */
static int finish_body(struct exchange *exchange)
{
    EIN_JSON json_t *message = NULL;
    int r;

    if (exchange->is_stream || exchange->body.len == 0)
        return 0;
    r = count(exchange, exchange->body.data, exchange->body.len);
    if (r < 0)
        return r;
    message = vendor_json(exchange->body.data, exchange->body.len);
    if (message)
        return take_message(exchange, message);
    exchange->is_garbled = true;
    return 0;
}

/* ---- the transfer ---- */

int exchange_headers(const struct talk *talk, struct vendor_headers *headers, const char *method,
                     const char *name, struct ein_error *err)
{
    const struct peer_state *state = &talk->state;
    const char *version = method ? MCP_MODERN : state->version;
    EIN_FREE char *encoded = name ? wire_header_value(name) : NULL;
    int r;

    if (name && !encoded)
        return error_no_memory(err);
    r = vendor_bearer(headers, talk->call.token, err);
    if (r < 0)
        return error_set(err, r,
                         "the token for the MCP server has characters that are not allowed");
    if ((r = vendor_header(headers, "MCP-Protocol-Version", version, err)) < 0 ||
        (r = vendor_header(headers, "Mcp-Method", method, err)) < 0 ||
        (r = vendor_header(headers, "Mcp-Name", encoded, err)) < 0)
        return r;
    return method ? 0 : vendor_header(headers, "Mcp-Session-Id", state->session, err);
}

/* In the client's words. */
static int broken(const struct exchange *exchange, int r, struct ein_error *err)
{
    const char *why = exchange->why.text;

    switch (r) {
    case EIN_E_CANCELLED:
        return error_set(err, r, "the call was cancelled");
    case EIN_E_TIMEOUT:
        return error_set(err, r, "the MCP server does not answer in time: %s", why);
    case EIN_E_TOO_LARGE:
        return too_large(exchange, err);
    case EIN_E_DENIED:
    case EIN_E_INVALID:
        return error_set(err, r, "the MCP server cannot be called: %s", why);
    case EIN_E_NO_MEMORY:
        return error_no_memory(err);
    default:
        return error_set(err, EIN_E_UNAVAILABLE, "the MCP server cannot be reached: %s", why);
    }
}

static int finish(struct exchange *exchange, int r, struct ein_error *err)
{
    memcpy(exchange->last_id, exchange->sse.id, sizeof(exchange->last_id));
    exchange->retry_ms = exchange->sse.retry_ms;
    if (exchange->r < 0)
        return exchange->r;
    if (exchange->ended)
        return 0;
    if (r == EIN_E_UNAVAILABLE && exchange->status) { /* somebody may ask for the rest */
        exchange->broke = true;
        return 0;
    }
    if (r < 0)
        return broken(exchange, r, err);
    return finish_body(exchange);
}

int exchange_run(struct exchange *exchange, const char *url, const struct vendor_headers *headers,
                 const json_t *message, struct ein_error *err)
{
    struct talk *talk = exchange->talk;
    struct mcp *mcp = talk->mcp;
    const char *lines[2 + VENDOR_HEADERS_MAX + 1], **at = lines;
    struct ein_fetched got = { .struct_size = sizeof(got) };
    uint32_t left_ms = talk_left_ms(talk);
    size_t body_len = 0;
    char *body = message ? mcp->host->json_text(message, &body_len) : NULL;
    int r;

    exchange->err = err;
    sse_init(&exchange->sse, mcp->reply_max, on_event, exchange);
    buf_init(&exchange->body, mcp->reply_max);
    if (message && !body)
        return error_set(err, EIN_E_INVALID, "the arguments cannot be sent as JSON");
    *at++ = message ? "Accept: application/json, text/event-stream" : "Accept: text/event-stream";
    if (message)
        *at++ = "Content-Type: application/json";
    *vendor_headers_lend(headers, at) = NULL;
    if (left_ms == 0) {
        r = error_set(err, EIN_E_TIMEOUT, "the MCP server does not answer in time");
    } else {
        const struct ein_fetch what = {
            .struct_size = sizeof(what),
            .egress = talk->call.egress,
            .connect_ms = mcp->connect_ms,
            .first_byte_ms = left_ms,
            .idle_ms = left_ms,
            .total_ms = left_ms,
            .max_redirects = mcp->redirects_max,
            .max_bytes = mcp->reply_max,
            .method = message ? "POST" : "GET",
            .url = url ? url : talk->call.url,
            .headers = lines,
            .body = body,
            .body_len = body_len,
            .on_head = on_head,
            .on_data = on_data,
            .data = exchange,
            .cancel = talk->call.cancel,
        };
        r = mcp->host->client->fetch(mcp->ctx, &what, &got, &exchange->why);
        r = finish(exchange, r, err);
    }
    json_decref(got.headers);
    mcp->host->mem_free(got.body);
    mcp->host->mem_free(body);
    return r;
}

/* ---- what went wrong ---- */

static char *shorten(const struct mcp *mcp, const char *words)
{
    EIN_FREE char *line = strndup(words, VENDOR_WORDS_MAX);
    char *clean, *copy;

    if (!line)
        return NULL;
    for (char *at = line; *at; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
    }
    clean = mcp->host->redact(line);
    copy = clean ? strdup(clean) : NULL;
    mcp->host->mem_free(clean);
    return copy;
}

static int code_of(json_int_t code)
{
    return code == MCP_INVALID_PARAMS ? EIN_E_INVALID
           : code == MCP_UNKNOWN_METHOD || code == MCP_MISSING_CAPABILITY ||
                   code == MCP_UNSUPPORTED_VERSION
               ? EIN_E_UNSUPPORTED
               : EIN_E_UNAVAILABLE;
}

int exchange_failed(const struct talk *talk, const json_t *message, struct ein_error *err)
{
    EIN_FREE char *words = shorten(talk->mcp, wire_words(message));
    json_int_t code = wire_code(message);

    return error_set(err, code_of(code), "the MCP server refuses (%" JSON_INTEGER_FORMAT ")%s%s",
                     code, words && *words ? ": " : "", words ? words : "");
}

static int refused_by_status(const struct exchange *exchange, struct ein_error *err)
{
    const char *token = exchange->talk->call.token;
    int status = exchange->status;

    if (status == 401 && token && *token)
        return error_set(err, EIN_E_DENIED, "the MCP server does not accept the token (401)");
    if (status == 401)
        return error_set(err, EIN_E_DENIED, "the MCP server wants a token (401)");
    if (status == 403)
        return error_set(err, EIN_E_DENIED, "the MCP server forbids it (403)");
    if (exchange->message)
        return exchange_failed(exchange->talk, exchange->message, err);
    if (status == 404 || status == 405 || status == 410)
        return error_set(err, EIN_E_NOT_FOUND, "no MCP server answers there (%d)", status);
    if (status == 429)
        return error_set(err, EIN_E_BUSY, "the MCP server is too busy (429)");
    return error_set(err, EIN_E_UNAVAILABLE, "the MCP server answers with status %d", status);
}

int exchange_refused(const struct exchange *exchange, struct ein_error *err)
{
    if (exchange->status < 200 || exchange->status >= 300)
        return refused_by_status(exchange, err);
    if (exchange->message)
        return exchange_failed(exchange->talk, exchange->message, err);
    if (exchange->broke)
        return error_set(err, EIN_E_UNAVAILABLE, "the answer of the MCP server broke off: %s",
                         exchange->why.text);
    if (exchange->is_stream && !exchange->is_other)
        return error_set(err, EIN_E_UNAVAILABLE,
                         "the stream of the MCP server ended before its answer");
    if (exchange->is_other)
        return error_set(err, EIN_E_UNAVAILABLE, "the MCP server answered a different request");
    if (exchange->is_garbled)
        return error_set(err, EIN_E_UNAVAILABLE,
                         "this is not an MCP server: it sent something that is not JSON");
    return error_set(err, EIN_E_UNAVAILABLE, "the MCP server sent no answer");
}
