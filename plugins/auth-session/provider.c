/* SPDX-License-Identifier: Apache-2.0 */
#include "provider.h"
#include "cleanup.h"
#include "error.h"

#include <string.h>

static bool has_login(const struct ein_service *service)
{
    const struct ein_auth_provider *provider = service->vtable;

    return EIN_HAS(struct ein_auth_provider, provider, login_url) &&
           EIN_HAS(struct ein_auth_provider, provider, exchange);
}

const struct ein_service *provider_acquire(const struct auth_session *self, const char *name)
{
    const struct ein_service *service;

    if (self->host->acquire(self->ctx, EIN_AUTH_PROVIDER, name, &service) < 0)
        return NULL;
    if (has_login(service))
        return service;
    self->host->release(self->ctx, service);
    return NULL;
}

struct listing {
    const struct auth_session *self;
    json_t *list;
    struct ein_error *err;
};

static size_t place_of(const json_t *list, const char *name)
{
    size_t i = 0;

    while (i < json_array_size(list) &&
           strcmp(json_string_value(json_object_get(json_array_get(list, i), "type")), name) < 0)
        i++;
    return i;
}

static int add(const struct ein_service *service, void *data)
{
    const struct ein_auth_provider *provider = service->vtable;
    struct listing *listing = data;
    EIN_JSON json_t *about = NULL;
    struct ein_error why = { 0 };
    json_t *entry;

    if (!has_login(service))
        return 0;
    if (EIN_HAS(struct ein_auth_provider, provider, describe) &&
        error_due(&why, provider->describe(service->impl, &about, &why)) < 0)
        listing->self->host->log_msg(listing->self->ctx, EIN_WARN,
                                     "The login '%s' does not describe itself: %s", service->name,
                                     why.text);
    entry =
        json_pack("{s:s, s:O?, s:O?}", "type", service->name, "displayName",
                  json_object_get(about, "displayName"), "icon", json_object_get(about, "icon"));
    if (json_array_insert_new(listing->list, place_of(listing->list, service->name), entry) < 0)
        return error_no_memory(listing->err);
    return 0;
}

int provider_list(const struct auth_session *self, json_t **ret_list, struct ein_error *err)
{
    EIN_JSON json_t *list = json_array();
    struct listing listing = { self, list, err };
    int r = self->host->each_service(self->ctx, EIN_AUTH_PROVIDER, add, &listing);

    if (r < 0)
        return r;
    *ret_list = EIN_TAKE(list);
    return 0;
}
