/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP+SSE of 2024-11-05: a stream, which says where to post to, brings all answers.  The stream
 * is open for as long as one call lasts; what is posted meanwhile is posted from within. */
#include "error.h"
#include "exchange.h"

#include <string.h>
#include <strings.h>

struct dialogue {
    struct talk *talk;
    struct mcp_request *request;
    struct exchange stream;
    char *address; /* to post to */
    bool open;     /* initialised */
};

/* ---- where to post to ---- */

/* The length of "scheme://host:port" in an http or https URL; 0: it is none. */
static size_t origin_len(const char *url)
{
    const char *host = strncasecmp(url, "https://", 8) == 0  ? url + 8
                       : strncasecmp(url, "http://", 7) == 0 ? url + 7
                                                             : NULL;

    return host ? (size_t)(host - url) + strcspn(host, "/?#") : 0;
}

/* A path, absolute or not, or a whole URL of the same origin; free(); NULL with err. */
static char *resolve(const char *base, const char *to, struct ein_error *err)
{
    size_t origin = origin_len(base), path = origin;
    const char *slash = base + origin;
    char *url = NULL;
    int r;

    if (origin_len(to)) {
        if (origin_len(to) != origin || strncasecmp(base, to, origin) != 0) {
            (void)error_set(err, EIN_E_DENIED,
                            "the MCP server names an endpoint at another origin");
            return NULL;
        }
        r = (url = strdup(to)) ? 0 : -1;
    } else if (to[0] == '/' && to[1] == '/') {
        (void)error_set(err, EIN_E_DENIED, "the MCP server names an endpoint at another origin");
        return NULL;
    } else if (to[0] == '/') {
        r = asprintf(&url, "%.*s%s", (int)origin, base, to);
    } else {
        for (; *slash && !strchr("?#", *slash); slash++) {
            if (*slash == '/')
                path = (size_t)(slash - base);
        }
        r = asprintf(&url, "%.*s/%s", (int)path, base, to);
    }
    if (r >= 0)
        return url;
    (void)error_no_memory(err);
    return NULL;
}

/* ---- what is posted ---- */

static int post(struct dialogue *dialogue, json_t *take_message, struct ein_error *err)
{
    EIN_JSON json_t *message = take_message;
    EIN_VENDOR_HEADERS struct vendor_headers headers = { .count = 0 };
    struct exchange exchange = { .talk = dialogue->talk };
    int r;

    if (!message)
        return error_no_memory(err);
    r = exchange_headers(dialogue->talk, &headers, NULL, NULL, err);
    if (r == 0)
        r = exchange_run(&exchange, dialogue->address, &headers, message, err);
    if (r == 0 && (exchange.status < 200 || exchange.status >= 300))
        r = exchange_refused(&exchange, err);
    exchange_done(&exchange);
    return r;
}

static json_int_t next_id(struct dialogue *dialogue)
{
    dialogue->stream.id = atomic_fetch_add(&dialogue->talk->mcp->next_id, 1);
    return dialogue->stream.id;
}

static int post_request(struct dialogue *dialogue, struct ein_error *err)
{
    json_int_t id = next_id(dialogue);

    return post(dialogue, mcp_message(dialogue->talk, dialogue->request, id, false), err);
}

/* ---- what comes ---- */

static int on_event(void *data, const char *event, const char *text, struct ein_error *err)
{
    struct dialogue *dialogue = data;

    if (strcmp(event, "endpoint") != 0 || dialogue->address)
        return 0;
    dialogue->address = resolve(dialogue->talk->call.url, text, err);
    if (!dialogue->address)
        return err && err->code ? err->code : EIN_E_DENIED;
    return post(dialogue, wire_initialize(next_id(dialogue)), err);
}

static int take_opened(struct dialogue *dialogue, const json_t *result, struct ein_error *err)
{
    const char *version = json_string_value(json_object_get(result, "protocolVersion"));
    int r;

    if (!mcp_is_legacy(version))
        return wire_unknown_version(version, err);
    dialogue->open = true;
    r = post(dialogue, mcp_notification("notifications/initialized", NULL), err);
    return r < 0 ? r : post_request(dialogue, err);
}

static int on_answer(void *data, json_t *message, struct ein_error *err)
{
    struct dialogue *dialogue = data;
    struct mcp_request *request = dialogue->request;
    json_t *result = json_object_get(message, "result");
    json_t *next = NULL;
    int r;

    if (!result)
        return exchange_failed(dialogue->talk, message, err);
    if (!dialogue->open)
        return take_opened(dialogue, result, err);
    r = request->on_result(request->data, result, &next, err);
    if (r <= 0)
        return r < 0 ? r : 1;
    json_decref(request->params);
    request->params = next;
    return post_request(dialogue, err);
}

/* A ping, mostly; the call itself will tell if it cannot be answered. */
static void on_request(void *data, const json_t *request)
{
    struct dialogue *dialogue = data;

    if (dialogue->address)
        (void)post(dialogue, wire_answer(request), NULL);
}

/* There was a stream, or none, and no answer. */
static int fell_short(const struct dialogue *dialogue, struct ein_error *err)
{
    int status = dialogue->stream.status;

    if (dialogue->address || status == 401 || status == 403)
        return exchange_refused(&dialogue->stream, err);
    return error_set(err, EIN_E_NOT_FOUND, "no MCP server answers there (%d)", status);
}

int old_sse_ask(struct talk *talk, struct mcp_request *request, struct ein_error *err)
{
    EIN_VENDOR_HEADERS struct vendor_headers headers = { .count = 0 };
    struct dialogue dialogue = { .talk = talk, .request = request };
    struct exchange *stream = &dialogue.stream;
    struct ein_error why = { 0 };
    int r = exchange_headers(talk, &headers, NULL, NULL, err);

    if (r < 0)
        return r;
    *stream = (struct exchange){ .talk = talk,
                                 .stream_only = true,
                                 .on_event = on_event,
                                 .on_answer = on_answer,
                                 .on_request = on_request,
                                 .data = &dialogue };
    r = exchange_run(stream, NULL, &headers, NULL, &why);
    if (r < 0)
        r = error_set(err, r, "%s", why.text);
    else if (!stream->ended || !stream->is_stream)
        r = fell_short(&dialogue, err);
    if (!dialogue.address) {
        peers_forget_verdict(&talk->mcp->peers, talk->key);
        talk->state.era = PEER_UNKNOWN;
    }
    exchange_done(stream);
    free(dialogue.address);
    return r;
}
