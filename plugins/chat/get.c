/* SPDX-License-Identifier: Apache-2.0 */
#include "accept.h"
#include "cleanup.h"
#include "follow.h"
#include "http_json.h"
#include "ticket.h"

static int64_t wanted_wait(const struct chat *chat, const json_t *query)
{
    double seconds = json_number_value(json_object_get(query, "wait"));
    double most = (double)chat->wait_max_ms;

    return (int64_t)(seconds * 1000 < most ? seconds * 1000 : most);
}

int chat_get(struct ein_req *req, void *self)
{
    struct chat *chat = self;
    const struct ein_http *http = chat->host->http;
    EIN_JSON json_t *ticket = NULL;
    struct ein_error err;
    int r = get_visible(chat->host, chat->ctx, req, TICKET_SET, http->path_param(req, "ticket_id"),
                        &ticket, &err);

    if (r == 0 && accept_events(http, req))
        return follow(chat, req, ticket);
    if (r == 0)
        r = follow_wait(chat, req, wanted_wait(chat, http->query(req)), &ticket, &err);
    if (r < 0)
        return http->fail_error(req, &err);
    json_t *shown = ticket_show(ticket);
    return shown ? http->reply(req, 200, shown) : EIN_E_NO_MEMORY;
}
