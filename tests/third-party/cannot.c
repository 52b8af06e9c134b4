/* SPDX-License-Identifier: Apache-2.0 */
/* cannot: offers a vault that cannot rotate its keys, and an audit log that cannot be verified.
 * Both keep nothing. */
#include <einion/services.h>
#include <jansson.h>
#include <stdlib.h>

static int put(void *impl, const char *name, const char *secret, struct ein_error *err)
{
    (void)impl, (void)name, (void)secret, (void)err;
    return 0;
}

static int get(void *impl, const char *name, char **ret_secret, struct ein_error *err)
{
    (void)impl, (void)name, (void)ret_secret, (void)err;
    return EIN_E_NOT_FOUND;
}

static int del(void *impl, const char *name, struct ein_error *err)
{
    (void)impl, (void)name, (void)err;
    return EIN_E_NOT_FOUND;
}

static void wipe(void *impl, char *take_secret)
{
    (void)impl;
    free(take_secret);
}

static int append(void *impl, json_t *take_event, struct ein_error *err)
{
    (void)impl, (void)err;
    json_decref(take_event);
    return 0;
}

static const struct ein_vault vault = {
    .struct_size = sizeof(vault), .put = put, .get = get, .del = del, .wipe = wipe
};
static const struct ein_audit audit = { .struct_size = sizeof(audit), .append = append };

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    int r = host->publish(ctx, EIN_VAULT, NULL, &vault, NULL, err);

    (void)config;
    *ret_self = NULL;
    return r < 0 ? r : host->publish(ctx, EIN_AUDIT, NULL, &audit, NULL, err);
}

static void fini(void *self)
{
    (void)self;
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,  .name = "cannot",
    .version = "0.1.0", .summary = "A vault and an audit log that cannot do much",
    .init = init,       .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
