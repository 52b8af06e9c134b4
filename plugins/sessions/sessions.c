/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions.h"
#include "cleanup.h"
#include "clock.h"
#include "disk_room.h"
#include "document.h"
#include "http_json.h"
#include "ownership.h"
#include "provider_config.h"

#include <stdio.h>
#include <string.h>

enum { DELETE_TRIES = 100 };

/* What each of these calls begins with. */
struct call {
    const struct sessions *sessions;
    const struct ein_http *http;
    const struct ein_store *store;
    struct ein_req *req;
    const char *owner, *session_id;
    char doc_id[DOC_ID_MAX + 1];
};

/* 0, or the status of the refusal.  The id begins with whose it is, and that with its length:
 * no two owners' sessions meet, whatever they call them. */
static int call_init(struct call *call, struct ein_req *req, void *self)
{
    const struct sessions *sessions = self;
    const struct ein_http *http = sessions->host->http;

    *call = (struct call){
        .sessions = sessions,
        .http = http,
        .store = sessions->host->store,
        .req = req,
        .session_id = http->path_param(req, "session_id"),
    };
    int r = ownership_whose(http, req, &call->owner);
    if (r)
        return r;
    int len = snprintf(call->doc_id, sizeof(call->doc_id), "%zu:%s:%s", strlen(call->owner),
                       call->owner, call->session_id);
    if (len <= DOC_ID_MAX)
        return 0;
    return http->fail(req, 422, "The session id is too long: it may have %zu bytes, and has %zu.",
                      DOC_ID_MAX - ((size_t)len - strlen(call->session_id)),
                      strlen(call->session_id));
}

static int read_session(struct call *call, json_t **ret_doc, struct ein_error *err)
{
    return call->store->get(call->sessions->ctx, SESSIONS_SET, call->doc_id, ret_doc, err);
}

/* The body as it came, for the `input` of a fault. */
static json_t *body_as_it_came(struct call *call)
{
    size_t len;
    const void *text = call->http->raw_body(call->req, &len);
    json_t *body = text ? json_loadb(text, len, 0, NULL) : NULL;

    return body ? body : json_deep_copy(call->http->body(call->req));
}

/* 0, or what was replied to parameters that exclude each other. */
static int refuse_exclusive(struct call *call, const json_t *config)
{
    EIN_JSON json_t *loc = json_pack("[s]", "body");
    EIN_JSON json_t *fault = provider_config_fault(config, loc, json_null());

    if (!fault)
        return 0;
    if (json_object_set_new(fault, "input", body_as_it_came(call)))
        return EIN_E_NO_MEMORY;
    return call->http->fail_json(call->req, 422, json_pack("[O]", fault));
}

int session_set_config(struct ein_req *req, void *self)
{
    struct call call;
    struct ein_error err;
    char now[CLOCK_ISO_SIZE];

    int r = call_init(&call, req, self);
    if (r)
        return r;
    const json_t *config = call.http->body(req);
    r = refuse_exclusive(&call, config);
    if (r)
        return r;

    clock_iso(now);
    EIN_JSON json_t *doc = json_pack(
        "{s:s, s:s, s:O, s:O, s:O, s:O?, s:s}", "userId", call.owner, "sessionId", call.session_id,
        "provider", json_object_get(config, "provider"), "model", json_object_get(config, "model"),
        "parameters", json_object_get(config, "parameters"), "builtInTool",
        json_object_get(config, "builtInTool"), "updatedAt", now);
    if (!doc)
        return EIN_E_NO_MEMORY;
    r = disk_take_doc(call.sessions->host, call.sessions->ctx, call.owner, doc, NULL, &err);
    if (r < 0)
        return call.http->fail_error(req, &err);
    r = call.store->put(call.sessions->ctx, SESSIONS_SET, call.doc_id, EIN_REV_ANY, doc, NULL,
                        &err);
    if (r < 0)
        return call.http->fail_error(req, &err);
    return call.http->reply(
        req, 200,
        json_pack("{s:s, s:s}", "message", "Configuration updated", "session_id", call.session_id));
}

int session_get_config(struct ein_req *req, void *self)
{
    struct call call;
    struct ein_error err;
    EIN_JSON json_t *doc = NULL;

    int r = call_init(&call, req, self);
    if (r)
        return r;
    r = read_session(&call, &doc, &err);
    if (r == EIN_E_NOT_FOUND)
        return call.http->fail(req, 404, "Document '%s' not found in '" SESSIONS_SET "'",
                               call.session_id);
    if (r < 0)
        return call.http->fail_error(req, &err);
    return reply_with_rev(
        call.http, req, 200, doc_rev(doc),
        json_pack("{s:O, s:O, s:O, s:O}", "provider", json_object_get(doc, "provider"), "model",
                  json_object_get(doc, "model"), "parameters", json_object_get(doc, "parameters"),
                  "built_in_tool", json_object_get(doc, "builtInTool")));
}

/* EIN_E_CONFLICT: it has changed since it was read. */
static int delete_once(struct call *call)
{
    struct ein_error err;
    EIN_JSON json_t *doc = NULL;

    int r = read_session(call, &doc, &err);
    if (r == EIN_E_NOT_FOUND)
        return call->http->fail(call->req, 404, "Document '%s' not found for deletion.",
                                call->session_id);
    if (r < 0)
        return call->http->fail_error(call->req, &err);
    r = check_rev(call->http, call->req, doc_rev(doc));
    if (r)
        return r;
    r = call->store->del(call->sessions->ctx, SESSIONS_SET, call->doc_id, doc_rev(doc), &err);
    if (r == EIN_E_CONFLICT || r == EIN_E_NOT_FOUND)
        return EIN_E_CONFLICT;
    if (r < 0)
        return call->http->fail_error(call->req, &err);
    disk_give_doc(call->sessions->host, call->sessions->ctx, call->owner, doc);
    return call->http->reply(call->req, 200, json_pack("{s:s}", "message", "Session deleted"));
}

int session_delete(struct ein_req *req, void *self)
{
    struct call call;

    int r = call_init(&call, req, self);
    if (r)
        return r;
    for (int i = 0; i < DELETE_TRIES; i++) {
        r = delete_once(&call);
        if (r != EIN_E_CONFLICT)
            return r;
    }
    return call.http->fail(req, 409, "Session '%s' keeps changing.", call.session_id);
}
