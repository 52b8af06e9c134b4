/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog_inside.h"
#include "cleanup.h"
#include "hash.h"
#include "models.h"
#include "shown.h"

#include <stdbool.h>
#include <string.h>

struct call {
    const struct models *models;
    const struct ein_http *http;
    struct ein_req *req;
    const char *user_id;
    struct snapshot *snapshot;
    json_t *visible; /* where it was asked for */
};

static void call_begin(struct call *call, struct ein_req *req, void *self)
{
    const struct models *models = self;

    *call = (struct call){ .models = models, .http = models->host->http, .req = req };
    call->user_id = call->http->identity(req)->uid;
    call->snapshot = catalog_take(models->catalog);
}

static int call_end(struct call *call, int r)
{
    snapshot_drop(call->snapshot);
    json_decref(call->visible);
    return r;
}

/* Has the client this very answer?  The host finds that out too, but from a whole reply. */
static bool is_known(const struct call *call, const char *etag)
{
    const char *known = call->http->header(call->req, "If-None-Match");

    return known && strcmp(known, etag) == 0;
}

static int reply_text(const struct call *call, const char *etag, const char *text, size_t len)
{
    if (call->http->set_header(call->req, "ETag", etag) < 0)
        return EIN_E_NO_MEMORY;
    if (is_known(call, etag))
        return call->http->reply(call->req, 304, NULL);
    return call->http->reply_bytes(call->req, 200, "application/json", text, len);
}

/* `value` as the reply, with an ETag of its text. */
static int reply_value(const struct call *call, const json_t *value)
{
    const struct ein_host *host = call->models->host;
    char etag[ETAG_SIZE], *text;
    size_t len;

    text = host->json_text(value, &len);
    if (!text)
        return EIN_E_NO_MEMORY;
    etag_write(etag, HASH_FNV_START, text, len);
    int r = reply_text(call, etag, text, len);
    host->mem_free(text);
    return r;
}

static int deployed_of(struct call *call, json_t **ret_provider, struct ein_error *err)
{
    call->visible = call->http->visible(call->req);
    if (!call->visible)
        return EIN_E_NO_MEMORY;
    return shown_deployed(call->models->catalog, call->user_id, call->visible, NULL, ret_provider,
                          err);
}

/* ---- all ---- */

/* The prepared text with the deployed agents put into it. */
static int reply_with(const struct call *call, const struct view *view, const json_t *deployed)
{
    const struct ein_host *host = call->models->host;
    EIN_JSON json_t *member = json_pack("{s:O}", DEPLOYED, deployed);
    EIN_FREE char *text = NULL;
    char etag[ETAG_SIZE], *inserted;
    size_t len;

    inserted = member ? host->json_text(member, &len) : NULL;
    if (!inserted)
        return EIN_E_NO_MEMORY;
    inserted[len - 1] = '\0'; /* without its braces */
    etag_write(etag, view->hash, inserted + 1, len - 2);
    if (!is_known(call, etag))
        text = view_text(view, inserted + 1, &len);
    host->mem_free(inserted);
    if (!text && !is_known(call, etag))
        return EIN_E_NO_MEMORY;
    return reply_text(call, etag, text ? text : "", text ? len : 0);
}

int providers_get(struct ein_req *req, void *self)
{
    EIN_JSON json_t *deployed = NULL;
    struct ein_error err;
    struct call call;
    struct view *view;
    int r;

    call_begin(&call, req, self);
    r = deployed_of(&call, &deployed, &err);
    if (r >= 0)
        r = snapshot_view(call.snapshot,
                          shown_mask(call.models->catalog, call.snapshot, call.user_id), &view,
                          &err);
    if (r < 0)
        return call_end(&call, call.http->fail_error(req, &err));
    r = deployed ? reply_with(&call, view, deployed)
                 : reply_text(&call, view->etag, view->text, view->len);
    view_drop(view);
    return call_end(&call, r);
}

/* ---- one ---- */

/* The provider of the path as it is served, or a reply that there is none: then 1. */
static int provider_of(struct call *call, json_t **ret_provider)
{
    const char *name = call->http->path_param(call->req, "provider");
    const struct provider *provider = snapshot_provider(call->snapshot, name, NULL);
    struct ein_error err;
    int r = 0;

    *ret_provider = NULL;
    if (strcmp(name, DEPLOYED) == 0)
        r = deployed_of(call, ret_provider, &err);
    else if (provider && shown_may(call->models->catalog, call->user_id, provider))
        *ret_provider = json_incref(provider->json);
    if (r < 0)
        return call->http->fail_error(call->req, &err);
    return *ret_provider ? 0
                         : call->http->fail(call->req, 404, "Provider not found or not configured");
}

int providers_get_one(struct ein_req *req, void *self)
{
    EIN_JSON json_t *provider = NULL;
    struct call call;
    int r;

    call_begin(&call, req, self);
    r = provider_of(&call, &provider);
    return call_end(&call, r ? r : reply_value(&call, provider));
}

int providers_get_models(struct ein_req *req, void *self)
{
    EIN_JSON json_t *provider = NULL;
    EIN_JSON json_t *ids = json_array();
    struct call call;
    const char *id;
    json_t *model;
    int r;

    call_begin(&call, req, self);
    r = provider_of(&call, &provider);
    json_object_foreach(json_object_get(provider, "models"), id, model)
    {
        (void)json_array_append_new(ids, json_string(id));
    }
    return call_end(&call, r ? r : reply_value(&call, ids));
}

int providers_get_model(struct ein_req *req, void *self)
{
    EIN_JSON json_t *provider = NULL;
    const json_t *model;
    struct call call;
    int r;

    call_begin(&call, req, self);
    r = provider_of(&call, &provider);
    model =
        json_object_get(json_object_get(provider, "models"), call.http->path_param(req, "model"));
    if (!r && !model)
        r = call.http->fail(req, 404, "Model not found");
    return call_end(&call, r ? r : reply_value(&call, model));
}
