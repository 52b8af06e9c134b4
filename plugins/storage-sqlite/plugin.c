/* SPDX-License-Identifier: Apache-2.0 */
/* storage-sqlite: documents in one SQLite file on a local disk.
 *
 * Publishes storage_backend/1 "sqlite".  A write that was answered is on disk: one thread commits
 * whatever has queued up with one fsync for all of it.  One server at a time owns the file; it
 * refuses a file that is damaged, another program's, or a newer einion's.  Memory: the cache, and
 * 2 MiB for each reader.
 *
 * Settings
 *   path                 the file; missing folders are made, readable to us only
 *   readers              connections that read beside the writer (4)
 *   queue                writes that may wait before more are refused (10000)
 *   check                "auto": check the file unless it was closed in order;
 *                        "always"; "never" (auto)
 *   check_ms             what a check of "auto" may take: a server that comes back must not be away
 *                        for as long as its file is large; 0: what it takes (20000)
 *   cache_mib            memory for documents read before; 0: none (16)
 *   max_document_bytes   the largest document, as JSON text (16777216)
 *   find_bytes           of documents that a find reads into memory at once (4194304)
 *   max_mib              the largest file; 0: as the disk allows (0)
 *   reserve_mib          space on the disk that is kept, in a file beside it, so that things can
 *                        still be deleted when the disk is full; of max_mib as much, but at most
 *                        an eighth; 0: none (16)
 *
 * Example
 *   plugins:
 *     storage-sqlite:
 *       path: /var/lib/einion/einion.db
 *       cache_mib: 64
 */
#include "member.h"
#include "sqlite.h"

#include "init.h"
#include "schemas.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const char config_schema[] = SCHEMA({"type": "object", "required": ["path"], "properties": {
    "path": {"type": "string", "minLength": 1,
             "description": "The file that holds the documents. Missing folders are made."},
    "readers": {"type": "integer", "minimum": 1, "maximum": 64, "default": 4,
                "description": "Connections that read beside the writer."},
    "queue": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 10000,
              "description": "Writes that may wait; above it they are refused as busy."},
    "check": {"type": "string", "enum": ["auto", "always", "never"], "default": "auto",
              "description": "When the file is checked at start: auto is, unless it was closed in order."},
    "check_ms": {"type": "integer", "minimum": 0, "maximum": 86400000, "default": 20000,
                 "description": "Milliseconds that a check of auto may take; the rest of the file is then not checked. 0: what it takes."},
    "cache_mib": {"type": "integer", "minimum": 0, "maximum": 1048576, "default": 16,
                  "description": "Memory, in MiB, for documents that were read before; 0: none."},
    "max_document_bytes": {"type": "integer", "minimum": 1024, "maximum": 536870912,
                           "default": 16777216,
                           "description": "The largest document that is stored, in bytes of JSON text."},
    "find_bytes": {"type": "integer", "minimum": 1, "maximum": 134217728, "default": 4194304,
                   "description": "Documents that a find reads into memory at once, in bytes of JSON text."},
    "max_mib": {"type": "integer", "minimum": 0, "maximum": 16777216, "default": 0,
                "description": "The size, in MiB, that the file may grow to; 0: as the disk allows."},
    "reserve_mib": {"type": "integer", "minimum": 0, "maximum": 1048576, "default": 16,
                    "description": "Space, in MiB, that is kept so that things can be deleted when the disk is full; 0: none."}
}});
/* clang-format on */

static const struct ein_storage_backend backend = {
    .struct_size = sizeof(backend),
    .get = sqlite_get,
    .batch = sqlite_batch,
    .find = sqlite_find,
    .tally = sqlite_tally,
    .index = sqlite_index,
    .claim = sqlite_claim,
    .backup = sqlite_backup,
    .sets = sqlite_sets,
    .weigh = sqlite_weigh,
    .takes_text = 1,
    .stand_still = sqlite_stand_still,
};

/* Calls that wait inside are answered by the writer, which works until fini. */
static void fini(void *self)
{
    struct sqlite *store = self;

    sqlite_close(store);
    pthread_mutex_destroy(&store->look_lock);
    free(store);
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct sqlite *store = calloc(1, sizeof(*store));
    int r;

    if (!store)
        return error_no_memory(err);
    *store = (struct sqlite){
        .host = host,
        .ctx = ctx,
        .wanted_path = text_of(config, "path"),
        .check = text_of(config, "check"),
        .check_ms = integer_of(config, "check_ms"),
        .reader_count = (int)integer_of(config, "readers"),
        .queue_max = (int)integer_of(config, "queue"),
        .max_bytes = (size_t)integer_of(config, "max_document_bytes"),
        .find_bytes = (size_t)integer_of(config, "find_bytes"),
        .cache_bytes = (size_t)integer_of(config, "cache_mib") << 20,
        .max_mib = integer_of(config, "max_mib"),
        .reserve_bytes = integer_of(config, "reserve_mib") << 20,
        .owner_fd = -1,
    };
    pthread_mutex_init(&store->look_lock, NULL);
    /* Or each of its allocations takes one lock of the process, to be counted. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    r = host->publish(ctx, EIN_STORAGE_BACKEND, "sqlite", &backend, store, err);
    return init_done(r, store, fini, ret_self);
}

static int start(void *self, struct ein_error *err)
{
    struct sqlite *store = self;
    int r = sqlite_open(store, err);

    if (r < 0 && !strstr(err->text, store->wanted_path)) {
        const struct ein_error why = *err; /* in the words that clients read later */

        return error_set(err, r, "%s: %s", store->wanted_path, why.text);
    }
    if (r < 0)
        return r;
    store->host->log_msg(store->ctx, EIN_INFO, "Documents are kept in %s", store->path);
    return 0;
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .name = "storage-sqlite",
    .version = "0.1.0",
    .summary = "Documents in one SQLite file, durable when answered",
    .config_schema = config_schema,
    .init = init,
    .start = start,
    .fini = fini,
    .check = file_check,
};
EIN_PLUGIN_EXPORT(plugin)
