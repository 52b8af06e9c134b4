/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include "cleanup.h"
#include "clock.h"
#include "doc_op.h"
#include "error.h"
#include "metrics.h"
#include "services.h"
#include <einion/services.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum op { GET, BATCH, FIND, TALLY, INDEX, CLAIM, BACKUP, SETS, STILL, WEIGH, OPS };

static const char *const op_names[OPS] = { "get",   "batch",  "find", "tally",       "index",
                                           "claim", "backup", "sets", "stand_still", "weigh" };

struct store {
    struct services *services;
    struct metric *done[OPS], *failed[OPS], *seconds[OPS];
};

/* One call to the backend, from begin() to end(). */
struct call {
    const struct ein_service *service;
    const struct ein_storage_backend *backend;
    void *impl;
    enum op op;
    int64_t began_us;
};

static struct metric *op_metric(struct metrics *metrics, enum op op, const char *outcome)
{
    const char *labels[] = { "op", op_names[op], "outcome", outcome, NULL };

    return metrics_counter(metrics, "einion_store_operations_total",
                           "Operations of the document store", labels);
}

int store_new(struct services *services, struct metrics *metrics, struct store **ret_store)
{
    struct store *store = calloc(1, sizeof(*store));

    if (!store)
        return EIN_E_NO_MEMORY;
    store->services = services;
    for (int op = 0; metrics && op < OPS; op++) {
        const char *labels[] = { "op", op_names[op], NULL };

        store->done[op] = op_metric(metrics, op, "success");
        store->failed[op] = op_metric(metrics, op, "error");
        store->seconds[op] = metrics_histogram(metrics, "einion_store_operation_seconds",
                                               "How long the document store took", labels);
    }
    *ret_store = store;
    return 0;
}

void store_free(struct store *store)
{
    free(store);
}

static int begin(struct store *store, enum op op, struct call *call, struct ein_error *err)
{
    *call = (struct call){ .op = op };
    error_clear(err);
    if (services_acquire(store->services, EIN_STORAGE_BACKEND, NULL, &call->service) < 0) {
        metric_add(store->failed[op], 1);
        return error_set(err, EIN_E_UNAVAILABLE,
                         "there is no storage: the " EIN_STORAGE_BACKEND
                         " that storage.backend names is not running");
    }
    call->backend = call->service->vtable;
    call->impl = call->service->impl;
    call->began_us = clock_mono_us();
    return 0;
}

/* What was asked for and is not there, or has changed, is an answer, not a failure of the store. */
static bool is_answer(int r)
{
    return r >= 0 || r == EIN_E_NOT_FOUND || r == EIN_E_CONFLICT;
}

static int end(struct store *store, const struct call *call, int r, struct ein_error *err)
{
    services_release(call->service);
    metric_observe(store->seconds[call->op], (double)(clock_mono_us() - call->began_us) / 1e6);
    metric_add(is_answer(r) ? store->done[call->op] : store->failed[call->op], 1);
    return error_due(err, r);
}

static int unsupported(struct store *store, const struct call *call, struct ein_error *err)
{
    return end(store, call,
               error_set(err, EIN_E_UNSUPPORTED, "storage '%s' has no %s", call->service->name,
                         op_names[call->op]),
               err);
}

/* Calls METHOD of the default backend with the arguments that follow its impl. */
#define CALL(store, op, method, err, ...)                                                          \
    __extension__({                                                                                \
        struct call call_;                                                                         \
        int r_ = begin(store, op, &call_, err);                                                    \
        if (r_ == 0)                                                                               \
            r_ = EIN_HAS(struct ein_storage_backend, call_.backend, method)                        \
                     ? end(store, &call_, call_.backend->method(call_.impl, __VA_ARGS__), err)     \
                     : unsupported(store, &call_, err);                                            \
        r_;                                                                                        \
    })

/* A plugin's mistake.  What else may be wrong is for the backend to say. */
static int nowhere(struct ein_error *err, const char *function, const char *argument)
{
    return error_set(err, EIN_E_INVALID, "%s(): %s is NULL", function, argument);
}

/* The text a document's absence has everywhere; backends may have left it unsaid. */
static int not_found(int r, const char *set, const char *id, struct ein_error *err)
{
    if (r != EIN_E_NOT_FOUND)
        return r;
    return error_set(err, r, "Document '%s' not found in '%s'", id, set);
}

/* A backend's mistake, which none of those who ask would survive. */
static int nothing_given(struct ein_error *err)
{
    return error_set(err, EIN_E_INTERNAL, "the storage reported success but returned nothing");
}

int store_get(struct store *store, const char *set, const char *id, json_t **ret_doc,
              struct ein_error *err)
{
    json_t *doc = NULL;

    if (!ret_doc)
        return nowhere(err, "get", "ret_doc");
    int r = not_found(CALL(store, GET, get, err, set, id, &doc, err), set, id, err);
    if (r < 0 || !doc)
        return r < 0 ? r : nothing_given(err);
    *ret_doc = doc;
    return r;
}

int store_put(struct store *store, const char *set, const char *id, const char *expect,
              const json_t *doc, char *ret_rev, struct ein_error *err)
{
    struct ein_doc_op op = {
        .kind = EIN_DOC_PUT, .set = set, .id = id, .expect = expect, .doc = doc
    };
    int r = store_batch(store, &op, 1, sizeof(op), err);

    if (r >= 0 && ret_rev)
        memcpy(ret_rev, op.ret_rev, EIN_REV_SIZE);
    return r;
}

int store_del(struct store *store, const char *set, const char *id, const char *expect,
              struct ein_error *err)
{
    struct ein_doc_op op = { .kind = EIN_DOC_DELETE, .set = set, .id = id, .expect = expect };

    return not_found(store_batch(store, &op, 1, sizeof(op), err), set, id, err);
}

/* For a backend that takes no text: documents, which forget_texts() frees, also after an error. */
static int read_texts(struct ein_doc_op *ops, size_t count, size_t stride, struct ein_error *err)
{
    int r = 0;

    for (size_t i = 0; i < count; i++) {
        struct ein_doc_op *op = doc_op_at(ops, i, stride);
        const char *text = doc_op_text(op, stride);

        if (text && !(op->doc = json_loads(text, JSON_ALLOW_NUL, NULL)))
            r = error_set(err, EIN_E_INVALID, "Document '%.200s' is not JSON", op->id);
    }
    return r;
}

static void forget_texts(struct ein_doc_op *ops, size_t count, size_t stride)
{
    for (size_t i = 0; i < count; i++) {
        struct ein_doc_op *op = doc_op_at(ops, i, stride);

        if (doc_op_text(op, stride))
            json_decref((json_t *)EIN_TAKE(op->doc));
    }
}

int store_batch(struct store *store, struct ein_doc_op *ops, size_t count, size_t stride,
                struct ein_error *err)
{
    struct call call;
    int r = ops || count == 0 ? begin(store, BATCH, &call, err) : nowhere(err, "batch", "ops");

    if (r < 0)
        return r;
    bool reads = !EIN_HAS(struct ein_storage_backend, call.backend, takes_text);
    if (reads)
        r = read_texts(ops, count, stride, err);
    if (r >= 0)
        r = call.backend->batch(call.impl, ops, count, stride, err);
    if (reads)
        forget_texts(ops, count, stride);
    return end(store, &call, r, err);
}

int store_find(struct store *store, const char *set, const struct ein_query *query,
               ein_doc_fn *each, void *data, char **ret_cursor, struct ein_error *err)
{
    if (!each)
        return nowhere(err, "find", "each");
    return CALL(store, FIND, find, err, set, query, each, data, ret_cursor, err);
}

int store_tally(struct store *store, const char *set, const json_t *where, uint64_t *ret_count,
                struct ein_error *err)
{
    if (!ret_count)
        return nowhere(err, "tally", "ret_count");
    return CALL(store, TALLY, tally, err, set, where, ret_count, err);
}

int store_index(struct store *store, const char *set, const char *field, struct ein_error *err)
{
    return CALL(store, INDEX, index, err, set, field, err);
}

int store_claim(struct store *store, const char *set, const char *due_field, int64_t now,
                int64_t lease, json_t **ret_doc, struct ein_error *err)
{
    json_t *doc = NULL;

    if (!ret_doc)
        return nowhere(err, "claim", "ret_doc");
    int r = CALL(store, CLAIM, claim, err, set, due_field, now, lease, &doc, err);
    if (r <= 0 || !doc)
        return r <= 0 ? r : nothing_given(err);
    *ret_doc = doc;
    return r;
}

int store_backup(struct store *store, const char *path, struct ein_error *err)
{
    return CALL(store, BACKUP, backup, err, path, err);
}

int store_sets(struct store *store, json_t **ret_names, struct ein_error *err)
{
    json_t *names = NULL;

    if (!ret_names)
        return nowhere(err, "sets", "ret_names");
    int r = CALL(store, SETS, sets, err, &names, err);
    if (r < 0 || !names)
        return r < 0 ? r : nothing_given(err);
    *ret_names = names;
    return r;
}

int store_weigh(struct store *store, const char *set, const json_t *where, uint64_t *ret_bytes,
                struct ein_error *err)
{
    if (!ret_bytes)
        return nowhere(err, "weigh", "ret_bytes");
    return CALL(store, WEIGH, weigh, err, set, where, ret_bytes, err);
}

int store_stand_still(struct store *store, struct ein_error *err)
{
    int r = CALL(store, STILL, stand_still, err, err);

    return r == EIN_E_UNSUPPORTED ? 0 : r; /* nobody else writes there */
}
