/* SPDX-License-Identifier: Apache-2.0 */
#include "accept.h"
#include "cleanup.h"
#include "clock.h"
#include "disk_room.h"
#include "document.h"
#include "error.h"
#include "follow.h"
#include "ids.h"
#include "message_parts.h"
#include "ownership.h"
#include "scopes.h"
#include "span.h"
#include "ticket.h"
#include <stdio.h>
#include <string.h>

enum {
    KEY_MAX = 255,  /* bytes of an Idempotency-Key */
    STORE_TRIES = 5 /* while others are in the way */
};

#define RETRY_AFTER_S "5"

struct posting {
    struct chat *chat;
    struct ein_req *req;
    const struct ein_http *http;
    const struct ein_identity *identity;
    const json_t *body;
    char id[UUID_SIZE];
    char key_id[DOC_ID_MAX + 1]; /* in KEY_SET; "": there is no key */
    json_t *ticket, *asked;
};

/* ---- what is asked ---- */

/* 0, or the status that was replied; so do all checks. */
static int check_size(const struct posting *posting)
{
    const struct chat *chat = posting->chat;
    size_t len = 0, count = json_array_size(json_object_get(posting->body, "messages"));

    (void)posting->http->raw_body(posting->req, &len);
    if (len > chat->request_max)
        return posting->http->fail(posting->req, 413,
                                   "A chat may have %zu bytes; this one has %zu.",
                                   chat->request_max, len);
    if (count > chat->messages_max)
        return posting->http->fail(posting->req, 422,
                                   "A chat may have %zu messages; this one has %zu.",
                                   chat->messages_max, count);
    return 0;
}

static int check_messages(const struct posting *posting)
{
    EIN_JSON json_t *faults = message_parts_faults(json_object_get(posting->body, "messages"));

    if (!faults)
        return EIN_E_NO_MEMORY;
    return json_array_size(faults) ? posting->http->fail_json(posting->req, 422, EIN_TAKE(faults))
                                   : 0;
}

/* The key's id begins with the user's, and that with its length: no two users' keys meet. */
static int read_key(struct posting *posting)
{
    const char *key = posting->http->header(posting->req, "Idempotency-Key");
    const char *uid = posting->identity->uid;

    if (!key)
        return 0;
    int len =
        snprintf(posting->key_id, sizeof(posting->key_id), "%zu:%s:%s", strlen(uid), uid, key);
    if (*key && strlen(key) <= KEY_MAX && len <= DOC_ID_MAX)
        return 0;
    return posting->http->fail(posting->req, 400, "An Idempotency-Key has 1 to %d bytes.", KEY_MAX);
}

/* ---- documents ---- */

static json_t *member(const struct posting *posting, const char *name)
{
    return json_object_get(posting->body, name);
}

static int make_ticket(struct posting *posting)
{
    const struct chat *chat = posting->chat;
    const char *uid = posting->identity->uid;
    const char *key = *posting->key_id ? posting->key_id : NULL;
    int64_t now = clock_wall_ms();
    char text[CLOCK_ISO_SIZE], place[EIN_TRACEPARENT_SIZE];

    clock_iso(text);
    span_where(chat->host, place);
    uuid_make(posting->id);
    posting->ticket = json_pack(
        "{s:s, s:s, s:n, s:n, s:O, s:O, s:s?, s:i, s:s, s:s, s:n, s:I, s:I, s:s, s:n, s:s*, s:s*}",
        "userId", uid, "status", "pending", "error", "result", "provider",
        member(posting, "provider"), "model", member(posting, "model"), "requestId",
        posting->http->request_id(posting->req), "attempts", 0, "createdAt", text, "updatedAt",
        text, "completedAt", "endsAt", (json_int_t)(now + chat->ticket_ms), "dueAt",
        (json_int_t)now, "openOf", uid, "runner", "idempotencyKey", key, "traceparent",
        *place ? place : NULL);
    return posting->ticket
               ? ownership_set(posting->ticket, json_string_value(member(posting, "workspaceId")))
               : EIN_E_NO_MEMORY;
}

/* What the caller may see and do is asked now: there is no request any more when a worker begins.
 */
static int make_asked(struct posting *posting)
{
    EIN_JSON json_t *visible = posting->http->visible(posting->req);
    EIN_JSON json_t *scopes = scopes_json(posting->identity);

    posting->asked =
        json_pack("{s:s, s:O, s:O, s:O, s:O, s:O, s:O, s:O, s:O, s:O, s:O, s:s?}", "userId",
                  posting->identity->uid, "provider", member(posting, "provider"), "model",
                  member(posting, "model"), "messages", member(posting, "messages"), "parameters",
                  member(posting, "parameters"), "builtInTools", member(posting, "builtInTools"),
                  "tools", member(posting, "tools"), "toolChoice", member(posting, "toolChoice"),
                  "replySchema", member(posting, "replySchema"), "visible", visible, "scopes",
                  scopes, "keyId", text_of(posting->identity->claims, "keyId"));
    return posting->asked ? 0 : EIN_E_NO_MEMORY;
}

/* ---- room ---- */

static int count_open(const struct posting *posting, json_t *take_where, uint64_t *ret_count,
                      struct ein_error *err)
{
    const struct chat *chat = posting->chat;
    EIN_JSON json_t *where = take_where;

    return where ? chat->host->store->tally(chat->ctx, TICKET_SET, where, ret_count, err)
                 : error_no_memory(err);
}

static int refuse(const struct posting *posting, int status, const char *text)
{
    (void)posting->http->set_header(posting->req, "Retry-After", RETRY_AFTER_S);
    return posting->http->fail(posting->req, status, "%s", text);
}

/* Counted and then stored: requests at the same moment may together exceed a limit a little. */
static int check_room(const struct posting *posting)
{
    const struct chat *chat = posting->chat;
    uint64_t all = 0, own = 0;
    struct ein_error err;
    int r = count_open(posting, json_pack("{s:{s:i}}", "dueAt", "$gte", 0), &all, &err);

    if (r == 0)
        r = count_open(posting, json_pack("{s:s}", "openOf", posting->identity->uid), &own, &err);
    if (r < 0)
        return posting->http->fail_error(posting->req, &err);
    if (all >= (uint64_t)chat->queue_max)
        return refuse(posting, 503, "Too many chats wait for an answer; try again in a moment.");
    if (own >= (uint64_t)chat->user_max)
        return refuse(posting, 429,
                      "Too many of your chats wait for an answer; try again when one has ended.");
    return 0;
}

/* ---- the answer ---- */

/* As a new ticket is shown, whatever has become of it. */
static int answer(struct posting *posting, const json_t *ticket)
{
    EIN_JSON json_t *as_new = json_copy((json_t *)ticket);

    if (accept_events(posting->http, posting->req))
        return follow(posting->chat, posting->req, ticket);
    if (!as_new || json_object_set_new(as_new, "status", json_string("pending")) < 0 ||
        json_object_set_new(as_new, "result", json_null()) < 0 ||
        json_object_set_new(as_new, "error", json_null()) < 0)
        return EIN_E_NO_MEMORY;
    json_t *shown = ticket_show(as_new);
    return shown ? posting->http->reply(posting->req, 200, shown) : EIN_E_NO_MEMORY;
}

/* The key was sent before: the ticket that was made then, if it asks the same. */
static int answer_again(struct posting *posting, const json_t *key)
{
    const struct ein_store *store = posting->chat->host->store;
    struct ein_ctx *ctx = posting->chat->ctx;
    const char *id = text_of(key, "ticketId");
    EIN_JSON json_t *ticket = NULL;
    EIN_JSON json_t *asked = NULL;
    struct ein_error err;
    int r = store->get(ctx, TICKET_SET, id, &ticket, &err);

    if (r == 0)
        r = store->get(ctx, ASKED_SET, id, &asked, &err);
    if (r < 0)
        return posting->http->fail_error(posting->req, &err);
    (void)json_object_del(asked, "_id");
    (void)json_object_del(asked, "_rev");
    (void)json_object_set(posting->asked, "visible", json_object_get(asked, "visible"));
    (void)json_object_set(posting->asked, "scopes", json_object_get(asked, "scopes"));
    if (!json_equal(asked, posting->asked))
        return posting->http->fail(posting->req, 422,
                                   "This Idempotency-Key was sent with another chat.");
    (void)posting->http->set_header(posting->req, "Idempotent-Replayed", "true");
    return answer(posting, ticket);
}

/* The document of a key that was sent before; NULL: it is new. */
static int find_key(const struct posting *posting, json_t **ret_key, struct ein_error *err)
{
    const struct chat *chat = posting->chat;
    int r = *posting->key_id
                ? chat->host->store->get(chat->ctx, KEY_SET, posting->key_id, ret_key, err)
                : EIN_E_NOT_FOUND;

    return r == EIN_E_NOT_FOUND ? 0 : r;
}

static int store_all(const struct posting *posting, struct ein_error *err)
{
    const struct chat *chat = posting->chat;
    EIN_JSON json_t *key =
        json_pack("{s:s, s:s}", "ticketId", posting->id, "userId", posting->identity->uid);
    struct ein_doc_op ops[] = {
        { .kind = EIN_DOC_PUT,
          .set = TICKET_SET,
          .id = posting->id,
          .expect = EIN_REV_NEW,
          .doc = posting->ticket },
        { .kind = EIN_DOC_PUT,
          .set = ASKED_SET,
          .id = posting->id,
          .expect = EIN_REV_NEW,
          .doc = posting->asked },
        { .kind = EIN_DOC_PUT,
          .set = KEY_SET,
          .id = posting->key_id,
          .expect = EIN_REV_NEW,
          .doc = key },
    };

    if (!key)
        return error_no_memory(err);
    return chat->host->store->batch(chat->ctx, ops, *posting->key_id ? 3 : 2, sizeof(ops[0]), err);
}

static int accept(struct posting *posting)
{
    EIN_JSON json_t *key = NULL;
    struct ein_error err;
    int r = find_key(posting, &key, &err);

    if (r < 0)
        return posting->http->fail_error(posting->req, &err);
    if (key)
        return answer_again(posting, key);
    r = check_room(posting);
    if (r)
        return r;
    r = disk_take(posting->chat->host, posting->chat->ctx, posting->identity->uid,
                  disk_bytes(posting->ticket) + disk_bytes(posting->asked), &err);
    if (r < 0)
        return posting->http->fail_error(posting->req, &err);
    r = EIN_E_BUSY;
    for (int tries = 0; r == EIN_E_BUSY && tries < STORE_TRIES; tries++)
        r = store_all(posting, &err);
    if (r == EIN_E_CONFLICT && find_key(posting, &key, &err) == 0 && key)
        return answer_again(posting, key); /* it was sent twice at once */
    if (r < 0)
        return posting->http->fail_error(posting->req, &err);
    workers_wake(posting->chat);
    if (json_object_set_new(posting->ticket, "_id", json_string(posting->id)) < 0)
        return EIN_E_NO_MEMORY;
    return answer(posting, posting->ticket);
}

int chat_ask(struct ein_req *req, void *self)
{
    struct chat *chat = self;
    const struct ein_http *http = chat->host->http;
    struct posting posting = { .chat = chat,
                               .req = req,
                               .http = http,
                               .identity = http->identity(req),
                               .body = http->body(req) };
    int r = check_size(&posting);

    if (r == 0)
        r = check_messages(&posting);
    if (r == 0)
        r = read_key(&posting);
    if (r == 0)
        r = make_ticket(&posting);
    if (r == 0)
        r = make_asked(&posting);
    if (r == 0)
        r = ownership_check_new(http, req, posting.ticket);
    if (r == 0)
        r = accept(&posting);
    json_decref(posting.ticket);
    json_decref(posting.asked);
    return r;
}
