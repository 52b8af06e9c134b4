/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of the original service, which may be anything: each is brought or left out, and what
 * is brought has an owner and an id that the store takes.  The first byte says of which collection.
 */
#include "old.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int get(struct ein_ctx *ctx, const char *set, const char *id, json_t **ret_doc,
               struct ein_error *err)
{
    (void)ctx;
    (void)set;
    (void)err;
    if (strcmp(id, "there") != 0)
        return EIN_E_NOT_FOUND;
    *ret_doc = json_pack("{s:s, s:s, s:s}", "_id", id, "userId", "u", "name", "n");
    return *ret_doc ? 0 : EIN_E_NO_MEMORY;
}

static int batch(struct ein_ctx *ctx, struct ein_doc_op *ops, size_t count, size_t stride,
                 struct ein_error *err)
{
    (void)ctx;
    (void)stride;
    (void)err;
    for (size_t i = 0; i < count; i++)
        if (!json_is_object(ops[i].doc) || strlen(ops[i].id) > 512)
            abort();
    return 0;
}

static int put_secret(void *impl, const char *name, const char *secret, struct ein_error *err)
{
    (void)impl;
    (void)name;
    (void)err;
    return *secret ? 0 : EIN_E_INVALID;
}

static int acquire(struct ein_ctx *ctx, const char *iface, const char *name,
                   const struct ein_service **ret_service)
{
    static const struct ein_vault vault = { .struct_size = sizeof(vault), .put = put_secret };
    static const struct ein_service service = { .vtable = &vault };

    (void)ctx;
    (void)iface;
    (void)name;
    *ret_service = &service;
    return 0;
}

static void release(struct ein_ctx *ctx, const struct ein_service *service)
{
    (void)ctx;
    (void)service;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static old_take *const takes[] = { old_take_agent, old_take_deployment, old_take_demo,
                                       old_take_record, old_take_user };
    static const struct ein_store store = { .struct_size = sizeof(store),
                                            .get = get,
                                            .batch = batch };
    static const struct ein_host host = {
        .struct_size = sizeof(host), .store = &store, .acquire = acquire, .release = release
    };
    const struct transfer transfer = { .host = &host, .owner = "o", .workspace = "w" };
    json_t *doc =
        size > 1 ? json_loadb((const char *)data + 1, size - 1, JSON_ALLOW_NUL, NULL) : NULL;
    struct old old = { .transfer = &transfer,
                       .load = load_new(&transfer, false),
                       .report = json_array() };
    char why[WHY_SIZE] = "";

    if (json_is_string(json_object_get(doc, "_id")) && old.load) {
        int r = takes[data[0] % 5](&old, load_tally(old.load, "x"), doc, why, NULL);

        if (r > 0 && !*why)
            abort(); /* left out, and nobody knows why */
        (void)load_flush(old.load, NULL);
    }
    load_free(old.load);
    json_decref(old.report);
    json_decref(doc);
    return 0;
}
