/* SPDX-License-Identifier: Apache-2.0 */
#include "shown.h"

#include "catalog_inside.h"
#include "cleanup.h"
#include "error.h"

/* ---- keys ---- */

static bool has_secret(const struct catalog *catalog, const json_t *names)
{
    size_t i;
    json_t *name;

    json_array_foreach((json_t *)names, i, name)
    {
        const char *secret = catalog->host->secret(catalog->ctx, json_string_value(name));
        if (secret && *secret)
            return true;
    }
    return false;
}

/* {provider: ...} of those for which there is a key; NULL: nobody keeps keys. */
static json_t *sources_of(const struct catalog *catalog, const char *user_id)
{
    const struct ein_host *host = catalog->host;
    const struct ein_service *keys;
    json_t *sources = NULL;

    if (host->acquire(catalog->ctx, EIN_MODEL_KEYS, NULL, &keys) < 0)
        return NULL;
    const struct ein_model_keys *model_keys = keys->vtable;
    if (EIN_HAS(struct ein_model_keys, model_keys, sources) &&
        model_keys->sources(keys->impl, user_id, &sources, NULL) < 0)
        sources = NULL;
    host->release(catalog->ctx, keys);
    return sources;
}

static bool has_key(const struct catalog *catalog, const json_t *sources,
                    const struct provider *provider)
{
    return !provider->key_variable || json_object_get(sources, provider->name) ||
           has_secret(catalog, provider->other_variables);
}

/* ---- providers ---- */

struct published {
    const struct snapshot *snapshot;
    uint64_t mask;
};

static int note_published(const struct ein_service *service, void *data)
{
    struct published *published = data;
    size_t i;

    if (snapshot_provider(published->snapshot, service->name, &i))
        published->mask |= UINT64_C(1) << i;
    return 0;
}

uint64_t shown_mask(const struct catalog *catalog, const struct snapshot *snapshot,
                    const char *user_id)
{
    EIN_JSON json_t *sources = sources_of(catalog, user_id);
    struct published published = { .snapshot = snapshot };
    uint64_t mask = 0;

    (void)catalog->host->each_service(catalog->ctx, EIN_LLM_PROVIDER, note_published, &published);
    for (size_t i = 0; i < snapshot->provider_count; i++) {
        uint64_t bit = UINT64_C(1) << i;
        if ((published.mask & bit) && has_key(catalog, sources, &snapshot->providers[i]))
            mask |= bit;
    }
    return mask;
}

bool shown_may(const struct catalog *catalog, const char *user_id, const struct provider *provider)
{
    const struct ein_service *service;

    if (catalog->host->acquire(catalog->ctx, EIN_LLM_PROVIDER, provider->name, &service) < 0)
        return false;
    catalog->host->release(catalog->ctx, service);
    if (!provider->key_variable)
        return true;
    EIN_JSON json_t *sources = sources_of(catalog, user_id);
    return has_key(catalog, sources, provider);
}

/* ---- deployed agents ---- */

/* {name: entry} of an array of {"name" or "id", ...}: the name is the id by which it is called. */
static json_t *by_name(const json_t *told)
{
    json_t *models = json_object(), *model;
    size_t i;

    json_array_foreach((json_t *)told, i, model)
    {
        const char *name = json_string_value(json_object_get(model, "name"));
        json_t *entry = json_copy(model);

        if (name)
            (void)json_object_del(entry, "name");
        else
            name = json_string_value(json_object_get(model, "id"));
        if (name && json_is_object(json_object_get(entry, "parameters")))
            (void)json_object_set(models, name, entry);
        json_decref(entry);
    }
    return models;
}

/* `visible` is a `where` of deployments, whose ids are the names of their models. */
static json_t *only(const json_t *visible, const char *name)
{
    json_t *one = name ? json_copy((json_t *)visible) : json_incref((json_t *)visible);

    if (one && name && json_object_set_new(one, "_id", json_string(name)) < 0) {
        json_decref(one);
        return NULL;
    }
    return one;
}

int shown_deployed(const struct catalog *catalog, const char *user_id, const json_t *visible,
                   const char *name, json_t **ret_provider, struct ein_error *err)
{
    const struct ein_host *host = catalog->host;
    const struct ein_service *service;
    const struct ein_llm_provider *provider;
    EIN_JSON json_t *told = NULL;
    EIN_JSON json_t *models = NULL;
    EIN_JSON json_t *where = only(visible, name);
    int r = 0;

    *ret_provider = NULL;
    if (visible && !where)
        return error_no_memory(err);
    if (host->acquire(catalog->ctx, EIN_LLM_PROVIDER, DEPLOYED, &service) < 0)
        return 0;
    provider = service->vtable;
    if (EIN_HAS(struct ein_llm_provider, provider, models_of))
        r = provider->models_of(service->impl, user_id, where, &told, err);
    host->release(catalog->ctx, service);
    if (r < 0 || json_array_size(told) == 0)
        return r;
    models = by_name(told);
    if (json_object_size(models) > 0)
        *ret_provider = json_pack("{s:O}", "models", models);
    return 0;
}
