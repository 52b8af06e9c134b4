/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "http_json.h"
#include "ticket.h"

enum { TRIES_MAX = 20 /* while its lease is extended, or a worker begins */ };

int ticket_stop(struct chat *chat, const json_t *ticket, const char *why, struct ein_error *err)
{
    const char *id = text_of(ticket, "_id");
    int r = ticket_end(chat, ticket, text_of(ticket, "_rev"), NULL, why, err);

    if (r == 0)
        workers_cancel(chat, id);
    live_poke(&chat->lives, id);
    return r;
}

/* CONFLICT: it has changed meanwhile, or has to be forgotten now that it has ended. */
static int end(struct chat *chat, struct ein_req *req, bool forget, struct ein_error *err)
{
    const char *id = chat->host->http->path_param(req, "ticket_id");
    EIN_JSON json_t *ticket = NULL;
    int r = get_visible(chat->host, chat->ctx, req, TICKET_SET, id, &ticket, err);

    if (r < 0)
        return r;
    if (!ticket_is_open(ticket))
        return forget ? ticket_forget(chat, ticket, err) : 0;
    r = ticket_stop(chat, ticket, "The chat was cancelled.", err);
    return r == 0 && forget ? EIN_E_CONFLICT : r;
}

int chat_cancel(struct ein_req *req, void *self)
{
    struct chat *chat = self;
    const struct ein_http *http = chat->host->http;
    bool forget = json_is_true(json_object_get(http->query(req), "forget"));
    struct ein_error err;
    int r = EIN_E_CONFLICT;

    for (int tries = 0; r == EIN_E_CONFLICT && tries < TRIES_MAX; tries++)
        r = end(chat, req, forget, &err);
    return r < 0 ? http->fail_error(req, &err) : http->reply(req, 204, NULL);
}
