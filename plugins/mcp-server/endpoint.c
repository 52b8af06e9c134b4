/* SPDX-License-Identifier: Apache-2.0 */
/* POST and DELETE /mcp: which era a message is of, and who answers it. */
#include "mcp_server.h"

#include "cleanup.h"
#include "json_depth.h"
#include "member.h"
#include "rpc.h"
#include "str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { TEXT_MAX = 1024 }; /* of an error */

/* ---- answers ---- */

static void put_answer(struct turn *turn, int status, json_t *take_answer)
{
    json_decref(turn->answer);
    turn->answer = take_answer;
    turn->status = status;
}

/* What every result of 2026-07-28 has. */
static int complete(const struct turn *turn, json_t *result)
{
    json_t *meta = json_object_get(result, "_meta");

    if (!meta) {
        meta = json_object();
        if (json_object_set_new(result, "_meta", meta) < 0)
            return -1;
    }
    if (json_object_set_new(meta, MCP_META "serverInfo", about_server(turn->server)) < 0)
        return -1;
    return json_object_set_new(result, "resultType", json_string("complete"));
}

void turn_result(struct turn *turn, json_t *take_result)
{
    EIN_JSON json_t *result = take_result;

    if (result && turn->modern && complete(turn, result) < 0)
        put_answer(turn, 500, NULL);
    else
        put_answer(turn, 200, result ? rpc_result(turn->id, EIN_TAKE(result)) : NULL);
}

static void fail_with(struct turn *turn, int code, const char *text, json_t *take_data)
{
    static const struct {
        int code, status; /* of 2026-07-28; before, errors are answers like any other */
    } statuses[] = {
        { MCP_HEADER_MISMATCH, 400 },
        { MCP_UNSUPPORTED_VERSION, 400 },
        { MCP_UNKNOWN_METHOD, 404 },
    };
    int status = 200;

    for (size_t i = 0; turn->modern && i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (statuses[i].code == code)
            status = statuses[i].status;
    put_answer(turn, status, rpc_error(turn->id, code, text, take_data));
}

void turn_fail(struct turn *turn, int code, const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    str_vformat(text, sizeof(text), fmt, args);
    va_end(args);
    fail_with(turn, code, text, NULL);
}

void turn_fail_error(struct turn *turn, const struct ein_error *err)
{
    turn_fail(turn, MCP_INTERNAL, "%s", err->text);
}

int turn_tell(struct turn *turn, json_t *take_notification)
{
    const struct ein_http *http = turn->server->host->http;

    turn->streaming = true;
    return http->send_event(turn->req, NULL, "message", take_notification);
}

/* A message that is no request, or whose era is not known. */
static int reply_error(const struct mcp_server *server, struct ein_req *req, int status, int code,
                       const char *text)
{
    return server->host->http->reply(req, status, rpc_error(NULL, code, text, NULL));
}

/* ---- which era ---- */

static bool is_modern(const struct turn *turn, const char *method, const char *header)
{
    return rpc_version(turn->params) || (header && strcmp(header, MCP_MODERN) == 0) ||
           strcmp(method, "server/discover") == 0;
}

/* What HEADER says must be what the body says.  False: it was answered. */
static bool agrees(struct turn *turn, const char *header, const char *given, const char *wanted)
{
    EIN_FREE char *text = given ? rpc_header_text(given) : NULL;

    if (text && wanted && strcmp(text, wanted) == 0)
        return true;
    if (!given)
        turn_fail(turn, MCP_HEADER_MISMATCH, "The header %s is missing.", header);
    else if (!wanted)
        turn_fail(turn, MCP_HEADER_MISMATCH, "The header %s says what the body does not.", header);
    else
        turn_fail(turn, MCP_HEADER_MISMATCH,
                  "The header %s says '%.200s', the body '%.200s': they have to agree.", header,
                  given, wanted);
    return false;
}

static bool check_modern(struct turn *turn, const char *method)
{
    const struct ein_http *http = turn->server->host->http;
    const char *version = rpc_version(turn->params);
    const char *name = text_of(turn->params, "name");

    if (!agrees(turn, "MCP-Protocol-Version", http->header(turn->req, "MCP-Protocol-Version"),
                version))
        return false;
    if (strcmp(version, MCP_MODERN) != 0) {
        fail_with(turn, MCP_UNSUPPORTED_VERSION, "Unsupported protocol version",
                  json_pack("{s:[s], s:s}", "supported", MCP_MODERN, "requested", version));
        return false;
    }
    if (!agrees(turn, "Mcp-Method", http->header(turn->req, "Mcp-Method"), method))
        return false;
    return strcmp(method, "tools/call") != 0 ||
           agrees(turn, "Mcp-Name", http->header(turn->req, "Mcp-Name"), name);
}

/* ---- one request ---- */

enum { MODERN = 1, LEGACY = 2 };

static void answer_ping(struct turn *turn)
{
    turn_result(turn, json_object());
}

static const struct {
    const char *name;
    int eras;
    turn_fn *answer;
} methods[] = {
    { "tools/call", MODERN | LEGACY, tools_call },
    { "tools/list", MODERN | LEGACY, tools_list },
    { "server/discover", MODERN, about_discover },
    { "subscriptions/listen", MODERN, listen_to_changes },
    { "initialize", LEGACY, about_initialize },
    { "ping", LEGACY, answer_ping },
};

static void answer(struct turn *turn, const json_t *message, const char *version)
{
    const char *method = text_of(message, "method");

    turn->id = json_object_get(message, "id");
    turn->params = json_object_get(message, "params");
    turn->modern = is_modern(turn, method, version);
    if (turn->modern && !check_modern(turn, method))
        return;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(methods[i].name, method) == 0 &&
            methods[i].eras & (turn->modern ? MODERN : LEGACY)) {
            methods[i].answer(turn);
            return;
        }
    }
    turn_fail(turn, MCP_UNKNOWN_METHOD, "Method not found: %.200s", method);
}

static void hear(const struct turn *turn, const json_t *notification)
{
    const json_t *params = json_object_get(notification, "params");
    const json_t *id = json_object_get(params, "requestId");
    struct mcp_server *server = turn->server;

    if (id && strcmp(text_of(notification, "method"), "notifications/cancelled") == 0)
        running_cancel(&server->running, server->host->http->identity(turn->req)->uid,
                       turn->session, id);
}

static int reply_turn(struct turn *turn)
{
    const struct ein_http *http = turn->server->host->http;
    json_t *answer = EIN_TAKE(turn->answer);

    if (!answer)
        return EIN_E_NO_MEMORY;
    if (!turn->streaming)
        return http->reply(turn->req, turn->status, answer);
    return http->send_event(turn->req, NULL, "message", answer);
}

static int take_message(struct turn *turn, const json_t *message, const char *version)
{
    const struct ein_http *http = turn->server->host->http;
    int r;

    switch (rpc_kind(message)) {
    case RPC_REQUEST:
        answer(turn, message, version);
        r = reply_turn(turn);
        json_decref(turn->answer);
        return r;
    case RPC_NOTIFICATION:
        hear(turn, message);
        return http->reply(turn->req, 202, NULL);
    case RPC_ANSWER:
        return http->reply(turn->req, 202, NULL);
    case RPC_INVALID:
        break;
    }
    return reply_error(turn->server, turn->req, 400, MCP_INVALID_REQUEST,
                       "This is not a JSON-RPC 2.0 message.");
}

/* ---- several at once, as 2025-03-26 had it ---- */

static int take_one_of_batch(struct turn *turn, const json_t *message, const char *version,
                             json_t *answers)
{
    enum rpc_kind kind = rpc_kind(message);

    if (kind == RPC_NOTIFICATION)
        hear(turn, message);
    else if (kind == RPC_REQUEST)
        answer(turn, message, version);
    else if (kind == RPC_INVALID)
        put_answer(
            turn, 400,
            rpc_error(NULL, MCP_INVALID_REQUEST, "This is not a JSON-RPC 2.0 message.", NULL));
    if (kind == RPC_NOTIFICATION || kind == RPC_ANSWER)
        return 0;
    return json_array_append_new(answers, EIN_TAKE(turn->answer));
}

static int take_batch(struct turn *turn, const json_t *messages, const char *version)
{
    const struct ein_http *http = turn->server->host->http;
    EIN_JSON json_t *answers = json_array();
    size_t i, count = json_array_size(messages);
    const json_t *message;

    if (version && strcmp(version, "2025-03-26") != 0 && strcmp(version, "2024-11-05") != 0)
        return reply_error(turn->server, turn->req, 400, MCP_INVALID_REQUEST,
                           "Only version 2025-03-26 has batches.");
    if (count == 0 || count > turn->server->batch_max)
        return reply_error(turn->server, turn->req, 400, MCP_INVALID_REQUEST,
                           count == 0 ? "There is no message in the array."
                                      : "There are too many messages in the array.");
    turn->may_stream = false;
    json_array_foreach(messages, i, message)
    {
        if (!answers || take_one_of_batch(turn, message, version, answers) < 0)
            return EIN_E_NO_MEMORY;
    }
    return json_array_size(answers) ? http->reply(turn->req, 200, EIN_TAKE(answers))
                                    : http->reply(turn->req, 202, NULL);
}

/* ---- the routes ---- */

static bool is_initialize(const json_t *message)
{
    const char *method = text_of(message, "method");

    return method && strcmp(method, "initialize") == 0;
}

/* 0, or the status that was replied. */
static int check_session(const struct turn *turn)
{
    const struct mcp_server *server = turn->server;

    if (!turn->session || session_is_open(&turn->server->sessions, turn->session,
                                          server->host->http->identity(turn->req)->uid))
        return 0;
    return reply_error(server, turn->req, 404, MCP_NO_SESSION,
                       "There is no such session; initialize begins another.");
}

/* A version that no message of either era can have.  0, or the status that was replied. */
static int check_version(const struct turn *turn, const char *version, const json_t *message)
{
    if (!version || mcp_is_legacy(version) || rpc_version(json_object_get(message, "params")) ||
        strcmp(version, MCP_MODERN) == 0)
        return 0;
    return reply_error(turn->server, turn->req, 400, MCP_REFUSED,
                       "Unsupported protocol version; supported are " MCP_MODERN
                       ", 2025-11-25, 2025-06-18, 2025-03-26 and 2024-11-05.");
}

static bool names(const char *header, const char *type)
{
    return header && (strcasestr(header, type) || strstr(header, "*/*"));
}

int mcp_post(struct ein_req *req, void *self)
{
    struct mcp_server *server = self;
    const struct ein_http *http = server->host->http;
    struct turn turn = { .server = server, .req = req };
    const char *version = http->header(req, "MCP-Protocol-Version");
    const char *type = http->header(req, "Content-Type");
    size_t len;
    const void *body = http->raw_body(req, &len);
    int r;

    if (!type || strncasecmp(type, "application/json", strlen("application/json")) != 0)
        return reply_error(server, req, 415, MCP_REFUSED,
                           "Content-Type has to be application/json.");
    if (body && json_more_values_than(body, len, server->json_values))
        return reply_error(server, req, 413, MCP_REFUSED,
                           "The body has too many values (json_values).");
    EIN_JSON json_t *message = body ? json_outer_read(body, len, server->json_depth) : NULL;
    if (!message)
        return reply_error(server, req, 400, MCP_NOT_JSON, "The body is not JSON.");
    turn.may_stream = names(http->header(req, "Accept"), "text/event-stream");
    turn.session = is_initialize(message) ? NULL : http->header(req, "Mcp-Session-Id");
    r = check_version(&turn, version, message);
    if (r == 0)
        r = check_session(&turn);
    if (r != 0)
        return r;
    return json_is_array(message) ? take_batch(&turn, message, version)
                                  : take_message(&turn, message, version);
}

int mcp_delete(struct ein_req *req, void *self)
{
    struct mcp_server *server = self;
    const struct ein_http *http = server->host->http;
    const char *uid = http->identity(req)->uid;
    struct turn turn = { .server = server,
                         .req = req,
                         .session = http->header(req, "Mcp-Session-Id") };
    int r = check_session(&turn);

    if (r != 0)
        return r;
    if (!turn.session)
        return reply_error(server, req, 400, MCP_REFUSED, "The header Mcp-Session-Id is missing.");
    session_end(&server->sessions, turn.session);
    running_cancel(&server->running, uid, turn.session, NULL);
    return http->reply(req, 204, NULL);
}
