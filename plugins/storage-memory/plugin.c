/* SPDX-License-Identifier: Apache-2.0 */
/* storage-memory: documents in this process's memory, gone when it ends.
 *
 * Publishes storage_backend/1 "memory".  It is the reference that the other backends are tested
 * against, and what a test or a demonstration stores in.
 *
 * Settings
 *   max_document_bytes   the largest document, as JSON text (16777216)
 *
 * Example
 *   storage:
 *     backend: memory
 *   plugins:
 *     storage-memory:
 */
#include "init.h"
#include "memory.h"

#include "schemas.h"

static const char config_schema[] = SCHEMA({
    "type" : "object",
    "properties" : {
        "max_document_bytes" : {
            "type" : "integer",
            "minimum" : 1024,
            "maximum" : 1073741824,
            "default" : 16777216,
            "description" : "The largest document that is stored, in bytes of JSON text."
        }
    }
});

static const struct ein_storage_backend backend = {
    .struct_size = sizeof(backend),
    .get = memory_get,
    .batch = memory_batch,
    .find = memory_find,
    .tally = memory_tally,
    .index = memory_index,
    .claim = memory_claim,
    .sets = memory_sets,
    .weigh = memory_weigh,
    .takes_text = 1,
};

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct memory *memory;
    int r = memory_new(host, ctx, config, &memory, err);

    if (r < 0)
        return r;
    r = host->publish(ctx, EIN_STORAGE_BACKEND, "memory", &backend, memory, err);
    return init_done(r, memory, memory_free, ret_self);
}

static int start(void *self, struct ein_error *err)
{
    const struct memory *memory = self;

    (void)err;
    memory->host->log_msg(memory->ctx, EIN_WARN,
                          "Documents are kept in memory only: they are gone when the server stops");
    return 0;
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .name = "storage-memory",
    .version = "0.1.0",
    .summary = "Documents in memory, gone when the server stops",
    .config_schema = config_schema,
    .init = init,
    .start = start,
    .fini = memory_free,
};
EIN_PLUGIN_EXPORT(plugin)
