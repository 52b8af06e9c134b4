/* SPDX-License-Identifier: Apache-2.0 */
#include "agent_secret.h"

#include "cleanup.h"
#include "error.h"
#include <einion/services.h>
#include <stdio.h>

static void name_in_vault(const char *agent_id, const char *name, char ret[SECRET_VAULT_SIZE])
{
    (void)snprintf(ret, SECRET_VAULT_SIZE, "agent_secret/%s/%s", agent_id, name);
}

static int acquire_vault(const struct ein_host *host, struct ein_ctx *ctx,
                         const struct ein_service **ret_service, struct ein_error *err)
{
    if (host->acquire(ctx, EIN_VAULT, NULL, ret_service) >= 0)
        return 0;
    return error_set(err, EIN_E_UNAVAILABLE,
                     "There is no vault for the secrets of agents: the plugin is off.");
}

int agent_secret_names(const struct ein_host *host, struct ein_ctx *ctx, const char *agent_id,
                       json_t **ret_doc, struct ein_error *err)
{
    json_t *doc = NULL;
    int r = host->store->get(ctx, SECRET_SET, agent_id, &doc, err);

    if (r < 0 && r != EIN_E_NOT_FOUND)
        return r;
    *ret_doc = doc;
    return 0;
}

/* One that is named and not in the vault is just being set or deleted. */
static int add_secret(const struct ein_service *service, const char *agent_id, const char *name,
                      json_t *secrets, struct ein_error *err)
{
    const struct ein_vault *vault = service->vtable;
    char in_vault[SECRET_VAULT_SIZE];
    char *text = NULL;

    name_in_vault(agent_id, name, in_vault);
    int r = vault->get(service->impl, in_vault, &text, err);
    if (r == EIN_E_NOT_FOUND)
        return 0;
    if (r == 0 && json_object_set_new(secrets, name, json_string(text)) < 0)
        r = error_no_memory(err);
    vault->wipe(service->impl, text);
    return r;
}

int agent_secrets_get(const struct ein_host *host, struct ein_ctx *ctx, const char *agent_id,
                      json_t **ret_secrets, struct ein_error *err)
{
    const struct ein_service *service;
    EIN_JSON json_t *doc = NULL;
    EIN_JSON json_t *secrets = NULL;
    const char *name;
    json_t *about;
    int r = agent_secret_names(host, ctx, agent_id, &doc, err);

    *ret_secrets = NULL;
    if (r < 0 || json_object_size(json_object_get(doc, "names")) == 0)
        return r;
    secrets = json_object();
    if (!secrets)
        return error_no_memory(err);
    r = acquire_vault(host, ctx, &service, err);
    if (r < 0)
        return r;
    json_object_foreach(json_object_get(doc, "names"), name, about)
    {
        if (r == 0)
            r = add_secret(service, agent_id, name, secrets, err);
    }
    host->release(ctx, service);
    if (r == 0)
        *ret_secrets = EIN_TAKE(secrets);
    return r;
}

int agent_secret_set(const struct ein_host *host, struct ein_ctx *ctx, const char *agent_id,
                     const char *name, const char *text, struct ein_error *err)
{
    const struct ein_service *service;
    const struct ein_vault *vault;
    char in_vault[SECRET_VAULT_SIZE];
    int r = acquire_vault(host, ctx, &service, err);

    if (r < 0)
        return r;
    vault = service->vtable;
    name_in_vault(agent_id, name, in_vault);
    r = text ? vault->put(service->impl, in_vault, text, err)
             : vault->del(service->impl, in_vault, err);
    host->release(ctx, service);
    return r == EIN_E_NOT_FOUND && !text ? 0 : r;
}
