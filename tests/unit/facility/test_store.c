/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"
#include "unit.h"

#include "gate.h"
#include "metrics.h"
#include "services.h"
#include <einion/services.h>
#include <stdlib.h>
#include <string.h>

/* A backend that notes what it is asked, and answers `answer`. */
struct backend {
    struct gate gate;
    int answer;
    const char *asked;
    struct ein_doc_op op;
    size_t count, stride;
    const void *argument;
    json_int_t seen; /* of the document that was put */
    bool inside;     /* the gate was held during the call */
    bool empty;      /* it gives nothing */
};

static int note(struct backend *backend, const char *asked)
{
    backend->asked = asked;
    backend->inside = gate_inside(&backend->gate) == 1;
    return backend->answer;
}

static int get(void *impl, const char *set, const char *id, json_t **ret_doc, struct ein_error *err)
{
    struct backend *backend = impl;

    backend->op = (struct ein_doc_op){ .set = set, .id = id };
    if (backend->answer >= 0 && !backend->empty)
        *ret_doc = json_pack("{s: s}", "_id", id);
    return note(backend, "get");
}

static int batch(void *impl, struct ein_doc_op *ops, size_t count, size_t stride,
                 struct ein_error *err)
{
    struct backend *backend = impl;

    backend->op = ops[0];
    backend->seen = json_integer_value(json_object_get(ops[0].doc, "seen"));
    backend->count = count;
    backend->stride = stride;
    if (backend->answer >= 0)
        strcpy(ops[0].ret_rev, "7-x");
    return note(backend, "batch");
}

static int claim(void *impl, const char *set, const char *due_field, int64_t now, int64_t lease,
                 json_t **ret_doc, struct ein_error *err)
{
    struct backend *backend = impl;

    (void)set, (void)due_field, (void)now, (void)lease, (void)err;
    if (backend->answer > 0 && !backend->empty)
        *ret_doc = json_object();
    return note(backend, "claim");
}

static int find(void *impl, const char *set, const struct ein_query *query, ein_doc_fn *each,
                void *data, char **ret_cursor, struct ein_error *err)
{
    struct backend *backend = impl;

    backend->argument = query;
    return note(backend, "find");
}

static int tally(void *impl, const char *set, const json_t *where, uint64_t *ret_count,
                 struct ein_error *err)
{
    ((struct backend *)impl)->argument = where;
    *ret_count = 42;
    return note(impl, "tally");
}

static int sets(void *impl, json_t **ret_names, struct ein_error *err)
{
    const struct backend *backend = impl;

    if (!backend->empty)
        *ret_names = json_array();
    return 0;
}

static const struct ein_storage_backend methods = { .struct_size = sizeof methods,
                                                    .get = get,
                                                    .batch = batch,
                                                    .find = find,
                                                    .tally = tally,
                                                    .claim = claim,
                                                    .sets = sets };

struct world {
    struct services *services;
    struct metrics *metrics;
    struct store *store;
    struct backend backend;
    struct ein_storage_backend vtable;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);

    *state = world;
    world->vtable = methods;
    gate_init(&world->backend.gate);
    gate_open(&world->backend.gate);
    if (services_new(&world->services) < 0 || metrics_new(&world->metrics) < 0 ||
        services_publish(world->services, &world->backend.gate, EIN_STORAGE_BACKEND, "fake",
                         &world->vtable, &world->backend, NULL) < 0)
        return -1;
    return store_new(world->services, world->metrics, &world->store);
}

static int teardown(void **state)
{
    struct world *world = *state;

    store_free(world->store);
    services_free(world->services);
    metrics_free(world->metrics);
    free(world);
    return 0;
}

static int nobody(const json_t *doc, void *data)
{
    return 0;
}

static void a_call_reaches_the_backend_with_its_gate_held(void **state)
{
    struct world *world = *state;
    json_t *doc = NULL, *where = json_object();
    struct ein_query query = { .struct_size = sizeof query };
    uint64_t found = 0;

    assert_int_equal(store_get(world->store, "agents", "a", &doc, NULL), 0);
    assert_string_equal(world->backend.asked, "get");
    assert_string_equal(world->backend.op.set, "agents");
    assert_true(world->backend.inside);
    assert_int_equal(gate_inside(&world->backend.gate), 0);
    json_decref(doc);
    assert_int_equal(store_find(world->store, "agents", &query, nobody, NULL, NULL, NULL), 0);
    assert_ptr_equal(world->backend.argument, &query);
    assert_int_equal(store_tally(world->store, "agents", where, &found, NULL), 0);
    assert_int_equal(found, 42);
    json_decref(where);
}

static void put_and_delete_are_batches_of_one(void **state)
{
    struct world *world = *state;
    json_t *doc = json_object();
    char rev[EIN_REV_SIZE] = "";

    assert_int_equal(store_put(world->store, "agents", "a", EIN_REV_NEW, doc, rev, NULL), 0);
    assert_int_equal(world->backend.count, 1);
    assert_int_equal(world->backend.stride, sizeof(struct ein_doc_op));
    assert_int_equal(world->backend.op.kind, EIN_DOC_PUT);
    assert_ptr_equal(world->backend.op.doc, doc);
    assert_string_equal(world->backend.op.expect, "");
    assert_string_equal(rev, "7-x");
    assert_int_equal(store_put(world->store, "agents", "a", EIN_REV_ANY, doc, NULL, NULL), 0);
    assert_null(world->backend.op.expect);
    assert_int_equal(store_del(world->store, "agents", "a", "3-y", NULL), 0);
    assert_int_equal(world->backend.op.kind, EIN_DOC_DELETE);
    assert_string_equal(world->backend.op.expect, "3-y");
    json_decref(doc);
}

static void a_backend_that_takes_no_text_is_given_its_document(void **state)
{
    struct world *world = *state;
    struct ein_doc_op op = {
        .kind = EIN_DOC_PUT, .set = "agents", .id = "a", .text = "{\"seen\":7}"
    };
    struct ein_error err = { 0 };

    assert_int_equal(store_batch(world->store, &op, 1, sizeof op, &err), 0);
    assert_int_equal(world->backend.seen, 7);
    op.text = "{";
    world->backend.asked = NULL;
    assert_int_equal(store_batch(world->store, &op, 1, sizeof op, &err), EIN_E_INVALID);
    assert_null(world->backend.asked);

    op.doc = json_pack("{s:i}", "seen", 8); /* of a plugin made for 1.0 */
    assert_int_equal(store_batch(world->store, &op, 1, offsetof(struct ein_doc_op, text), &err), 0);
    assert_int_equal(world->backend.seen, 8);
    json_decref((json_t *)op.doc);
}

static void a_backend_that_takes_text_is_given_it(void **state)
{
    struct world *world = *state;
    struct ein_doc_op op = { .kind = EIN_DOC_PUT, .set = "agents", .id = "a", .text = "{}" };

    world->vtable.takes_text = 1;
    assert_int_equal(store_batch(world->store, &op, 1, sizeof op, NULL), 0);
    assert_ptr_equal(world->backend.op.text, op.text);
    assert_null(world->backend.op.doc);
}

static void an_absent_document_is_named(void **state)
{
    struct world *world = *state;
    struct ein_error err = { 0 };
    json_t *doc = NULL;

    world->backend.answer = EIN_E_NOT_FOUND;
    assert_int_equal(store_get(world->store, "agents", "a", &doc, &err), EIN_E_NOT_FOUND);
    assert_string_equal(err.text, "Document 'a' not found in 'agents'");
    err.text[0] = '\0';
    assert_int_equal(store_del(world->store, "agents", "b", EIN_REV_ANY, &err), EIN_E_NOT_FOUND);
    assert_string_equal(err.text, "Document 'b' not found in 'agents'");
}

static void without_a_backend_the_store_is_unavailable(void **state)
{
    struct world *world = *state;
    struct ein_error err = { 0 };
    json_t *doc = NULL;

    gate_shut(&world->backend.gate);
    assert_int_equal(store_get(world->store, "agents", "a", &doc, &err), EIN_E_UNAVAILABLE);
    assert_non_null(strstr(err.text, "storage_backend/1"));
    gate_open(&world->backend.gate);
    assert_int_equal(store_get(world->store, "agents", "a", &doc, &err), 0);
    json_decref(doc);
}

static void a_method_the_backend_lacks_is_unsupported(void **state)
{
    struct world *world = *state;
    struct ein_error err = { 0 };

    assert_int_equal(store_index(world->store, "agents", "userId", &err), EIN_E_UNSUPPORTED);
    assert_string_equal(err.text, "storage 'fake' has no index");
    assert_int_equal(store_backup(world->store, "/x", &err), EIN_E_UNSUPPORTED);
    assert_int_equal(gate_inside(&world->backend.gate), 0);
}

static void calls_are_counted_by_kind_and_outcome(void **state)
{
    struct world *world = *state;
    json_t *doc = NULL;
    char *text;

    (void)store_get(world->store, "agents", "a", &doc, NULL);
    json_decref(doc);
    world->backend.answer = EIN_E_NOT_FOUND;
    (void)store_get(world->store, "agents", "a", &doc, NULL);
    world->backend.answer = EIN_E_INTERNAL;
    (void)store_get(world->store, "agents", "a", &doc, NULL);
    assert_int_equal(metrics_text(world->metrics, &text, NULL), 0);
    assert_non_null(
        strstr(text, "einion_store_operations_total{op=\"get\",outcome=\"success\"} 2\n"));
    assert_non_null(
        strstr(text, "einion_store_operations_total{op=\"get\",outcome=\"error\"} 1\n"));
    assert_non_null(strstr(text, "einion_store_operation_seconds_count{op=\"get\"} 3\n"));
    free(text);
}

static void a_backend_that_fails_without_a_word_is_given_one(void **state)
{
    struct world *world = *state;
    struct ein_error err;
    json_t *doc;

    memset(&err, 'x', sizeof err); /* as a stack may be */
    world->backend.answer = EIN_E_UNAVAILABLE;
    assert_int_equal(store_get(world->store, "agents", "a", &doc, &err), EIN_E_UNAVAILABLE);
    assert_string_equal(err.text, "it failed with code -5 and gave no reason");
    assert_int_equal(err.code, EIN_E_UNAVAILABLE);
}

static void a_backend_that_gives_nothing_has_failed(void **state)
{
    struct world *world = *state;
    struct ein_error err;
    json_t *doc = NULL;

    world->backend.answer = 1;
    assert_int_equal(store_claim(world->store, "agents", "due", 1, 1, &doc, &err), 1);
    json_decref(doc);
    world->backend.empty = true;
    assert_int_equal(store_claim(world->store, "agents", "due", 1, 1, &doc, &err), EIN_E_INTERNAL);
    assert_string_equal(err.text, "the storage reported success but returned nothing");
    world->backend.answer = 0;
    assert_int_equal(store_claim(world->store, "agents", "due", 1, 1, &doc, &err), 0);
    assert_int_equal(store_sets(world->store, &doc, &err), EIN_E_INTERNAL);
    assert_int_equal(store_get(world->store, "agents", "a", &doc, &err), EIN_E_INTERNAL);
    assert_string_equal(err.text, "the storage reported success but returned nothing");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_reaches_the_backend_with_its_gate_held),
        TEST(put_and_delete_are_batches_of_one),
        TEST(a_backend_that_takes_no_text_is_given_its_document),
        TEST(a_backend_that_takes_text_is_given_it),
        TEST(an_absent_document_is_named),
        TEST(a_backend_that_fails_without_a_word_is_given_one),
        TEST(a_backend_that_gives_nothing_has_failed),
        TEST(without_a_backend_the_store_is_unavailable),
        TEST(a_method_the_backend_lacks_is_unsupported),
        TEST(calls_are_counted_by_kind_and_outcome),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
