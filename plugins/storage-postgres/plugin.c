/* SPDX-License-Identifier: Apache-2.0 */
/* storage-postgres: documents in a PostgreSQL database, for several servers at once.
 *
 * Publishes storage_backend/1 "postgres".  Each set of documents is a table "set_NAME"(seq, id,
 * rev, body, keys, k1, k2, ...): a column kN holds bytes that sort as the values of one field do,
 * made when the field is first filtered or ordered by.  A write that was answered is on disk,
 * whatever synchronous_commit the database has.  To back up, use pg_dump.
 *
 * Of several hosts in `url` the one is taken that can be written to, again after each loss of a
 * connection.  What clients are told names neither hosts nor users nor tables; the log does.
 *
 * Settings
 *   url                  how to connect, as libpq has it: "postgresql://USER@HOST/DATABASE", or
 *                        ""; what it does not say comes from libpq's environment (PGHOST, ...).
 *                        The secret DATABASE_URL wins over it.  A password belongs into
 *                        DATABASE_URL, PGPASSWORD or ~/.pgpass, not into the configuration
 *   schema               the tables' schema, made if it is not there ("einion")
 *   connections          at once (8)
 *   connect_s            to connect, in seconds (10)
 *   wait_ms              that a call waits for a connection before it is refused (10000)
 *   statement_ms         that one statement may take (30000)
 *   index_ms             that one may take that makes a column or an index (3600000)
 *   lock_ms              of these, waiting for a row or table that others have locked (2000)
 *   max_document_bytes   the largest document, as JSON text (16777216)
 *   find_bytes           of documents that a find reads into memory at once (4194304)
 *
 * Example
 *   storage:
 *     backend: postgres
 *   plugins:
 *     storage-postgres:
 *       url: postgresql://einion@db.local/einion
 */
#include "chosen.h"
#include "cleanup.h"
#include "error.h"
#include "init.h"
#include "member.h"
#include "postgres.h"

#include "schemas.h"

#include <stdlib.h>

enum { LOOK_MS = 1000 };

/* clang-format off */
static const char config_schema[] = SCHEMA({"type": "object", "properties": {
    "url": {"type": "string", "default": "",
            "description": "How to connect, as libpq has it; the secret DATABASE_URL wins over it."},
    "schema": {"type": "string", "pattern": "^[a-z_][a-z0-9_]*$", "maxLength": 63,
               "default": "einion",
               "description": "The schema of the tables; it is made if it is not there."},
    "connections": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 8,
                    "description": "Connections to the database at once."},
    "connect_s": {"type": "integer", "minimum": 2, "maximum": 300, "default": 10,
                  "description": "What connecting may take, in seconds."},
    "wait_ms": {"type": "integer", "minimum": 1, "maximum": 600000, "default": 10000,
                "description": "How long a call waits for a connection; then it is refused."},
    "statement_ms": {"type": "integer", "minimum": 100, "maximum": 3600000, "default": 30000,
                     "description": "What one statement may take."},
    "index_ms": {"type": "integer", "minimum": 100, "maximum": 86400000, "default": 3600000,
                 "description": "What one statement may take that makes a column or an index."},
    "lock_ms": {"type": "integer", "minimum": 1, "maximum": 3600000, "default": 2000,
                "description": "How long a statement waits for what others have locked."},
    "max_document_bytes": {"type": "integer", "minimum": 1024, "maximum": 536870912,
                           "default": 16777216,
                           "description": "The largest document that is stored, in bytes of JSON text."},
    "find_bytes": {"type": "integer", "minimum": 1, "maximum": 134217728, "default": 4194304,
                   "description": "Documents that a find reads into memory at once, in bytes of JSON text."}
}});
/* clang-format on */

static const struct ein_storage_backend backend = {
    .struct_size = sizeof(backend),
    .get = postgres_get,
    .batch = postgres_batch,
    .find = postgres_find,
    .tally = postgres_tally,
    .index = postgres_index,
    .claim = postgres_claim,
    .sets = postgres_sets,
    .weigh = postgres_weigh,
    .takes_text = 1,
    .stand_still = postgres_stand_still,
};

static void fini(void *self)
{
    struct postgres *store = self;

    store->open = false;
    pool_free(store->pool);
    catalog_free(store->catalog);
    free(store);
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct postgres *store = calloc(1, sizeof(*store));
    int r;

    if (!store)
        return error_no_memory(err);
    *store = (struct postgres){
        .host = host,
        .ctx = ctx,
        .url = text_of(config, "url"),
        .schema = text_of(config, "schema"),
        .connections = (int)integer_of(config, "connections"),
        .connect_s = setting_of(config, "connect_s"),
        .wait_ms = setting_of(config, "wait_ms"),
        .statement_ms = setting_of(config, "statement_ms"),
        .index_ms = setting_of(config, "index_ms"),
        .lock_ms = setting_of(config, "lock_ms"),
        .max_bytes = (size_t)integer_of(config, "max_document_bytes"),
        .find_bytes = (size_t)integer_of(config, "find_bytes"),
        .catalog = catalog_new(),
    };
    r = store->catalog ? pool_new(store, &store->pool, err) : error_no_memory(err);
    if (r >= 0)
        r = host->publish(ctx, EIN_STORAGE_BACKEND, "postgres", &backend, store, err);
    return init_done(r, store, fini, ret_self);
}

static int start(void *self, struct ein_error *err)
{
    struct postgres *store = self;
    const char *url = store->host->secret(store->ctx, "DATABASE_URL");
    int r;

    if (url)
        store->url = url;
    r = pool_do(store, conn_check_session, NULL, err);
    if (r >= 0)
        r = pool_do(store, catalog_migrate, NULL, err);
    if (r < 0)
        return r;
    store->open = true;
    r = store->host->every(store->ctx, LOOK_MS, pool_look, store);
    if (r < 0)
        return error_set(err, r, "The database cannot be looked after");
    store->host->log_msg(store->ctx, EIN_INFO, "Documents are kept in PostgreSQL, schema %s",
                         store->schema);
    return 0;
}

/* Connects as start() would, and writes nothing. */
static int check(void *self, ein_say *say, void *data, struct ein_error *err)
{
    struct postgres *store = self;
    const char *url = store->host->secret(store->ctx, "DATABASE_URL");
    struct conn conn = { .store = store };
    EIN_FREE char *line = NULL;
    int r;

    if (!storage_is_chosen(store->host, store->ctx, self))
        return 0;
    if (url)
        store->url = url;
    r = conn_open(&conn, err);
    if (r >= 0)
        r = conn_check_session(&conn, NULL, err);
    if (r >= 0 &&
        asprintf(&line, "documents are kept in PostgreSQL %d at %s, database %s, schema %s",
                 PQserverVersion(conn.pg) / 10000, PQhost(conn.pg), PQdb(conn.pg),
                 store->schema) < 0)
        r = error_no_memory(err);
    conn_close(&conn);
    if (line)
        say(line, data);
    return r;
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .name = "storage-postgres",
    .version = "0.1.0",
    .summary = "Documents in PostgreSQL, for several servers at once",
    .config_schema = config_schema,
    .init = init,
    .start = start,
    .fini = fini,
    .check = check,
};
EIN_PLUGIN_EXPORT(plugin)
