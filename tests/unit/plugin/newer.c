/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin of a later minor version: its descriptor is longer than the server's. */
#include <einion/plugin.h>
#include <stddef.h>

struct longer {
    struct ein_plugin known;
    const char *new_member[4];
};

static int newer_init(const struct ein_host *host, struct ein_ctx *ctx, const struct json_t *config,
                      void **ret_self, struct ein_error *err)
{
    (void)host, (void)ctx, (void)config, (void)err;
    *ret_self = NULL;
    return 0;
}

static void newer_fini(void *self)
{
    (void)self;
}

static const struct longer newer_plugin = {
    .known = { EIN_ABI_MAGIC, EIN_ABI_MAJOR, EIN_ABI_MINOR + 1, sizeof(struct longer),
               .flags = 1u << 7, /* a hint that this server does not know */
               .name = "newer", .version = "2.0", .summary = "Knows more than the server",
               .init = newer_init, .fini = newer_fini },
    .new_member = { "one", "two", "three", "four" }
};

EIN_EXTERN_C EIN_PUBLIC const struct ein_plugin *ein_plugin_v1(void);
const struct ein_plugin *ein_plugin_v1(void)
{
    return &newer_plugin.known;
}
