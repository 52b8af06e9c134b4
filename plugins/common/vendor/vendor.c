/* SPDX-License-Identifier: Apache-2.0 */
#include "vendor.h"

#include "buf.h"
#include "error.h"
#include "member.h"
#include "sse.h"
#include "str.h"

#include <string.h>
#include <strings.h>

/* ---- an instance ---- */

static int take_headers(struct vendor *vendor, const json_t *headers, struct ein_error *err)
{
    const char *name;
    json_t *value;
    int r = 0;

    json_object_foreach((json_t *)headers, name, value)
    {
        if (r == 0)
            r = vendor_header(&vendor->headers, name, json_string_value(value), err);
    }
    return r;
}

/* Without the '/' at its end, which people write and paths begin with. */
static int take_base_url(struct vendor *vendor, const char *url, struct ein_error *err)
{
    size_t len = strlen(url);

    if (strncasecmp(url, "https://", 8) != 0 && strncasecmp(url, "http://", 7) != 0)
        return error_set(err, EIN_E_INVALID, "base_url: not an http or https URL");
    while (url[len - 1] == '/')
        len--;
    vendor->base_url = strndup(url, len);
    return vendor->base_url ? 0 : error_no_memory(err);
}

int vendor_init(struct vendor *vendor, const struct ein_host *host, struct ein_ctx *ctx,
                const json_t *settings, struct ein_error *err)
{
    const char *key = text_or_empty(settings, "api_key_env");
    int r;

    *vendor = (struct vendor){
        .host = host,
        .ctx = ctx,
        .title = text_or_empty(settings, "title"),
        .own_key = *key ? host->secret(ctx, key) : NULL,
        .connect_ms = setting_of(settings, "connect_ms"),
        .first_byte_ms = setting_of(settings, "first_byte_ms"),
        .idle_ms = setting_of(settings, "idle_ms"),
        .total_ms = setting_of(settings, "total_ms"),
        .reply_max = setting_of(settings, "reply_max_bytes"),
        .event_max = setting_of(settings, "event_max_bytes"),
        .max_redirects = setting_of(settings, "max_redirects"),
    };
    r = take_headers(vendor, json_object_get(settings, "headers"), err);
    if (r == 0)
        r = take_base_url(vendor, text_or_empty(settings, "base_url"), err);
    if (r < 0)
        vendor_done(vendor);
    return r;
}

void vendor_done(struct vendor *vendor)
{
    vendor_headers_done(&vendor->headers);
    free((char *)vendor->base_url);
    vendor->base_url = NULL;
}

/* ---- one call ---- */

struct run {
    const struct vendor *vendor;
    const struct vendor_call *call;
    struct ein_llm_outcome *outcome;
    struct ein_error *err;
    struct ein_llm_call deadlines;
    json_t *headers; /* of the answer */
    enum { READ_NOTHING, READ_FAILURE, READ_EITHER, READ_WHOLE, READ_STREAM } reading;
    struct buf body; /* of a failure, or whole */
    union {
        struct sse sse;
        struct text_lines lines;
    };
    bool may_end, ended;
    int r; /* what a callback, or we, ended the call with */
};

/* A callback's answer; non-zero stops the transfer. */
static int took(struct run *run, int r)
{
    if (r == VENDOR_END)
        run->ended = true;
    else if (r == VENDOR_MAY_END)
        run->may_end = true;
    else if (r < 0)
        run->r = r;
    return r < 0 ? r : 0;
}

static int garbled(const struct run *run)
{
    return vendor_fault(run->outcome, EIN_LLM_FAULT_UNREACHABLE, run->err,
                        "%s sent something that is not JSON", run->vendor->title);
}

static int event(struct run *run, const char *name, const char *text, size_t len)
{
    const struct vendor_call *call = run->call;
    EIN_JSON json_t *json = NULL;
    int r;

    if (run->ended || len == 0)
        return 0;
    r = call->on_text ? call->on_text(call->data, text, len, run->err) : VENDOR_READ;
    if (r != VENDOR_READ)
        return took(run, r);
    if (len != 6 || memcmp(text, "[DONE]", 6) != 0) {
        json = vendor_json(text, len);
        if (!json)
            return took(run, garbled(run));
    }
    return took(run, call->on_event(call->data, name, json, run->err));
}

static int on_sse(void *data, const char *name, char *text, size_t len)
{
    return event(data, name, text, len);
}

static int on_line(void *data, const char *text, size_t len)
{
    text = str_trim(text, &len);
    return event(data, NULL, text, len);
}

static void take_tokens(const struct run *run)
{
    const char *name = run->call->tokens_header;

    if (name)
        run->outcome->input_tokens = vendor_count(run->headers, name);
}

static void take_request_id(const struct run *run)
{
    const char *id = run->call->id_header ? text_of(run->headers, run->call->id_header) : NULL;

    if (!id)
        id = text_of(run->headers, "x-request-id");
    if (!id)
        id = text_of(run->headers, "request-id");
    vendor_copy(run->outcome->vendor_request_id, sizeof(run->outcome->vendor_request_id), id);
}

static bool is_type(const struct run *run, const char *type)
{
    return strncasecmp(text_or_empty(run->headers, "content-type"), type, strlen(type)) == 0;
}

static void begin_whole(struct run *run)
{
    run->reading = READ_WHOLE;
    buf_init(&run->body, (size_t)run->vendor->reply_max);
}

static void begin_stream(struct run *run)
{
    const struct vendor *vendor = run->vendor;

    run->reading = READ_STREAM;
    if (run->call->framing == VENDOR_SSE)
        sse_init(&run->sse, vendor->event_max, on_sse, run);
    else if (run->call->framing == VENDOR_LINES)
        text_lines_init(&run->lines, TEXT_LINES_LF, vendor->event_max, on_line, run);
}

/* A vendor that does not stream, or fails before it does, answers with JSON all the same.  No event
 * begins like it, and servers call either the other. */
static void begin_good(struct run *run)
{
    const struct vendor_call *call = run->call;

    if (call->framing == VENDOR_SSE && call->on_whole)
        run->reading = READ_EITHER;
    else if (call->framing == VENDOR_JSON || (call->on_whole && is_type(run, "application/json")))
        begin_whole(run);
    else
        begin_stream(run);
    json_decref(EIN_TAKE(run->headers)); /* it may be a long one */
}

/* Blanks before either are none of it. */
static void tell_apart(struct run *run, const char *piece, size_t len)
{
    piece = str_trim(piece, &len);
    if (len == 0)
        return;
    if (*piece == '{' || *piece == '[')
        begin_whole(run);
    else
        begin_stream(run);
}

/* A proxy in between, or a base URL that leads elsewhere. */
static int refuse_page(struct run *run)
{
    run->r = vendor_fault(run->outcome, EIN_LLM_FAULT_UNREACHABLE, run->err,
                          "%s sent a page of HTML instead of an answer", run->vendor->title);
    return run->r;
}

static int begin(struct run *run, int status)
{
    bool good = status >= 200 && status < 300;

    if (good && is_type(run, "text/html"))
        return refuse_page(run);
    if (good) {
        begin_good(run);
        return 0;
    }
    run->reading = READ_FAILURE;
    buf_init(&run->body, VENDOR_ERROR_MAX);
    return 0;
}

static int on_head(void *data, int status, const json_t *headers)
{
    struct run *run = data;

    run->outcome->vendor_status = status;
    run->headers = json_incref((json_t *)headers);
    take_request_id(run);
    take_tokens(run);
    return begin(run, status);
}

static int too_large(struct run *run, int r)
{
    if (r == EIN_E_TOO_LARGE && run->r == 0)
        run->r = vendor_fault(run->outcome, EIN_LLM_FAULT_UNREACHABLE, run->err,
                              "%s sent an event of more than %zu bytes", run->vendor->title,
                              run->vendor->event_max);
    else if (r < 0 && run->r == 0)
        run->r = error_no_memory(run->err);
    return run->r;
}

static int stream_piece(struct run *run, const void *piece, size_t len)
{
    switch (run->call->framing) {
    case VENDOR_SSE:
        return too_large(run, sse_feed(&run->sse, piece, len));
    case VENDOR_LINES:
        return too_large(run, text_lines_feed(&run->lines, piece, len));
    default:
        return took(run, run->call->on_bytes(run->call->data, piece, len, run->err));
    }
}

/* Nothing is missing but the end: neither why it stopped nor what it used. */
static bool is_told(const struct run *run)
{
    return run->may_end && (run->outcome->input_tokens || run->outcome->output_tokens);
}

static int on_data(void *data, const void *piece, size_t len)
{
    struct run *run = data;
    size_t room;

    if (run->reading == READ_EITHER)
        tell_apart(run, piece, len);
    if (run->reading == READ_EITHER)
        return 0;
    if (run->reading == READ_STREAM) {
        int r = stream_piece(run, piece, len);

        return run->ended ? EIN_FETCH_ENOUGH : r < 0 || !is_told(run) ? r : EIN_FETCH_MAY_END;
    }
    room = run->body.max - run->body.len;
    if (run->reading == READ_FAILURE && len > room)
        len = room;
    return too_large(run, buf_add(&run->body, piece, len));
}

/* ---- what came of it ---- */

/* The end of the transfer with status 2xx. */
static int finish_good(struct run *run)
{
    EIN_JSON json_t *json = NULL;

    if (run->reading == READ_WHOLE) {
        json = vendor_json(buf_str(&run->body), run->body.len);
        return json ? took(run, run->call->on_whole(run->call->data, json, run->err))
                    : garbled(run);
    }
    if (run->call->framing == VENDOR_LINES)
        (void)too_large(run, text_lines_end(&run->lines));
    if (run->r < 0)
        return run->r;
    if (run->ended || run->may_end)
        return 0;
    return vendor_fault(run->outcome, EIN_LLM_FAULT_UNREACHABLE, run->err,
                        "the answer of %s broke off before its end", run->vendor->title);
}

static int finish_redirect(const struct run *run, int status)
{
    return vendor_fault(run->outcome, EIN_LLM_FAULT_UNREACHABLE, run->err,
                        "%s redirects to another address (%d), which its base_url should name",
                        run->vendor->title, status);
}

static int finish_failure(struct run *run, int status)
{
    EIN_JSON json_t *json = vendor_json(buf_str(&run->body), run->body.len);
    struct vendor_failure failure = {
        .status = status,
        .headers = run->headers,
        .body = json,
        .fault = vendor_fault_of(status),
        .retry_after_ms = vendor_retry_after(run->headers),
    };

    if (status < 400)
        return finish_redirect(run, status);
    if (run->call->classify)
        run->call->classify(run->call->data, &failure);
    if (!json)
        failure.words = buf_str(&run->body);
    return vendor_fail(run->vendor, &failure, run->call->secret, run->outcome, run->err);
}

/* The transfer itself failed, in the client's words. */
static int finish_broken(const struct run *run, int r, const struct ein_error *why)
{
    const char *title = run->vendor->title;

    if (r == EIN_E_CANCELLED)
        return error_set(run->err, r, "the call was cancelled");
    if (r == EIN_E_NO_MEMORY)
        return error_no_memory(run->err);
    run->outcome->fault = EIN_LLM_FAULT_UNREACHABLE;
    if (r == EIN_E_TIMEOUT)
        return error_set(run->err, r, "%s does not answer in time: %s", title, why->text);
    if (run->reading == READ_NOTHING)
        return error_set(run->err, EIN_E_UNAVAILABLE, "%s cannot be reached: %s", title, why->text);
    return error_set(run->err, EIN_E_UNAVAILABLE, "the answer of %s broke off: %s", title,
                     why->text);
}

static int finish(struct run *run, int r, const struct ein_error *why)
{
    int status = run->outcome->vendor_status;

    if (run->r < 0)
        return run->r;
    if (run->ended) /* whatever came after that */
        return 0;
    /* An error whose body breaks off is an error still. */
    if (run->reading == READ_FAILURE && r != EIN_E_CANCELLED)
        return finish_failure(run, status);
    if (r < 0 && (!run->may_end || r == EIN_E_CANCELLED || r == EIN_E_NO_MEMORY))
        return finish_broken(run, r, why);
    return finish_good(run);
}

/* ---- the request ---- */

static uint32_t first_of(uint32_t ours, uint32_t otherwise)
{
    return ours ? ours : otherwise;
}

static int transfer(struct run *run, const char *url, const char *body, size_t body_len)
{
    const struct vendor *vendor = run->vendor;
    const struct ein_llm_call *given = &run->deadlines;
    const char *lines[2 + 2 * VENDOR_HEADERS_MAX + 1], **at = lines;
    struct ein_error why = { 0 };

    *at++ = run->call->accept ? run->call->accept : "Accept: application/json";
    if (body)
        *at++ = "Content-Type: application/json";
    at = vendor_headers_lend(&vendor->headers, at);
    if (run->call->headers)
        at = vendor_headers_lend(run->call->headers, at);
    *at = NULL;
    const struct ein_fetch what = {
        .struct_size = sizeof(what),
        .egress = EIN_EGRESS_OPERATOR,
        .connect_ms = first_of(given->connect_ms, vendor->connect_ms),
        .first_byte_ms = first_of(given->first_byte_ms, vendor->first_byte_ms),
        .idle_ms = first_of(given->idle_ms, vendor->idle_ms),
        .total_ms = first_of(given->total_ms, vendor->total_ms),
        .max_redirects = vendor->max_redirects,
        .max_bytes = vendor->reply_max,
        .method = body ? "POST" : "GET",
        .url = url,
        .headers = lines,
        .body = body,
        .body_len = body_len,
        .on_head = on_head,
        .on_data = on_data,
        .data = run,
        .cancel = given->cancel,
        .piece_bytes = run->call->framing == VENDOR_JSON ? 0 : VENDOR_PIECE,
    };
    int r = vendor->host->client->fetch(vendor->ctx, &what, NULL, &why);
    return finish(run, r, &why);
}

static void run_done(struct run *run)
{
    json_decref(run->headers);
    buf_done(&run->body);
    if (run->reading == READ_STREAM && run->call->framing == VENDOR_SSE)
        sse_done(&run->sse);
    else if (run->reading == READ_STREAM && run->call->framing == VENDOR_LINES)
        text_lines_done(&run->lines);
}

char *vendor_body(const struct vendor *vendor, const json_t *body, size_t *ret_len)
{
    return vendor->host->json_text(body, ret_len);
}

int vendor_run(const struct vendor *vendor, const struct vendor_call *call,
               struct ein_llm_outcome *outcome, struct ein_error *err)
{
    struct run run = { .vendor = vendor, .call = call, .outcome = outcome, .err = err };
    EIN_BUF struct buf url = BUF_INIT;
    size_t body_len = call->body_len;
    char *body = NULL;
    int r;

    if (call->llm)
        vendor_read_call(call->llm, &run.deadlines);
    (void)buf_text(&url, vendor->base_url);
    if (buf_text(&url, call->path) < 0)
        return error_no_memory(err);
    if (call->body && !(body = vendor_body(vendor, *call->body, &body_len)))
        return vendor_fault(outcome, EIN_LLM_FAULT_BAD_REQUEST, err,
                            "the request cannot be written as JSON");
    if (call->body)
        json_decref(EIN_TAKE(*call->body));
    r = transfer(&run, url.data, body ? body : call->body_text, body_len);
    vendor->host->mem_free(body);
    run_done(&run);
    return r;
}
