/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "clock.h"
#include "erase.h"
#include "http_json.h"
#include "ticket.h"

enum {
    SWEPT_AT_ONCE = 100,
    ROUNDS_MAX = 100 /* of one sweep; what is left waits for the next */
};

int ticket_forget(const struct chat *chat, const json_t *ticket, struct ein_error *err)
{
    const char *id = text_of(ticket, "_id"), *key = text_of(ticket, "idempotencyKey");
    struct ein_doc_op ops[] = {
        { .kind = EIN_DOC_DELETE, .set = TICKET_SET, .id = id, .expect = text_of(ticket, "_rev") },
        { .kind = EIN_DOC_DELETE, .set = ASKED_SET, .id = id },
        { .kind = EIN_DOC_DELETE, .set = KEY_SET, .id = key },
    };

    int r = chat->host->store->batch(chat->ctx, ops, key ? 3 : 2, sizeof(ops[0]), err);

    if (r == EIN_E_NOT_FOUND) /* of what belongs to it some is missing, or it is gone itself */
        r = chat->host->store->batch(chat->ctx, ops, 1, sizeof(ops[0]), err);
    return r;
}

/* Of tickets that are to go: answers are long. */
static const char *const members[] = { "dueAt", "idempotencyKey", NULL };

/* TICKET, which is open and has MEMBERS only. */
static int stop(struct chat *chat, const json_t *ticket, const char *why, struct ein_error *err)
{
    EIN_JSON json_t *whole = NULL;
    int r = chat->host->store->get(chat->ctx, TICKET_SET, text_of(ticket, "_id"), &whole, err);

    if (r < 0)
        return r;
    return ticket_is_open(whole) ? ticket_stop(chat, whole, why, err) : EIN_E_CONFLICT;
}

/* Open: nobody got round to it, or its server is dead. */
static int sweep_one(struct chat *chat, const json_t *ticket, struct ein_error *err)
{
    char late[TICKET_LATE_SIZE];

    ticket_late(chat, late);
    int r =
        ticket_is_open(ticket) ? stop(chat, ticket, late, err) : ticket_forget(chat, ticket, err);

    return r == EIN_E_CONFLICT || r == EIN_E_NOT_FOUND ? 0 : r;
}

static int find_ended(const struct chat *chat, json_t **ret_found, struct ein_error *err)
{
    EIN_JSON json_t *where = json_pack("{s:{s:I}}", "endsAt", "$lte", (json_int_t)clock_wall_ms());
    const struct ein_query query = {
        .struct_size = sizeof(query), .where = where, .limit = SWEPT_AT_ONCE, .fields = members
    };

    return where ? find_docs(chat->host, chat->ctx, TICKET_SET, &query, ret_found, NULL, err)
                 : EIN_E_NO_MEMORY;
}

/* How many there were, or a negative enum ein_err. */
static int sweep_some(struct chat *chat, struct ein_error *err)
{
    EIN_JSON json_t *found = NULL;
    json_t *ticket;
    size_t i;
    int r = find_ended(chat, &found, err);

    json_array_foreach(found, i, ticket)
    {
        if (r >= 0)
            r = sweep_one(chat, ticket, err);
    }
    return r < 0 ? r : (int)json_array_size(found);
}

/* ---- forgetting a user ---- */

/* What is open is ended first: whoever works on it stops. */
static int erase_ticket(void *self, const json_t *ticket, struct ein_error *err)
{
    return ticket_is_open(ticket) ? stop(self, ticket, "The user was erased.", err)
                                  : ticket_forget(self, ticket, err);
}

static int erase(void *impl, const char *uid, uint64_t *ret_count, struct ein_error *err)
{
    static const struct erase_what what = {
        .set = TICKET_SET, .field = "userId", .members = members, .one = erase_ticket
    };
    struct chat *chat = impl;

    *ret_count = 0;
    return erase_some(chat->host, chat->ctx, &what, chat, uid, ret_count, err);
}

const struct ein_erasure chat_erasure = { .struct_size = sizeof(chat_erasure), .erase = erase };

/* ---- what is due ---- */

void chat_sweep(void *data)
{
    struct chat *chat = data;
    struct ein_error err = { .text = "out of memory" };
    int r = SWEPT_AT_ONCE;

    for (int round = 0; r == SWEPT_AT_ONCE && round < ROUNDS_MAX; round++)
        r = sweep_some(chat, &err);
    if (r < 0)
        chat->host->log_msg(chat->ctx, EIN_ERROR, "Old tickets could not be deleted: %s", err.text);
}
