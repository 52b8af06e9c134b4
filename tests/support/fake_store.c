/* SPDX-License-Identifier: Apache-2.0 */
/* struct ein_store over whichever storage_backend/1 is published. */
#include "fake_internal.h"

#include <string.h>

static const struct ein_storage_backend *backend_of(struct ein_ctx *ctx, void **ret_impl)
{
    const struct ein_service *service = fake_host_service(ctx->host, EIN_STORAGE_BACKEND);

    *ret_impl = service->impl;
    return service->vtable;
}

static int store_get(struct ein_ctx *ctx, const char *set, const char *id, json_t **ret_doc,
                     struct ein_error *err)
{
    void *impl;
    const struct ein_storage_backend *backend = backend_of(ctx, &impl);

    return backend->get(impl, set, id, ret_doc, err);
}

static int store_batch(struct ein_ctx *ctx, struct ein_doc_op *ops, size_t count, size_t stride,
                       struct ein_error *err)
{
    void *impl;
    const struct ein_storage_backend *backend = backend_of(ctx, &impl);

    return backend->batch(impl, ops, count, stride, err);
}

static int store_put(struct ein_ctx *ctx, const char *set, const char *id, const char *expect,
                     const json_t *doc, char *ret_rev, struct ein_error *err)
{
    struct ein_doc_op op = {
        .kind = EIN_DOC_PUT, .set = set, .id = id, .expect = expect, .doc = doc
    };
    int r = store_batch(ctx, &op, 1, sizeof(op), err);

    if (r >= 0 && ret_rev)
        memcpy(ret_rev, op.ret_rev, sizeof(op.ret_rev));
    return r;
}

static int store_del(struct ein_ctx *ctx, const char *set, const char *id, const char *expect,
                     struct ein_error *err)
{
    struct ein_doc_op op = { .kind = EIN_DOC_DELETE, .set = set, .id = id, .expect = expect };

    return store_batch(ctx, &op, 1, sizeof(op), err);
}

static int store_find(struct ein_ctx *ctx, const char *set, const struct ein_query *query,
                      ein_doc_fn *each, void *data, char **ret_cursor, struct ein_error *err)
{
    void *impl;
    const struct ein_storage_backend *backend = backend_of(ctx, &impl);

    return backend->find(impl, set, query, each, data, ret_cursor, err);
}

static int store_tally(struct ein_ctx *ctx, const char *set, const json_t *where,
                       uint64_t *ret_count, struct ein_error *err)
{
    void *impl;
    const struct ein_storage_backend *backend = backend_of(ctx, &impl);

    return backend->tally(impl, set, where, ret_count, err);
}

static int store_index(struct ein_ctx *ctx, const char *set, const char *field,
                       struct ein_error *err)
{
    void *impl;
    const struct ein_storage_backend *backend = backend_of(ctx, &impl);

    return backend->index(impl, set, field, err);
}

static int store_claim(struct ein_ctx *ctx, const char *set, const char *due_field, int64_t now,
                       int64_t lease, json_t **ret_doc, struct ein_error *err)
{
    void *impl;
    const struct ein_storage_backend *backend = backend_of(ctx, &impl);

    return backend->claim(impl, set, due_field, now, lease, ret_doc, err);
}

static int store_sets(struct ein_ctx *ctx, json_t **ret_names, struct ein_error *err)
{
    void *impl;
    const struct ein_storage_backend *backend = backend_of(ctx, &impl);

    return backend->sets(impl, ret_names, err);
}

const struct ein_store fake_store = {
    .struct_size = sizeof(fake_store),
    .get = store_get,
    .put = store_put,
    .del = store_del,
    .batch = store_batch,
    .find = store_find,
    .tally = store_tally,
    .index = store_index,
    .claim = store_claim,
    .sets = store_sets,
};
