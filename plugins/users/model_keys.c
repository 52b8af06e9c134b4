/* SPDX-License-Identifier: Apache-2.0 */
#include "model_keys.h"

#include "cleanup.h"
#include "error.h"
#include "model_key.h"
#include "no_keys.h"

#include <stdio.h>
#include <string.h>

enum { MASKED_MIN = 12, MASK_SIZE = 32 };

static const struct provider providers[] = {
    { "openai", "openaiApiKey", "OPENAI_API_KEY" },
    { "anthropic", "anthropicApiKey", "ANTHROPIC_API_KEY" },
    { "gemini", "geminiApiKey", "GEMINI_API_KEY" },
    { "perplexity", "perplexityApiKey", "PERPLEXITYAI_API_KEY" },
    { "openrouter", "openrouterApiKey", "OPENROUTER_API_KEY" },
    { "bedrock", NULL, "AWS_BEARER_TOKEN_BEDROCK" },
};
enum { PROVIDER_COUNT = sizeof(providers) / sizeof(providers[0]) };

const struct provider *provider_find(const char *name)
{
    for (size_t i = 0; name && i < PROVIDER_COUNT; i++)
        if (strcmp(providers[i].name, name) == 0)
            return &providers[i];
    return NULL;
}

/* ---- the vault ---- */

static int acquire_vault(const struct users *users, const struct ein_service **ret_service,
                         struct ein_error *err)
{
    if (users->host->acquire(users->ctx, EIN_VAULT, NULL, ret_service) >= 0)
        return 0;
    return error_set(err, EIN_E_UNAVAILABLE,
                     "There is no vault to keep keys in: the plugin is off");
}

int model_key_put(const struct users *users, const char *uid, const struct provider *provider,
                  const char *key, struct ein_error *err)
{
    const struct ein_service *service;
    char name[MODEL_KEY_NAME_SIZE];
    int r = acquire_vault(users, &service, err);

    if (r < 0)
        return r;
    model_key_name(name, sizeof(name), uid, provider->name);
    r = ((const struct ein_vault *)service->vtable)->put(service->impl, name, key, err);
    no_keys_forget(users->no_keys);
    users->host->release(users->ctx, service);
    return r;
}

int model_key_del(const struct users *users, const char *uid, const struct provider *provider,
                  struct ein_error *err)
{
    const struct ein_service *service;
    char name[MODEL_KEY_NAME_SIZE];
    int r = acquire_vault(users, &service, err);

    if (r < 0)
        return r;
    model_key_name(name, sizeof(name), uid, provider->name);
    r = ((const struct ein_vault *)service->vtable)->del(service->impl, name, err);
    users->host->release(users->ctx, service);
    return r;
}

static int no_key(struct ein_error *err)
{
    return error_set(err, EIN_E_NOT_FOUND, "There is no key");
}

/* Hands the user's own key to `use`, and wipes it.  NOT_FOUND: there is none, or no vault. */
static int with_own_key(const struct users *users, const char *uid, const struct provider *provider,
                        int (*use)(const char *key, void *data), void *data, struct ein_error *err)
{
    const struct ein_service *service;
    char name[MODEL_KEY_NAME_SIZE], *key = NULL;
    uint64_t ticket;

    if (!provider->member)
        return no_key(err);
    model_key_name(name, sizeof(name), uid, provider->name);
    if (no_keys_has(users->no_keys, name, &ticket) ||
        users->host->acquire(users->ctx, EIN_VAULT, NULL, &service) < 0)
        return no_key(err);
    const struct ein_vault *vault = service->vtable;
    int r = vault->get(service->impl, name, &key, err);
    if (r == EIN_E_NOT_FOUND)
        no_keys_put(users->no_keys, name, ticket);
    if (r == 0)
        r = use(key, data);
    vault->wipe(service->impl, key);
    users->host->release(users->ctx, service);
    return r;
}

/* ---- masks ---- */

/* "sk-…abcd": enough to know it again.  A short key would be half given away. */
static int mask(const char *key, void *data)
{
    char *text = data;
    size_t len = strlen(key);

    if (len < MASKED_MIN)
        snprintf(text, MASK_SIZE, "…");
    else
        snprintf(text, MASK_SIZE, "%.3s…%s", key, key + len - 4);
    return 0;
}

static bool may_have_key(const json_t *user, const struct provider *provider)
{
    return list_has(json_object_get(user, "keyProviders"), provider->name);
}

static int add_mask(const struct users *users, const json_t *user, const struct provider *provider,
                    json_t *masks, struct ein_error *err)
{
    char text[MASK_SIZE];
    int r = EIN_E_NOT_FOUND;

    if (may_have_key(user, provider))
        r = with_own_key(users, text_of(user, "_id"), provider, mask, text, err);
    if (r < 0 && r != EIN_E_NOT_FOUND)
        return r;
    return json_object_set_new(masks, provider->member, r == 0 ? json_string(text) : json_null()) <
                   0
               ? error_no_memory(err)
               : 0;
}

int model_key_masks(const struct users *users, const json_t *user, json_t **ret_masks,
                    struct ein_error *err)
{
    EIN_JSON json_t *masks = json_object();

    for (size_t i = 0; i < PROVIDER_COUNT; i++) {
        int r = providers[i].member ? add_mask(users, user, &providers[i], masks, err) : 0;
        if (r < 0)
            return r;
    }
    *ret_masks = EIN_TAKE(masks);
    return 0;
}

/* ---- model_keys/1 ---- */

struct copy {
    const struct users *users;
    char *key;
};

static int copy_key(const char *key, void *data)
{
    struct copy *copy = data;

    copy->key = copy->users->host->text_dup(key);
    return copy->key ? 0 : EIN_E_NO_MEMORY;
}

int model_key_get(void *impl, const char *user_id, const char *provider, char **ret_key,
                  const char **ret_source, struct ein_error *err)
{
    const struct users *users = impl;
    const struct provider *known = provider_find(provider);
    struct copy copy = { .users = users };
    const char *shared;

    if (!known)
        return error_set(err, EIN_E_NOT_FOUND, "Unknown provider: %.64s", provider ? provider : "");
    int r = with_own_key(users, user_id, known, copy_key, &copy, err);
    if (r == 0) {
        *ret_key = copy.key;
        *ret_source = "user";
    }
    if (r != EIN_E_NOT_FOUND)
        return r;
    shared = users->host->secret(users->ctx, known->environment);
    if (!shared || !*shared)
        return error_set(err, EIN_E_NOT_FOUND, "There is no key for %s", known->name);
    *ret_key = users->host->text_dup(shared);
    *ret_source = "env";
    return *ret_key ? 0 : error_no_memory(err);
}

static int is_there(const char *key, void *data)
{
    (void)key;
    (void)data;
    return 0;
}

static const char *source_of(const struct users *users, const json_t *user,
                             const struct provider *provider)
{
    const char *shared;

    if (may_have_key(user, provider) &&
        with_own_key(users, text_of(user, "_id"), provider, is_there, NULL, NULL) == 0)
        return "user";
    shared = users->host->secret(users->ctx, provider->environment);
    return shared && *shared ? "env" : NULL;
}

static int model_key_sources(void *impl, const char *user_id, json_t **ret_sources,
                             struct ein_error *err)
{
    const struct users *users = impl;
    EIN_JSON json_t *sources = json_object();
    EIN_JSON json_t *user = NULL;
    int r = users->host->store->get(users->ctx, USERS_SET, user_id, &user, err);

    if (r < 0 && r != EIN_E_NOT_FOUND)
        return r;
    for (size_t i = 0; i < PROVIDER_COUNT; i++) {
        const char *source = source_of(users, user, &providers[i]);
        if (source && json_object_set_new(sources, providers[i].name, json_string(source)) < 0)
            return error_no_memory(err);
    }
    *ret_sources = EIN_TAKE(sources);
    return 0;
}

void model_key_wipe(void *impl, char *take_key)
{
    const struct users *users = impl;

    if (take_key)
        explicit_bzero(take_key, strlen(take_key));
    users->host->mem_free(take_key);
}

const struct ein_model_keys model_keys_service = {
    .struct_size = sizeof(model_keys_service),
    .get = model_key_get,
    .wipe = model_key_wipe,
    .sources = model_key_sources,
};
