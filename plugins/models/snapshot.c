/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot.h"

#include "cleanup.h"
#include "entry.h"
#include "error.h"
#include "hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- making ---- */

static int compare(const void *a, const void *b)
{
    const struct model *const *left = a, *const *right = b;
    int order = strcmp((*left)->id, (*right)->id);

    return order ? order : (*left > *right) - (*left < *right);
}

static int add_provider(struct snapshot *snapshot, const char *name, json_t *told, bool local)
{
    struct provider *provider = &snapshot->providers[snapshot->provider_count++];
    json_t *key = json_object_get(told, "api_key_env_var"), *model;
    EIN_JSON json_t *models = json_object();
    EIN_JSON json_t *embeddings = json_object();
    const char *id;

    provider->name = name;
    provider->key_variable = json_string_value(key);
    provider->other_variables = json_object_get(told, "other_key_env_vars");
    provider->local = local;
    json_object_foreach(json_object_get(told, "models"), id, model)
    {
        struct model *read = &snapshot->models[snapshot->model_count++];

        model_read(read, name, id, model);
        if (json_object_set(read->embeds ? embeddings : models, id, model) < 0)
            return EIN_E_NO_MEMORY;
    }
    provider->json = json_pack("{s:O*, s:O}", "api_key_env_var", key, "models", models);
    provider->whole =
        json_object_size(embeddings) ? json_copy(provider->json) : json_incref(provider->json);
    if (json_object_size(embeddings) &&
        json_object_set(provider->whole, "embeddings", embeddings) < 0)
        return EIN_E_NO_MEMORY;
    return provider->whole ? 0 : EIN_E_NO_MEMORY;
}

static int fill(struct snapshot *snapshot, size_t known)
{
    json_t *providers = json_object_get(snapshot->resolved, "providers"), *told;
    const char *name;
    size_t models = 0;
    int r = 0;

    json_object_foreach(providers, name, told) models +=
        json_object_size(json_object_get(told, "models"));
    snapshot->providers = calloc(json_object_size(providers) + 1, sizeof(*snapshot->providers));
    snapshot->models = calloc(models + 1, sizeof(*snapshot->models));
    snapshot->by_id = calloc(models + 1, sizeof(const struct model *));
    if (!snapshot->providers || !snapshot->models || !snapshot->by_id)
        return EIN_E_NO_MEMORY;
    json_object_foreach(providers, name, told)
    {
        if (r >= 0)
            r = add_provider(snapshot, name, told, snapshot->provider_count >= known);
    }
    for (size_t i = 0; i < snapshot->model_count; i++)
        snapshot->by_id[i] = &snapshot->models[i];
    qsort(snapshot->by_id, snapshot->model_count, sizeof(snapshot->by_id[0]), compare);
    return r;
}

int snapshot_new(const struct ein_host *host, json_t *take_resolved, size_t known,
                 struct snapshot **ret_snapshot, struct ein_error *err)
{
    struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

    if (!snapshot) {
        json_decref(take_resolved);
        return error_no_memory(err);
    }
    snapshot->host = host;
    snapshot->resolved = take_resolved;
    snapshot->aliases = json_object_get(take_resolved, "aliases");
    atomic_init(&snapshot->refs, 1);
    (void)pthread_mutex_init(&snapshot->lock, NULL);
    int r = json_object_size(json_object_get(take_resolved, "providers")) > SNAPSHOT_PROVIDERS_MAX
                ? error_set(err, EIN_E_TOO_LARGE, "There are more than %d providers",
                            SNAPSHOT_PROVIDERS_MAX)
                : 0;
    if (r >= 0 && fill(snapshot, known) < 0)
        r = error_no_memory(err);
    if (r < 0) {
        snapshot_drop(snapshot);
        return r;
    }
    *ret_snapshot = snapshot;
    return 0;
}

/* ---- holding ---- */

struct snapshot *snapshot_ref(struct snapshot *snapshot)
{
    atomic_fetch_add(&snapshot->refs, 1);
    return snapshot;
}

void view_drop(struct view *view)
{
    if (!view || atomic_fetch_sub(&view->refs, 1) != 1)
        return;
    json_decref(view->json);
    view->host->mem_free(view->head);
    view->host->mem_free(view->tail);
    free(view->text);
    free(view);
}

void snapshot_drop(struct snapshot *snapshot)
{
    if (!snapshot || atomic_fetch_sub(&snapshot->refs, 1) != 1)
        return;
    while (snapshot->views) {
        struct view *view = snapshot->views;

        snapshot->views = view->next;
        view_drop(view);
    }
    for (size_t i = 0; i < snapshot->provider_count; i++) {
        json_decref(snapshot->providers[i].json);
        json_decref(snapshot->providers[i].whole);
    }
    free(snapshot->providers);
    free(snapshot->models);
    free(snapshot->by_id);
    json_decref(snapshot->resolved);
    (void)pthread_mutex_destroy(&snapshot->lock);
    free(snapshot);
}

/* ---- finding ---- */

const struct provider *snapshot_provider(const struct snapshot *snapshot, const char *name,
                                         size_t *ret_index)
{
    for (size_t i = 0; i < snapshot->provider_count; i++) {
        if (strcmp(snapshot->providers[i].name, name) != 0)
            continue;
        if (ret_index)
            *ret_index = i;
        return &snapshot->providers[i];
    }
    return NULL;
}

size_t snapshot_all(const struct snapshot *snapshot, const char *id,
                    const struct model *const **ret_models)
{
    size_t low = 0, high = snapshot->model_count, count = 0;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(snapshot->by_id[middle]->id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_models = &snapshot->by_id[low];
    while (low + count < snapshot->model_count && strcmp(snapshot->by_id[low + count]->id, id) == 0)
        count++;
    return count;
}

const struct model *snapshot_model(const struct snapshot *snapshot, const char *provider,
                                   const char *id)
{
    const struct model *const *models;
    size_t count = snapshot_all(snapshot, id, &models);

    for (size_t i = 0; i < count; i++)
        if (strcmp(models[i]->provider, provider) == 0)
            return models[i];
    return NULL;
}

/* ---- views ---- */

void etag_write(char etag[ETAG_SIZE], uint64_t hash, const void *data, size_t len)
{
    (void)snprintf(etag, ETAG_SIZE, "\"%016" PRIx64 "\"", hash_fnv(hash, data, len));
}

/* The members of an object as text, without its braces. */
static int write_members(const struct ein_host *host, const json_t *object, char **ret_text,
                         size_t *ret_len)
{
    char *text = host->json_text(object, ret_len);

    if (!text)
        return EIN_E_NO_MEMORY;
    *ret_len -= 2;
    memmove(text, text + 1, *ret_len);
    text[*ret_len] = '\0';
    *ret_text = text;
    return 0;
}

char *view_text(const struct view *view, const char *member, size_t *ret_len)
{
    const char *parts[] = { view->head, member, view->tail };
    size_t size = view->head_len + strlen(member) + view->tail_len + sizeof("{,,}"), len = 0;
    char *text = malloc(size);

    if (!text)
        return NULL;
    text[len++] = '{';
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t part = strlen(parts[i]);
        if (part > 0 && len > 1)
            text[len++] = ',';
        memcpy(text + len, parts[i], part);
        len += part;
    }
    text[len++] = '}';
    text[len] = '\0';
    *ret_len = len;
    return text;
}

static int write_view(const struct snapshot *snapshot, struct view *view)
{
    EIN_JSON json_t *known = json_object();
    EIN_JSON json_t *local = json_object();
    int r;

    view->json = json_object();
    for (size_t i = 0; i < snapshot->provider_count; i++) {
        const struct provider *provider = &snapshot->providers[i];
        if (!(view->mask & (UINT64_C(1) << i)))
            continue;
        (void)json_object_set(provider->local ? local : known, provider->name, provider->json);
        (void)json_object_set(view->json, provider->name, provider->whole);
    }
    if (!view->json || !known || !local)
        return EIN_E_NO_MEMORY;
    r = write_members(view->host, known, &view->head, &view->head_len);
    if (r >= 0)
        r = write_members(view->host, local, &view->tail, &view->tail_len);
    if (r < 0)
        return r;
    view->text = view_text(view, "", &view->len);
    if (!view->text)
        return EIN_E_NO_MEMORY;
    view->hash = hash_fnv(HASH_FNV_START, view->text, view->len);
    etag_write(view->etag, view->hash, "", 0);
    return 0;
}

static struct view *view_new(const struct snapshot *snapshot, uint64_t mask)
{
    struct view *view = calloc(1, sizeof(*view));

    if (!view)
        return NULL;
    view->host = snapshot->host;
    view->mask = mask;
    atomic_init(&view->refs, 1);
    if (write_view(snapshot, view) < 0) {
        view_drop(view);
        return NULL;
    }
    return view;
}

int snapshot_view(struct snapshot *snapshot, uint64_t mask, struct view **ret_view,
                  struct ein_error *err)
{
    EIN_LOCKED(&snapshot->lock);
    struct view *view = snapshot->views;

    while (view && view->mask != mask)
        view = view->next;
    if (!view) {
        view = view_new(snapshot, mask);
        if (!view)
            return error_no_memory(err);
        if (snapshot->view_count == SNAPSHOT_VIEWS_MAX) {
            *ret_view = view;
            return 0;
        }
        view->next = snapshot->views;
        snapshot->views = view;
        snapshot->view_count++;
    }
    atomic_fetch_add(&view->refs, 1);
    *ret_view = view;
    return 0;
}
