/* SPDX-License-Identifier: Apache-2.0 */
/* Which model a name means. */
#include "catalog_inside.h"
#include "cleanup.h"
#include "error.h"
#include "models.h"
#include "shown.h"

#include <string.h>

void found_drop(struct found *found)
{
    snapshot_drop(found->snapshot);
    *found = (struct found){ 0 };
}

static int take(struct snapshot *take_snapshot, const struct model *model, struct found *ret_found)
{
    *ret_found = (struct found){ take_snapshot, model };
    return 0;
}

/* A snapshot of one deployed agent, which no catalog has. */
static int find_deployed(struct catalog *catalog, const char *user_id, const char *name,
                         const json_t *visible, struct found *ret_found, struct ein_error *err)
{
    EIN_JSON json_t *deployed = NULL;
    struct snapshot *snapshot;
    json_t *entry, *resolved;
    int r = shown_deployed(catalog, user_id, visible, name, &deployed, err);

    if (r < 0)
        return r;
    entry = json_object_get(json_object_get(deployed, "models"), name);
    if (!entry)
        return error_set(err, EIN_E_NOT_FOUND, "Could not find a deployed agent with name '%.150s'",
                         name);
    resolved = json_pack("{s:{s:{s:{s:O}}}}", "providers", DEPLOYED, "models", name, entry);
    r = resolved ? snapshot_new(catalog->host, resolved, 1, &snapshot, err) : error_no_memory(err);
    return r < 0 ? r : take(snapshot, snapshot_model(snapshot, DEPLOYED, name), ret_found);
}

/* "provider/model", by the part before each slash: ids may have slashes too. */
static const struct model *find_whole(const struct snapshot *snapshot, const char *name)
{
    const struct model *model = NULL;

    for (size_t i = 0; !model && i < snapshot->provider_count; i++) {
        const char *provider = snapshot->providers[i].name;
        size_t len = strlen(provider);
        if (strncmp(name, provider, len) == 0 && name[len] == '/')
            model = snapshot_model(snapshot, provider, name + len + 1);
    }
    return model;
}

/* The one of them that the user may call, where it is one. */
static const struct model *only_callable(const struct catalog *catalog, const char *user_id,
                                         const struct snapshot *snapshot,
                                         const struct model *const *models, size_t count)
{
    const struct model *only = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct provider *provider = snapshot_provider(snapshot, models[i]->provider, NULL);
        if (!shown_may(catalog, user_id, provider))
            continue;
        if (only)
            return NULL;
        only = models[i];
    }
    return only;
}

static int find_bare(const struct catalog *catalog, const char *user_id,
                     const struct snapshot *snapshot, const char *name,
                     const struct model **ret_model, struct ein_error *err)
{
    const struct model *const *models;
    size_t count = snapshot_all(snapshot, name, &models);

    if (count == 0)
        return error_set(err, EIN_E_NOT_FOUND, "Model not found: %.180s", name);
    *ret_model = count == 1 ? models[0] : only_callable(catalog, user_id, snapshot, models, count);
    if (*ret_model)
        return 0;
    return error_set(err, EIN_E_INVALID,
                     "Several providers have %.100s: say %.30s/... or %.30s/...", name,
                     models[0]->provider, models[1]->provider);
}

static int find_in(const struct catalog *catalog, const char *user_id,
                   const struct snapshot *snapshot, const char *name,
                   const struct model **ret_model, struct ein_error *err)
{
    const char *target = text_of(snapshot->aliases, name);

    *ret_model = find_whole(snapshot, target ? target : name);
    if (*ret_model)
        return 0;
    if (target)
        return error_set(err, EIN_E_NOT_FOUND, "%.100s stands for %.100s, which is not there", name,
                         target);
    return find_bare(catalog, user_id, snapshot, name, ret_model, err);
}

int catalog_find(struct catalog *catalog, const char *user_id, const char *model,
                 const json_t *visible, struct found *ret_found, struct ein_error *err)
{
    static const char deployed[] = DEPLOYED "/";
    const struct model *found;

    if (strncmp(model, deployed, sizeof(deployed) - 1) == 0)
        return find_deployed(catalog, user_id, model + sizeof(deployed) - 1, visible, ret_found,
                             err);
    struct snapshot *snapshot = catalog_take(catalog);
    int r = find_in(catalog, user_id, snapshot, model, &found, err);
    if (r >= 0)
        return take(snapshot, found, ret_found);
    snapshot_drop(snapshot);
    return r;
}

/* ---- completion/1 ---- */

int models_find(void *impl, const char *user_id, const char *model, const json_t *visible,
                json_t **ret_found, struct ein_error *err)
{
    const struct models *models = impl;
    struct found found = { 0 };
    int r = catalog_find(models->catalog, user_id, model, visible, &found, err);

    if (r < 0)
        return r;
    *ret_found = json_pack("{s:s, s:s, s:O}", "provider", found.model->provider, "id",
                           found.model->id, "model", found.model->json);
    found_drop(&found);
    return *ret_found ? 0 : error_no_memory(err);
}

/* VIEW's providers with the deployed agents behind those that files know. */
static json_t *with_deployed(const struct snapshot *snapshot, const struct view *view,
                             json_t *deployed)
{
    json_t *all = json_object();
    bool placed = false;

    for (size_t i = 0; i < snapshot->provider_count; i++) {
        const struct provider *provider = &snapshot->providers[i];
        if (provider->local && !placed) {
            (void)json_object_set(all, DEPLOYED, deployed);
            placed = true;
        }
        if (view->mask & (UINT64_C(1) << i))
            (void)json_object_set(all, provider->name, provider->whole);
    }
    if (!placed)
        (void)json_object_set(all, DEPLOYED, deployed);
    return all;
}

int models_catalog(void *impl, const char *user_id, const json_t *visible, json_t **ret_catalog,
                   struct ein_error *err)
{
    struct catalog *catalog = ((const struct models *)impl)->catalog;
    EIN_JSON json_t *deployed = NULL;
    struct view *view;
    int r = shown_deployed(catalog, user_id, visible, NULL, &deployed, err);

    if (r < 0)
        return r;
    struct snapshot *snapshot = catalog_take(catalog);
    r = snapshot_view(snapshot, shown_mask(catalog, snapshot, user_id), &view, err);
    if (r >= 0) {
        *ret_catalog = deployed ? with_deployed(snapshot, view, deployed) : json_incref(view->json);
        view_drop(view);
    }
    snapshot_drop(snapshot);
    return r;
}
