/* SPDX-License-Identifier: Apache-2.0 */
#include "openai_api.h"

#include "cleanup.h"
#include "key_limits.h"
#include "member.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_MAX = 1000 };

/* When a model came out is not in the catalog: both APIs take the epoch for "unknown". */
#define UNKNOWN_DAY "1970-01-01T00:00:00Z"

static json_t *as_anthropic(const char *id, const json_t *entry)
{
    const json_t *name = json_object_get(entry, "name");
    const char *shown = json_string_value(name);

    return json_pack("{s:s, s:s, s:s, s:s}", "type", "model", "id", id, "display_name",
                     shown ? shown : id, "created_at", UNKNOWN_DAY);
}

/* What the catalog knows goes along under its own names. */
static json_t *as_openai(const char *id, const char *provider, const json_t *entry)
{
    static const char *const more[] = {
        "name",       "description", "context_window", "limits",
        "modalities", "price",       "parameters",     "embedding"
    };
    json_t *model = json_pack("{s:s, s:s, s:i, s:s}", "id", id, "object", "model", "created", 0,
                              "owned_by", provider);

    for (size_t i = 0; model && i < sizeof(more) / sizeof(more[0]); i++) {
        json_t *value = json_object_get(entry, more[i]);

        if (value && json_object_set(model, more[i], value) < 0) {
            json_decref(model);
            return NULL;
        }
    }
    return model;
}

static json_t *model_of(bool anthropic, const char *provider, const char *id, const json_t *entry)
{
    EIN_JSON json_t *whole = json_sprintf("%s/%s", provider, id);
    const char *name = json_string_value(whole);

    if (!name)
        return NULL;
    return anthropic ? as_anthropic(name, entry) : as_openai(name, provider, entry);
}

/* Every model of the catalog that the caller's key may ask, in its order. */
static json_t *all_models(bool anthropic, const json_t *catalog, const json_t *limits)
{
    static const char *const members[] = { "models", "embeddings" };
    EIN_JSON json_t *list = json_array();
    const char *provider, *id;
    json_t *about, *entry;

    json_object_foreach((json_t *)catalog, provider, about)
    {
        for (size_t i = 0; i < (anthropic ? 1 : 2); i++) /* whose API has no embeddings */
            json_object_foreach(json_object_get(about, members[i]), id, entry)
            {
                if (key_limits_allow(limits, provider, id) &&
                    json_array_append_new(list, model_of(anthropic, provider, id, entry)) < 0)
                    return NULL;
            }
    }
    return EIN_TAKE(list);
}

/* ---- Anthropic's pages ---- */

static const char *id_at(const json_t *list, size_t at)
{
    return json_string_value(json_object_get(json_array_get(list, at), "id"));
}

/* The place of the model `id`; `otherwise` where there is none, or no id. */
static size_t find(const json_t *list, const char *id, size_t otherwise)
{
    for (size_t i = 0; id && i < json_array_size(list); i++)
        if (strcmp(id_at(list, i), id) == 0)
            return i;
    return otherwise;
}

static const char *query(const struct openai_api *api, const struct ein_req *req, const char *name)
{
    return json_string_value(json_object_get(api->host->http->query(req), name));
}

/* after_id, before_id, limit, as Anthropic's API has them; without them the whole list. */
static json_t *page(const struct openai_api *api, const struct ein_req *req, const json_t *list)
{
    const char *after = query(api, req, "after_id"), *before = query(api, req, "before_id");
    const char *limit = query(api, req, "limit");
    long most = limit ? strtol(limit, NULL, 10) : 0;
    size_t count = json_array_size(list);
    size_t from = after ? find(list, after, count - 1) + 1 : 0;
    size_t to = before ? find(list, before, 0) : count;
    bool more = false;
    EIN_JSON json_t *data = json_array();

    if (most > 0 && most <= PAGE_MAX && to > from && to - from > (size_t)most) {
        more = true;
        if (before)
            from = to - (size_t)most;
        else
            to = from + (size_t)most;
    }
    for (size_t i = from; i < to; i++)
        if (json_array_append(data, json_array_get(list, i)) < 0)
            return NULL;
    return json_pack("{s:O, s:b, s:s?, s:s?}", "data", data, "has_more", more, "first_id",
                     from < to ? id_at(list, from) : NULL, "last_id",
                     from < to ? id_at(list, to - 1) : NULL);
}

/* ---- the routes ---- */

static int no_models(const struct openai_api *api, struct ein_req *req)
{
    const struct wrong wrong = { .status = 503, .text = "The models are not there at the moment." };

    return fail_with(api, req, &wrong);
}

static int fail(const struct openai_api *api, struct ein_req *req, int r,
                const struct ein_error *err)
{
    const struct wrong wrong = { .status = r == EIN_E_NOT_FOUND ? 404 : 400,
                                 .text = err->text,
                                 .code = r == EIN_E_NOT_FOUND ? "model_not_found" : NULL,
                                 .param = "model" };

    if (r != EIN_E_NOT_FOUND && r != EIN_E_INVALID)
        return r;
    return fail_with(api, req, &wrong);
}

static int forbidden(const struct openai_api *api, struct ein_req *req)
{
    const struct wrong wrong = { .status = 403, .text = "This API key may not ask this model." };

    return fail_with(api, req, &wrong);
}

/* MODEL, or with NULL the catalog, as the caller may see it, and what limits their key.  0, or the
 * status that was replied. */
static int look_up(const struct openai_api *api, struct ein_req *req, const char *model,
                   json_t **ret_found, json_t **ret_limits)
{
    const struct ein_identity *identity = api->host->http->identity(req);
    EIN_JSON json_t *visible = visible_to(api, req);
    const struct ein_completion *completion;
    const struct ein_service *service;
    struct ein_error err = { 0 };
    int r;

    if (!visible)
        return EIN_E_NO_MEMORY;
    if (api->host->acquire(api->ctx, EIN_COMPLETION, NULL, &service) < 0)
        return no_models(api, req);
    completion = service->vtable;
    r = key_limits_of(api->host, api->ctx, text_of(identity->claims, "keyId"), ret_limits, &err);
    if (r >= 0)
        r = model ? completion->find(service->impl, identity->uid, model, visible, ret_found, &err)
                  : completion->catalog(service->impl, identity->uid, visible, ret_found, &err);
    api->host->release(api->ctx, service);
    return r < 0 ? fail(api, req, r, &err) : 0;
}

int models_list(struct ein_req *req, void *self)
{
    const struct openai_api *api = self;
    const struct ein_http *http = api->host->http;
    bool anthropic = is_anthropic(http, req);
    EIN_JSON json_t *catalog = NULL;
    EIN_JSON json_t *limits = NULL;
    EIN_JSON json_t *list = NULL;
    int status = look_up(api, req, NULL, &catalog, &limits);

    if (status)
        return status;
    list = all_models(anthropic, catalog, limits);
    if (!list)
        return EIN_E_NO_MEMORY;
    return http->reply(req, 200,
                       anthropic ? page(api, req, list)
                                 : json_pack("{s:s, s:O}", "object", "list", "data", list));
}

int models_get(struct ein_req *req, void *self)
{
    const struct openai_api *api = self;
    const struct ein_http *http = api->host->http;
    EIN_JSON json_t *found = NULL;
    EIN_JSON json_t *limits = NULL;
    const char *provider, *id;
    json_t *entry;
    int status = look_up(api, req, http->path_param(req, "model"), &found, &limits);

    if (status)
        return status;
    if (json_unpack(found, "{s:s, s:s, s:o}", "provider", &provider, "id", &id, "model", &entry))
        return EIN_E_INTERNAL;
    if (!key_limits_allow(limits, provider, id))
        return forbidden(api, req);
    return http->reply(req, 200, model_of(is_anthropic(http, req), provider, id, entry));
}
