/* SPDX-License-Identifier: Apache-2.0 */
#include "follow.h"

#include "cleanup.h"
#include "clock.h"
#include "http_json.h"
#include "ticket.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define END_ID "end" /* of the last event */

struct following {
    struct chat *chat;
    struct ein_req *req;
    const struct ein_http *http;
    const char *id;
    struct live *live;
    struct live_place place;
    unsigned attempt; /* whose pieces were sent last; 0: none were */
};

static bool is_cancelled(const struct following *following)
{
    const struct ein_host *host = following->chat->host;

    return host->cancel->fired(following->http->cancel(following->req));
}

/* ---- events ---- */

static int send_ticket(const struct following *following, const char *id, const char *event,
                       const json_t *ticket)
{
    json_t *shown = ticket_show(ticket);

    return shown ? following->http->send_event(following->req, id, event, shown) : EIN_E_NO_MEMORY;
}

/* What was sent of an earlier attempt is void. */
static int send_restart(struct following *following)
{
    unsigned before = following->attempt;

    following->attempt = following->place.attempt;
    if (before == 0 || before == following->attempt)
        return 0;
    return following->http->send_event(following->req, NULL, "restart",
                                       json_pack("{s:i}", "attempt", (int)following->attempt));
}

static int send_piece(struct following *following, enum live_kind kind, const char *bytes,
                      size_t len)
{
    static const char *const events[] = { [LIVE_TEXT] = "text",
                                          [LIVE_THOUGHT] = "thought",
                                          [LIVE_TOOL_CALL] = "tool_call",
                                          [LIVE_SOURCE] = "source" };
    bool is_text = kind == LIVE_TEXT || kind == LIVE_THOUGHT;
    json_t *data = is_text ? json_pack("{s:s%}", "text", bytes, len)
                           : json_loadb(bytes, len, JSON_ALLOW_NUL, NULL);
    char id[48];

    (void)snprintf(id, sizeof(id), "%u-%" PRIu64, following->place.attempt, following->place.count);
    return data ? following->http->send_event(following->req, id, events[kind], data)
                : EIN_E_NO_MEMORY;
}

/* Everything that there is now, or comes within WAIT_MS; 0, or why it cannot go on. */
static int send_pieces(struct following *following, uint32_t wait_ms)
{
    int r = 0;

    while (r == 0 && !is_cancelled(following)) {
        EIN_FREE char *bytes = NULL;
        size_t len;
        enum live_kind kind = live_next(following->live, &following->place, wait_ms, &bytes, &len);

        if (kind == LIVE_NOTHING)
            return 0;
        r = send_restart(following);
        if (r == 0 && kind != LIVE_REPLAY)
            r = send_piece(following, kind, bytes, len);
    }
    return r;
}

/* The ticket as it is now; it may have gone to somebody else's workspace, or be gone. */
static int read_ticket(const struct following *following, json_t **ret_ticket,
                       struct ein_error *err)
{
    return get_visible(following->chat->host, following->chat->ctx, following->req, TICKET_SET,
                       following->id, ret_ticket, err);
}

/* Behind what has not been sent of it, if somebody here still knows that. */
static int send_end(struct following *following, const json_t *ticket)
{
    int r = live_attempt(following->live) == integer_of(ticket, "attempts")
                ? send_pieces(following, 0)
                : 0;

    return r < 0 ? r : send_ticket(following, END_ID, "done", ticket);
}

static int send_until_end(struct following *following)
{
    struct ein_error err;
    int r = 0;

    while (r == 0 && !is_cancelled(following)) {
        EIN_JSON json_t *ticket = NULL;

        /* While it runs here, its end is told. */
        if (!live_runs(following->live)) {
            r = read_ticket(following, &ticket, &err);
            if (r < 0)
                return r;
            if (!ticket_is_open(ticket))
                return send_end(following, ticket);
        }
        r = send_pieces(following, (uint32_t)following->chat->poll_ms);
    }
    return r < 0 ? r : EIN_E_CANCELLED;
}

/* From where on the client wants pieces: what it was sent last. */
static void read_place(struct following *following)
{
    const char *last = following->http->header(following->req, "Last-Event-ID");
    unsigned attempt;
    uint64_t count;
    char rest;

    if (!last || sscanf(last, "%9u-%18" SCNu64 "%c", &attempt, &count, &rest) != 2)
        return;
    following->place = (struct live_place){ .attempt = attempt, .count = count };
    following->attempt = attempt;
}

int follow(struct chat *chat, struct ein_req *req, const json_t *ticket)
{
    struct following following = {
        .chat = chat, .req = req, .http = chat->host->http, .id = text_of(ticket, "_id")
    };
    const char *last = following.http->header(req, "Last-Event-ID");
    int r;

    if (last && strcmp(last, END_ID) == 0) /* this tells a browser not to come again */
        return following.http->reply(req, 204, NULL);
    read_place(&following);
    following.live = live_enter(&chat->lives, following.id);
    if (!following.live)
        return EIN_E_NO_MEMORY;
    r = send_ticket(&following, NULL, "ticket", ticket);
    if (r == 0)
        r = send_until_end(&following);
    live_leave(&chat->lives, following.live);
    return r;
}

/* ---- waiting ---- */

static void wait_for_change(struct following *following, int64_t ms)
{
    int64_t until = clock_mono_ms() + ms, left = ms;

    do {
        int64_t most = following->chat->poll_ms;

        live_wait(following->live, &following->place, (uint32_t)(left < most ? left : most));
        left = until - clock_mono_ms();
    } while (left > 0 && live_runs(following->live) && !is_cancelled(following));
}

int follow_wait(struct chat *chat, struct ein_req *req, int64_t wait_ms, json_t **ticket,
                struct ein_error *err)
{
    struct following following = { .chat = chat,
                                   .req = req,
                                   .http = chat->host->http,
                                   .id = chat->host->http->path_param(req, "ticket_id") };
    int64_t until = clock_mono_ms() + wait_ms, left = wait_ms;
    int r = 0;

    if (!ticket_is_open(*ticket) || left <= 0)
        return 0;
    following.live = live_enter(&chat->lives, following.id);
    if (!following.live)
        return EIN_E_NO_MEMORY;
    while (r == 0 && ticket_is_open(*ticket) && left > 0 && !is_cancelled(&following)) {
        json_t *now = NULL;

        wait_for_change(&following, left);
        left = until - clock_mono_ms();
        r = read_ticket(&following, &now, err);
        if (r == 0) {
            json_decref(*ticket);
            *ticket = now;
        }
    }
    live_leave(&chat->lives, following.live);
    return r;
}
