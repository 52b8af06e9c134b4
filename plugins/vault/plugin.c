/* SPDX-License-Identifier: Apache-2.0 */
/* vault: secrets at rest.
 *
 * Publishes vault/1.  A secret is a document of the set "vault": AES-256-GCM, a random nonce, its
 * name authenticated.  Who has the database without the master key has nothing, not even the last
 * digits of a secret; who changes it is noticed.
 *
 * The master key is in a file that only the server's user may read, made at the first start, or in
 * the secret EINION_MASTER_KEY (64 hexadecimal digits; several with blanks between: the first one
 * seals, all of them open).  Where secrets are sealed and their key is missing or damaged, the
 * server does not start: it never makes a new key in its place.  A backup of the database is of no
 * use without the key: keep a copy of the file, in another place.
 *
 * `einion rotate-keys` makes a new key, seals everything with it and drops the old one, also while
 * servers run; killed at any point, it is brought to its end by the next start.  Several servers
 * on one store share the file.
 *
 * Needs storage_backend/1.
 *
 * Settings
 *   key_file   the file with the master keys, where EINION_MASTER_KEY is not set
 *   check_ms   how often the file is looked at for a rotation (1000)
 *
 * Example
 *   plugins:
 *     vault:
 *       key_file: /var/lib/einion/vault.key
 */
#include "vault.h"

#include "init.h"
#include "schemas.h"

#include <stdlib.h>

/* clang-format off */
static const char config_schema[] = SCHEMA({"type": "object", "properties": {
    "key_file": {"type": "string", "minLength": 1,
                 "description": "The file of master keys, where EINION_MASTER_KEY is not set."},
    "check_ms": {"type": "integer", "minimum": 10, "maximum": 3600000, "default": 1000,
                 "description": "How often the file is looked at for keys that another process wrote."}
}});
/* clang-format on */

static const struct ein_vault service = {
    .struct_size = sizeof(service),
    .put = vault_put,
    .get = vault_get,
    .del = vault_del,
    .wipe = vault_wipe,
    .rotate = vault_rotate,
};

static void fini(void *self)
{
    struct vault *vault = self;

    ring_free(vault->ring);
    pthread_mutex_destroy(&vault->rotating);
    pthread_rwlock_destroy(&vault->lock);
    free(vault);
}

static bool has_master_key(const struct ein_host *host, struct ein_ctx *ctx)
{
    const char *keys = host->secret(ctx, "EINION_MASTER_KEY");

    return keys && *keys;
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct vault *vault = calloc(1, sizeof(*vault));

    if (!vault)
        return error_no_memory(err);
    vault->host = host;
    vault->ctx = ctx;
    pthread_rwlock_init(&vault->lock, NULL);
    pthread_mutex_init(&vault->rotating, NULL);
    vault->check_ms = (uint32_t)json_integer_value(json_object_get(config, "check_ms"));
    if (!has_master_key(host, ctx))
        vault->key_file = json_string_value(json_object_get(config, "key_file"));

    int r = vault->key_file || has_master_key(host, ctx)
                ? host->publish(ctx, EIN_VAULT, "vault", &service, vault, err)
                : error_set(err, EIN_E_INVALID,
                            "vault needs the setting key_file or the secret EINION_MASTER_KEY");
    return init_done(r, vault, fini, ret_self);
}

static int start(void *self, struct ein_error *err)
{
    struct vault *vault = self;
    uint64_t count;
    int r = vault->host->store->index(vault->ctx, VAULT_SET, "keyId", err);

    if (r >= 0)
        r = vault_begin(vault, err);
    if (r >= 0 && vault_key_count(vault) > 1)
        r = vault_finish_rotation(vault, &count, err);
    if (r >= 0 && vault->key_file)
        r = vault->host->every(vault->ctx, vault->check_ms, vault_tick, vault);
    atomic_store(&vault->started, r >= 0);
    return r;
}

static const char *const needs[] = { EIN_STORAGE_BACKEND, NULL };

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "vault",
    .version = "0.1.0",
    .summary = "Secrets at rest",
    .config_schema = config_schema,
    .needs = needs,
    .init = init,
    .start = start,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
