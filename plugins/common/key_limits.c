/* SPDX-License-Identifier: Apache-2.0 */
#include "key_limits.h"

#include <string.h>

int key_limits_of(const struct ein_host *host, struct ein_ctx *ctx, const char *key_id,
                  json_t **ret_limits, struct ein_error *err)
{
    const struct ein_service *service;

    *ret_limits = NULL;
    if (!key_id || host->acquire(ctx, EIN_API_KEYS, NULL, &service) < 0)
        return 0;
    int r = ((const struct ein_api_keys *)service->vtable)
                ->limits(service->impl, key_id, ret_limits, err);
    host->release(ctx, service);
    return r == EIN_E_NOT_FOUND ? 0 : r;
}

/* "openai/gpt-4o", or how such names begin: "openai/gpt-*". */
static bool matches(const char *pattern, const char *provider, const char *model)
{
    size_t len = strlen(provider);

    if (strncmp(pattern, provider, len) != 0 || pattern[len] != '/')
        return false;
    pattern += len + 1;
    len = strcspn(pattern, "*");
    return strncmp(pattern, model, len) == 0 && (pattern[len] || !model[len]);
}

bool key_limits_allow(const json_t *limits, const char *provider, const char *model)
{
    const json_t *models = json_object_get(limits, "models"), *pattern;
    size_t i;

    json_array_foreach(models, i, pattern)
    {
        if (matches(json_string_value(pattern), provider, model))
            return true;
    }
    return !models;
}
