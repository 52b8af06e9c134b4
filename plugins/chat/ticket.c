/* SPDX-License-Identifier: Apache-2.0 */
#include "ticket.h"

#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include <stdio.h>

bool ticket_is_open(const json_t *ticket)
{
    return json_object_get(ticket, "dueAt");
}

json_t *ticket_show(const json_t *ticket)
{
    /* The clients' form has the times, and they were never filled in: what compares them finds
     * null there. */
    return json_pack("{s:O, s:O, s:O?, s:O?, s:n, s:n, s:n}", "ticket_id",
                     json_object_get(ticket, "_id"), "status", json_object_get(ticket, "status"),
                     "result", json_object_get(ticket, "result"), "error",
                     json_object_get(ticket, "error"), "created_at", "updated_at", "completed_at");
}

void ticket_late(const struct chat *chat, char ret_text[TICKET_LATE_SIZE])
{
    (void)snprintf(ret_text, TICKET_LATE_SIZE,
                   "The chat was not answered within the %lld seconds that it has.",
                   (long long)(chat->ticket_ms / 1000));
}

/* NULL: no memory. */
static json_t *ended_of(const struct chat *chat, const json_t *ticket, const json_t *result,
                        const char *error)
{
    static const char *const open_members[] = { "dueAt", "openOf", "runner" };
    EIN_JSON json_t *ended = json_copy((json_t *)ticket);
    EIN_JSON json_t *members = NULL;
    char now[CLOCK_ISO_SIZE];

    clock_iso(now);
    members =
        json_pack("{s:s, s:O?, s:s?, s:s, s:s, s:I}", "status", result ? "completed" : "failed",
                  "result", result, "error", result ? NULL : error, "updatedAt", now, "completedAt",
                  now, "endsAt", (json_int_t)(clock_wall_ms() + chat->keep_ms));
    if (!ended || !members || json_object_update(ended, members) < 0)
        return NULL;
    for (size_t i = 0; i < sizeof(open_members) / sizeof(open_members[0]); i++)
        (void)json_object_del(ended, open_members[i]); /* it may not be there */
    return EIN_TAKE(ended);
}

int ticket_end(const struct chat *chat, const json_t *ticket, const char *rev, const json_t *result,
               const char *error, struct ein_error *err)
{
    EIN_JSON json_t *ended = ended_of(chat, ticket, result, error);

    return ended ? chat->host->store->put(chat->ctx, TICKET_SET, text_of(ticket, "_id"), rev, ended,
                                          NULL, err)
                 : error_no_memory(err);
}

int ticket_change(const struct chat *chat, const char *id, char rev[EIN_REV_SIZE],
                  json_t *take_members, int add, struct ein_error *err)
{
    EIN_JSON json_t *members = take_members;
    struct ein_doc_op op = { .kind = EIN_DOC_UPDATE,
                             .set = TICKET_SET,
                             .id = id,
                             .expect = rev,
                             .doc = members,
                             .add_field = add ? "attempts" : NULL,
                             .add_by = add };
    char now[CLOCK_ISO_SIZE];

    clock_iso(now);
    if (!members || json_object_set_new(members, "updatedAt", json_string(now)) < 0)
        return error_no_memory(err);
    int r = chat->host->store->batch(chat->ctx, &op, 1, sizeof(op), err);
    if (r >= 0)
        (void)snprintf(rev, EIN_REV_SIZE, "%s", op.ret_rev);
    return r;
}
