/* SPDX-License-Identifier: Apache-2.0 */
/* 2025-03-26 to 2025-11-25: streamable HTTP, with sessions that servers may give. */
#include "cancel_wait.h"
#include "error.h"
#include "exchange.h"

#include <string.h>

enum { RETRY_MS = 1000 }; /* before a stream is resumed of which the server said nothing */

/* ---- sessions ---- */

static int send(struct talk *talk, struct exchange *exchange, const json_t *message,
                struct ein_error *err)
{
    EIN_VENDOR_HEADERS struct vendor_headers headers = { .count = 0 };
    int r = exchange_headers(talk, &headers, NULL, NULL, err);

    return r < 0 ? r : exchange_run(exchange, NULL, &headers, message, err);
}

static int take_opened(struct talk *talk, const struct exchange *exchange, struct ein_error *err)
{
    const json_t *result = json_object_get(exchange->message, "result");
    const char *version = json_string_value(json_object_get(result, "protocolVersion"));

    if (!result)
        return exchange_refused(exchange, err);
    if (!mcp_is_legacy(version))
        return wire_unknown_version(version, err);
    memset(&talk->state, 0, sizeof(talk->state));
    talk->state.era = PEER_LEGACY;
    talk->state.open = true;
    (void)stpncpy(talk->state.version, version, sizeof(talk->state.version) - 1);
    memcpy(talk->state.session, exchange->session, sizeof(talk->state.session));
    return 0;
}

static int send_initialized(struct talk *talk, struct ein_error *err)
{
    EIN_JSON json_t *message = mcp_notification("notifications/initialized", NULL);
    struct exchange exchange = { .talk = talk };
    int r;

    if (!message)
        return error_no_memory(err);
    r = send(talk, &exchange, message, err);
    if (r == 0 && (exchange.status < 200 || exchange.status >= 300))
        r = exchange_refused(&exchange, err);
    exchange_done(&exchange);
    return r;
}

int legacy_open(struct talk *talk, int *ret_status, struct ein_error *err)
{
    json_int_t id = atomic_fetch_add(&talk->mcp->next_id, 1);
    EIN_JSON json_t *message = wire_initialize(id);
    struct exchange exchange = { .talk = talk, .id = id };
    struct peer_state ours;
    int r;

    if (!message)
        return error_no_memory(err);
    talk->state.open = false;
    talk->state.session[0] = talk->state.version[0] = '\0';
    r = send(talk, &exchange, message, err);
    *ret_status = exchange.status;
    if (r == 0)
        r = take_opened(talk, &exchange, err);
    exchange_done(&exchange);
    if (r == 0)
        r = send_initialized(talk, err);
    if (r < 0)
        return r;
    ours = talk->state;
    if (peers_share(&talk->mcp->peers, talk->key, &talk->state) && *ours.session)
        exchange_notice(talk->mcp, talk->key, &ours, NULL); /* one is enough */
    return 0;
}

/* The server does not know the session any more: 404, but some say 400. */
static bool is_lost(const struct talk *talk, const struct exchange *exchange)
{
    if (!*talk->state.session || json_object_get(exchange->message, "result"))
        return false;
    return exchange->status == 404 ||
           (exchange->status == 400 && wire_code(exchange->message) != MCP_INVALID_PARAMS);
}

static void lose_session(struct talk *talk)
{
    peers_lost(&talk->mcp->peers, talk->key, talk->state.session);
    talk->state.open = false;
}

/* ---- a stream that broke off ---- */

static bool may_resume(const struct talk *talk, const struct exchange *exchange)
{
    return !exchange->message && *exchange->last_id && *talk->state.session &&
           (exchange->broke || exchange->is_stream);
}

/* As long as the server asked for. */
static int wait_retry(const struct talk *talk, uint32_t retry_ms, struct ein_error *err)
{
    uint32_t ms = retry_ms ? retry_ms : RETRY_MS, left_ms = talk_left_ms(talk);

    if (ms > talk->mcp->retry_max_ms)
        ms = talk->mcp->retry_max_ms;
    if (cancel_wait(talk->mcp->host, talk->call.cancel, ms < left_ms ? ms : left_ms) < 0)
        return error_set(err, EIN_E_CANCELLED, "the call was cancelled");
    if (talk_left_ms(talk) == 0)
        return error_set(err, EIN_E_TIMEOUT, "the MCP server does not answer in time");
    return 0;
}

static int get_stream(struct talk *talk, struct exchange *exchange, const char *last_id,
                      struct ein_error *err)
{
    EIN_VENDOR_HEADERS struct vendor_headers headers = { .count = 0 };
    int r = exchange_headers(talk, &headers, NULL, NULL, err);

    if (r == 0)
        r = vendor_header(&headers, "Last-Event-ID", last_id, err);
    return r < 0 ? r : exchange_run(exchange, NULL, &headers, NULL, err);
}

/* The rest of the stream; `exchange` becomes the one that brought it. */
static int resume(struct talk *talk, struct exchange *exchange, struct ein_error *err)
{
    struct exchange next = { .talk = talk, .id = exchange->id, .stream_only = true };
    int r = wait_retry(talk, exchange->retry_ms, err);

    if (r < 0)
        return r;
    r = get_stream(talk, &next, exchange->last_id, err);
    if (r < 0) {
        exchange_done(&next);
        return r;
    }
    if (!*next.last_id) /* it ended before its first event */
        memcpy(next.last_id, exchange->last_id, sizeof(next.last_id));
    if (!next.retry_ms)
        next.retry_ms = exchange->retry_ms;
    exchange_done(exchange);
    *exchange = next;
    return 0;
}

/* ---- a request ---- */

static int ask_resuming(struct talk *talk, const struct mcp_request *request,
                        struct exchange *exchange, struct ein_error *err)
{
    EIN_JSON json_t *message = mcp_message(talk, request, exchange->id, false);
    int r;

    if (!message)
        return error_no_memory(err);
    r = send(talk, exchange, message, err);
    for (uint32_t i = 0; r == 0 && i < talk->mcp->resumes_max && may_resume(talk, exchange); i++)
        r = resume(talk, exchange, err);
    return r;
}

/* Nobody waits for the answer any more. */
static void tell_cancelled(struct talk *talk, json_int_t id, int r)
{
    const char *reason = r == EIN_E_TIMEOUT ? "timeout" : "cancelled";
    EIN_JSON json_t *message = mcp_notification(
        "notifications/cancelled", json_pack("{s:I, s:s}", "requestId", id, "reason", reason));

    if (message)
        exchange_notice(talk->mcp, talk->key, &talk->state, message);
}

/* What answers there speaks something else by now. */
static void forget_if(struct talk *talk, bool wrong)
{
    if (!wrong)
        return;
    peers_forget_verdict(&talk->mcp->peers, talk->key);
    talk->state.era = PEER_UNKNOWN;
}

static int open_known(struct talk *talk, struct ein_error *err)
{
    int status = 0;
    int r = legacy_open(talk, &status, err);

    if (r < 0)
        forget_if(talk, status == 400 || status == 404 || status == 405);
    return r;
}

static int heed(struct talk *talk, const struct mcp_request *request,
                const struct exchange *exchange, bool again, json_t **ret_params,
                struct ein_error *err)
{
    json_t *result = json_object_get(exchange->message, "result");

    if (result)
        return request->on_result(request->data, result, ret_params, err);
    if (is_lost(talk, exchange)) {
        lose_session(talk);
        if (!again)
            return ASK_AGAIN;
    }
    forget_if(talk, exchange->status == 404 || exchange->status == 405);
    return exchange_refused(exchange, err);
}

static int ask_page(struct talk *talk, const struct mcp_request *request, bool again,
                    json_t **ret_params, struct ein_error *err)
{
    int r = talk->state.open ? 0 : open_known(talk, err);

    if (r < 0)
        return r;
    struct exchange exchange = { .talk = talk, .id = atomic_fetch_add(&talk->mcp->next_id, 1) };
    r = ask_resuming(talk, request, &exchange, err);
    if (r == 0)
        r = heed(talk, request, &exchange, again, ret_params, err);
    else if (r == EIN_E_CANCELLED || r == EIN_E_TIMEOUT)
        tell_cancelled(talk, exchange.id, r);
    exchange_done(&exchange);
    return r;
}

int legacy_ask(struct talk *talk, struct mcp_request *request, struct ein_error *err)
{
    return ask_pages(talk, request, ask_page, err);
}
