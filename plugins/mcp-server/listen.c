/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever listens is told when the list of tools has changed: by subscriptions/listen, and before
 * 2026-07-28 by GET.  The store is looked at, since agents are deployed on other servers too. */
#include "mcp_server.h"

#include "agent_doc.h"
#include "cancel_wait.h"
#include "cleanup.h"
#include "clock.h"
#include "draining.h"
#include "hash.h"
#include "http_json.h"
#include "rpc.h"

#include <string.h>

static int add_to_mark(const json_t *deployment, void *data)
{
    uint64_t *mark = data;
    const char *const members[] = { "_id", "_rev" };

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const char *text = json_string_value(json_object_get(deployment, members[i]));
        if (text)
            *mark = hash_fnv(*mark, text, strlen(text) + 1);
    }
    return 0;
}

/* Another one when anything has changed. */
static int mark_of(const struct turn *turn, uint64_t *ret_mark)
{
    const struct mcp_server *server = turn->server;
    EIN_JSON json_t *where = server->host->http->visible(turn->req);
    const struct ein_query query = { .struct_size = sizeof(query),
                                     .where = where,
                                     .fields = ids_only };
    uint64_t mark = HASH_FNV_START;
    int r = where ? server->host->store->find(server->ctx, DEPLOYMENT_SET, &query, add_to_mark,
                                              &mark, NULL, NULL)
                  : EIN_E_NO_MEMORY;

    if (r >= 0)
        *ret_mark = mark;
    return r;
}

/* Of a subscription, its id. */
static json_t *about(const struct turn *turn)
{
    return turn->modern ? json_pack("{s:{s:O}}", "_meta", MCP_META "subscriptionId", turn->id)
                        : NULL;
}

/* Until the client has left (CANCELLED), or has listened long enough. */
static int tell_changes(struct turn *turn)
{
    const struct mcp_server *server = turn->server;
    struct ein_cancel *cancel = server->host->http->cancel(turn->req);
    int64_t until_ms = clock_mono_ms() + server->listen_ms;
    uint64_t was = 0, is = 0;
    int r = mark_of(turn, &was);

    while (r >= 0 && clock_mono_ms() < until_ms && !server_is_draining(server->host, server->ctx)) {
        r = cancel_wait(server->host, cancel, server->watch_ms);
        if (r >= 0)
            r = mark_of(turn, &is);
        if (r < 0 || is == was)
            continue;
        was = is;
        r = turn_tell(turn, mcp_notification("notifications/tools/list_changed", about(turn)));
    }
    return r;
}

static bool enter(struct mcp_server *server)
{
    if (atomic_fetch_add(&server->listening, 1) < server->listeners_max)
        return true;
    (void)atomic_fetch_sub(&server->listening, 1);
    return false;
}

static void leave(struct mcp_server *server)
{
    (void)atomic_fetch_sub(&server->listening, 1);
}

/* ---- 2026-07-28 ---- */

static int acknowledge(struct turn *turn, bool tools)
{
    json_t *params = about(turn);
    json_t *agreed = tools ? json_pack("{s:b}", "toolsListChanged", 1) : json_object();

    if (json_object_set_new(params, "notifications", agreed) < 0) {
        json_decref(params);
        return EIN_E_NO_MEMORY;
    }
    return turn_tell(turn, mcp_notification("notifications/subscriptions/acknowledged", params));
}

void listen_to_changes(struct turn *turn)
{
    const json_t *wanted = json_object_get(turn->params, "notifications");

    if (!json_is_object(wanted) || !turn->may_stream) {
        turn_fail(turn, MCP_INVALID_PARAMS,
                  "subscriptions/listen says what for in `notifications`, and takes an event "
                  "stream.");
        return;
    }
    if (!enter(turn->server)) {
        turn_fail(turn, MCP_REFUSED, "Too many clients listen to this server already.");
        return;
    }
    bool tools = json_is_true(json_object_get(wanted, "toolsListChanged"));
    if (acknowledge(turn, tools) == 0 && tools)
        (void)tell_changes(turn); /* whoever is gone reads no answer either */
    leave(turn->server);
    turn_result(turn, about(turn));
}

/* ---- before ---- */

/* 0, or the status that was replied. */
static int check_get(const struct turn *turn)
{
    const struct mcp_server *server = turn->server;
    const struct ein_http *http = server->host->http;
    const char *accept = http->header(turn->req, "Accept");

    /* Clients of HTTP+SSE would wait here for ever for the address to post to. */
    if (!turn->session) {
        (void)http->set_header(turn->req, "Allow", "POST"); /* without it at worst */
        return http->fail(turn->req, 405,
                          "Without a session there is nothing to listen to: this is streamable "
                          "HTTP, which begins with a POST.");
    }
    if (!accept || !strcasestr(accept, "text/event-stream"))
        return http->fail(turn->req, 406, "Only an event stream is served here.");
    if (!session_is_open(&turn->server->sessions, turn->session, http->identity(turn->req)->uid))
        return http->fail(turn->req, 404, "There is no such session; initialize begins another.");
    return 0;
}

int mcp_get(struct ein_req *req, void *self)
{
    struct mcp_server *server = self;
    const struct ein_http *http = server->host->http;
    struct turn turn = { .server = server,
                         .req = req,
                         .session = http->header(req, "Mcp-Session-Id") };
    static const char begin[] = ": listening\n\n";
    int r = check_get(&turn);

    if (r != 0)
        return r;
    if (!enter(server))
        return http->fail(req, 503, "Too many clients listen to this server already.");
    r = http->send_bytes(req, begin, sizeof(begin) - 1);
    if (r >= 0)
        r = tell_changes(&turn);
    leave(server);
    return r;
}
