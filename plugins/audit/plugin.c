/* SPDX-License-Identifier: Apache-2.0 */
/* audit: who did what, for good.
 *
 *   GET /admin/audit   the log, newest first; ?actor= ?action= ?from= ?to= ?limit= ?cursor=
 *
 * Publishes audit/1.  An entry is on disk when append() returns.  Each holds an HMAC-SHA-256 over
 * itself and the one before, with a key that only the vault can open, and the head of the log tells
 * where it ends: `einion audit verify` finds an entry that was changed, taken away, put in or put
 * elsewhere, and an end that was cut off, also while servers write.  What no log can show by itself
 * is that the whole store was put back to an earlier day: for that, keep the last number and mac
 * of GET /admin/audit somewhere else.  Entries are never deleted.
 *
 * Plugins that audit something do so at the moment it happens, and go on where this one is absent.
 *
 * Needs storage_backend/1 and vault/1.
 *
 * Settings
 *   none
 *
 * Example
 *   plugins:
 *     audit:
 */
#include "audit.h"

#include "init.h"

#include <gnutls/gnutls.h>
#include <stdlib.h>

static const struct ein_route routes[] = {
    { .method = "GET",
      .path = "/admin/audit",
      .operation_id = "list_audit",
      .summary = "The audit log, newest first",
      .auth = EIN_AUTH_ADMIN,
      .query_schema = AUDIT_QUERY_SCHEMA,
      .reply_schema = AUDIT_LIST_SCHEMA,
      .scope = "admin:read",
      .status = 200,
      .handle = audit_list },
};

static const struct ein_audit service = {
    .struct_size = sizeof(service),
    .append = audit_append,
    .verify = audit_verify,
};

static void fini(void *self)
{
    struct audit *audit = self;

    gnutls_memset(&audit->key, 0, sizeof(audit->key));
    pthread_cond_destroy(&audit->written);
    pthread_mutex_destroy(&audit->lock);
    free(audit);
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct audit *audit = calloc(1, sizeof(*audit));

    (void)config;
    if (!audit)
        return error_no_memory(err);
    audit->host = host;
    audit->ctx = ctx;
    audit->last = &audit->first;
    pthread_mutex_init(&audit->lock, NULL);
    pthread_cond_init(&audit->written, NULL);

    int r = host->publish(ctx, EIN_AUDIT, "audit", &service, audit, err);
    if (r >= 0)
        r = EIN_ADD_ROUTES(host, ctx, routes, audit, err);
    return init_done(r, audit, fini, ret_self);
}

/* A log that is not in order is no reason not to serve: what is written says so. */
static int start(void *self, struct ein_error *err)
{
    static const char *const fields[] = { "actor,_id", "action,_id", "timestamp,_id" };
    struct audit *audit = self;
    struct ein_error why = { 0 };

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        int r = audit->host->store->index(audit->ctx, AUDIT_SET, fields[i], err);
        if (r < 0)
            return r;
    }
    int r = audit_load(audit, false, &audit->key, &audit->head, &why);
    audit->known = r == 0;
    if (r == EIN_E_NOT_FOUND)
        r = audit_check_none(audit, &why); /* key and head are made with the first entry */
    if (r < 0)
        audit->host->unready(audit->ctx, why.text);
    return 0;
}

static const char *const needs[] = { EIN_STORAGE_BACKEND, EIN_VAULT, NULL };

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "audit",
    .version = "0.1.0",
    .summary = "Who did what, for good",
    .needs = needs,
    .init = init,
    .start = start,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
