/* SPDX-License-Identifier: Apache-2.0 */
/* data_store/1 as agents meet it, on storage-memory. */
#include "cleanup.h"
#include "fake_host.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

enum { VALUE_MAX = 2000, WRITERS = 64 };

#define USER "dev_stub:alice"

struct fixture {
    struct fake_host *host;
    struct fake_plugin *storage, *plugin;
    const struct ein_data_store *store;
    void *impl;
    struct ein_data_session *session; /* of USER */
};

static int take_routes(struct ein_ctx *ctx, const struct ein_route *routes, size_t count,
                       size_t stride, void *self, struct ein_error *err)
{
    return count && stride == sizeof(struct ein_route) ? 0 : EIN_E_INVALID;
}

static const struct ein_http http = { .struct_size = sizeof(http), .add_routes = take_routes };

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct ein_error err = { 0 };

    f->host = fake_host_new();
    f->host->table.http = &http;
    if (fake_plugin_open(f->host, "storage-memory", json_object(), &f->storage, &err) < 0 ||
        fake_plugin_start(f->storage, &err) < 0 ||
        fake_plugin_open(f->host, "data-store", json_pack("{s:i}", "max_value_bytes", VALUE_MAX),
                         &f->plugin, &err) < 0 ||
        fake_plugin_start(f->plugin, &err) < 0) {
        print_error("%s\n", err.text);
        return -1;
    }
    const struct ein_service *service = fake_host_service(f->host, EIN_DATA_STORE);
    f->store = service->vtable;
    f->impl = service->impl;
    *state = f;
    return f->store->open(f->impl, USER, &f->session, &err);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    if (f->session)
        f->store->close(f->session);
    fake_plugin_close(f->plugin);
    fake_plugin_close(f->storage);
    fake_host_free(f->host);
    free(f);
    return 0;
}

/* Does OP with the arguments and returns {"value", "entry"}; NULL and *err if it fails. */
static json_t *try_op(struct fixture *f, struct ein_data_session *session, const char *op,
                      const char *args, struct ein_error *err)
{
    EIN_JSON json_t *json = json_loads(args, JSON_ALLOW_NUL, NULL);
    json_t *value = NULL, *entry = NULL;

    assert_non_null(json);
    if (f->store->call(session, "storer", op, json, &value, &entry, err) < 0)
        return NULL;
    return json_pack("{s:o, s:o}", "value", value, "entry", entry);
}

/* The value and then the entry without its time, as they must be. */
static void expect_op(struct fixture *f, const char *op, const char *args, const char *value,
                      const char *entry)
{
    struct ein_error err = { 0 };
    EIN_JSON json_t *done = try_op(f, f->session, op, args, &err);

    if (!done)
        fail_msg("%s: %s", op, err.text);
    json_t *said = json_object_get(done, "entry");
    assert_int_equal(strlen(json_string_value(json_object_get(said, "ts"))), 27);
    json_object_del(said, "ts");
    EIN_FREE char *value_text =
        json_dumps(json_object_get(done, "value"), JSON_ENCODE_ANY | JSON_COMPACT);
    EIN_FREE char *entry_text = json_dumps(said, JSON_COMPACT);
    assert_string_equal(value_text, value);
    assert_string_equal(entry_text, entry);
}

static void expect_failure(struct fixture *f, const char *op, const char *args, int code)
{
    struct ein_error err = { 0 };
    EIN_JSON json_t *done = try_op(f, f->session, op, args, &err);

    assert_null(done);
    assert_int_equal(err.code, code);
    assert_true(err.text[0]);
}

/* What the opsLog keeps of a call that finds nothing must not be as long as the agent likes. */
static void expect_long(struct fixture *f, const char *member)
{
    char args[700];

    (void)snprintf(args, sizeof(args), "{\"%s\": \"%0512d\"}", member, 0);
    EIN_JSON json_t *done = try_op(f, f->session, "list_keys", args, NULL);
    assert_non_null(done);
    (void)snprintf(args, sizeof(args), "{\"%s\": \"%0513d\"}", member, 0);
    expect_failure(f, "list_keys", args, EIN_E_INVALID);
}

static json_t *stored(struct fixture *f, const char *id)
{
    json_t *doc = NULL;
    struct ein_error err = { 0 };

    if (f->host->table.store->get(fake_host_ctx(f->host), "data_store", id, &doc, &err) < 0)
        return NULL;
    return doc;
}

#define ENTRY(op, rest)                                                                            \
    "{\"op\":\"" op "\",\"namespace\":\"default\",\"agent\":\"storer\"," rest "}"

static void each_operation_says_what_it_did(void **state)
{
    struct fixture *f = *state;

    expect_op(f, "set", "{\"key\": \"k1\", \"value\": {\"x\": 1}}", "null",
              ENTRY("set", "\"key\":\"k1\",\"valuePreview\":\"{\\\"x\\\": 1}\""));
    expect_op(f, "get", "{\"key\": \"k1\"}", "{\"x\":1}",
              ENTRY("get", "\"key\":\"k1\",\"found\":true,\"valuePreview\":\"{\\\"x\\\": 1}\""));
    expect_op(f, "get", "{\"key\": \"no\"}", "null",
              ENTRY("get", "\"key\":\"no\",\"found\":false,\"valuePreview\":\"null\""));
    expect_op(f, "get", "{\"key\": \"no\", \"default\": [7]}", "[7]",
              ENTRY("get", "\"key\":\"no\",\"found\":false,\"valuePreview\":\"[7]\""));
    expect_op(f, "set_many", "{\"items\": {\"b\": 2, \"a\": 1}}", "2",
              ENTRY("set_many", "\"count\":2,\"keys\":[\"b\",\"a\"]"));
    expect_op(f, "list_keys", "{}", "[\"a\",\"b\",\"k1\"]",
              ENTRY("list_keys", "\"prefix\":null,\"count\":3"));
    expect_op(f, "list_keys", "{\"prefix\": \"k\"}", "[\"k1\"]",
              ENTRY("list_keys", "\"prefix\":\"k\",\"count\":1"));
    expect_op(f, "get_many", "{\"keys\": [\"a\", \"zz\", \"b\"]}", "{\"a\":1,\"b\":2}",
              ENTRY("get_many", "\"requested\":3,\"found\":2"));
    expect_op(f, "get_all", "{}", "{\"a\":1,\"b\":2,\"k1\":{\"x\":1}}",
              ENTRY("get_all", "\"count\":3"));
    expect_op(f, "list_namespaces", "{}", "[\"default\"]", ENTRY("list_namespaces", "\"count\":1"));
    expect_op(f, "delete", "{\"key\": \"a\"}", "true",
              ENTRY("delete", "\"key\":\"a\",\"found\":true"));
    expect_op(f, "delete", "{\"key\": \"a\"}", "false",
              ENTRY("delete", "\"key\":\"a\",\"found\":false"));
    expect_op(f, "clear", "{}", "2", ENTRY("clear", "\"count\":2"));
    expect_op(f, "clear", "{}", "0", ENTRY("clear", "\"count\":0"));
}

static void a_namespace_is_an_argument_and_keeps_its_keys_apart(void **state)
{
    struct fixture *f = *state;

    expect_op(f, "set", "{\"namespace\": \"files:a/b\", \"key\": \"k\", \"value\": 1}", "null",
              "{\"op\":\"set\",\"namespace\":\"files:a/b\",\"agent\":\"storer\",\"key\":\"k\","
              "\"valuePreview\":\"1\"}");
    expect_op(f, "list_keys", "{}", "[]", ENTRY("list_keys", "\"prefix\":null,\"count\":0"));
    expect_op(f, "list_namespaces", "{}", "[\"files:a/b\"]",
              ENTRY("list_namespaces", "\"count\":1"));
}

static void a_long_value_is_previewed_by_its_first_200_characters(void **state)
{
    struct fixture *f = *state;
    struct ein_error err = { 0 };
    char text[400], args[500];

    memset(text, 'x', 300);
    text[300] = '\0';
    snprintf(args, sizeof(args), "{\"key\": \"k\", \"value\": \"%s\"}", text);
    EIN_JSON json_t *done = try_op(f, f->session, "set", args, &err);
    const char *preview =
        json_string_value(json_object_get(json_object_get(done, "entry"), "valuePreview"));
    assert_int_equal(strlen(preview), 200 + strlen("…"));
    assert_string_equal(preview + 200, "…");
    assert_int_equal(preview[0], '"');
}

static void at_most_ten_keys_of_set_many_are_named(void **state)
{
    struct fixture *f = *state;
    struct ein_error err = { 0 };

    EIN_JSON json_t *done = try_op(f, f->session, "set_many",
                                   "{\"items\": {\"1\":0,\"2\":0,\"3\":0,\"4\":0,\"5\":0,\"6\":0,"
                                   "\"7\":0,\"8\":0,\"9\":0,\"10\":0,\"11\":0}}",
                                   &err);
    const json_t *entry = json_object_get(done, "entry");
    assert_int_equal(json_integer_value(json_object_get(entry, "count")), 11);
    assert_int_equal(json_array_size(json_object_get(entry, "keys")), 10);
}

static void a_set_is_stored_at_once_with_who_and_when(void **state)
{
    struct fixture *f = *state;

    expect_op(f, "set", "{\"key\": \"k1\", \"value\": {\"x\": 1}}", "null",
              ENTRY("set", "\"key\":\"k1\",\"valuePreview\":\"{\\\"x\\\": 1}\""));
    EIN_JSON json_t *doc = stored(f, USER ":default:azE=");
    assert_non_null(doc);
    assert_string_equal(json_string_value(json_object_get(doc, "createdByAgent")), "storer");
    assert_string_equal(json_string_value(json_object_get(doc, "lastAccessedByAgent")), "storer");
    assert_string_equal(json_string_value(json_object_get(doc, "lastAccessedAt")),
                        json_string_value(json_object_get(doc, "createdAt")));
    assert_int_equal(json_integer_value(json_object_get(doc, "accessCount")), 0);
    assert_int_equal(json_integer_value(json_object_get(doc, "sizeBytes")), 8);
}

static void metadata_of_a_set_are_merged(void **state)
{
    struct fixture *f = *state;
    struct ein_error err;

    json_decref(try_op(f, f->session, "set",
                       "{\"key\": \"k1\", \"value\": 1, \"metadata\": {\"a\": 1, \"b\": 1}}",
                       &err));
    json_decref(try_op(f, f->session, "set",
                       "{\"key\": \"k1\", \"value\": 2, \"metadata\": {\"b\": 2}}", &err));
    json_decref(try_op(f, f->session, "set", "{\"key\": \"k1\", \"value\": 3}", &err));
    EIN_JSON json_t *doc = stored(f, USER ":default:azE=");
    EIN_FREE char *metadata = json_dumps(json_object_get(doc, "metadata"), JSON_COMPACT);
    assert_string_equal(metadata, "{\"a\":1,\"b\":2}");
    assert_int_equal(json_integer_value(json_object_get(doc, "value")), 3);
}

static void reads_are_written_when_the_session_ends(void **state)
{
    struct fixture *f = *state;
    struct ein_error err;

    json_decref(try_op(f, f->session, "set_many", "{\"items\": {\"k1\": 1, \"k2\": 2}}", &err));
    EIN_JSON json_t *before = stored(f, USER ":default:azE=");
    json_decref(try_op(f, f->session, "get", "{\"key\": \"k1\"}", &err));
    json_decref(try_op(f, f->session, "get_many", "{\"keys\": [\"k1\", \"k2\"]}", &err));
    json_decref(try_op(f, f->session, "get_all", "{}", &err));
    EIN_JSON json_t *during = stored(f, USER ":default:azE=");
    assert_string_equal(json_string_value(json_object_get(during, "_rev")),
                        json_string_value(json_object_get(before, "_rev")));

    f->store->close(EIN_TAKE(f->session));
    EIN_JSON json_t *first = stored(f, USER ":default:azE=");
    EIN_JSON json_t *second = stored(f, USER ":default:azI=");
    assert_int_equal(json_integer_value(json_object_get(first, "accessCount")), 2);
    assert_int_equal(json_integer_value(json_object_get(second, "accessCount")), 1);
    assert_true(strcmp(json_string_value(json_object_get(first, "lastAccessedAt")),
                       json_string_value(json_object_get(before, "lastAccessedAt"))) > 0);
}

static void a_record_deleted_meanwhile_does_not_cost_the_others_their_counts(void **state)
{
    struct fixture *f = *state;
    struct ein_data_session *other;
    struct ein_error err;

    json_decref(try_op(f, f->session, "set_many", "{\"items\": {\"k1\": 1, \"k2\": 2}}", &err));
    json_decref(try_op(f, f->session, "get_many", "{\"keys\": [\"k1\", \"k2\"]}", &err));
    assert_int_equal(f->store->open(f->impl, USER, &other, &err), 0);
    json_decref(try_op(f, other, "delete", "{\"key\": \"k1\"}", &err));
    f->store->close(other);

    f->store->close(EIN_TAKE(f->session));
    assert_null(stored(f, USER ":default:azE="));
    EIN_JSON json_t *second = stored(f, USER ":default:azI=");
    assert_int_equal(json_integer_value(json_object_get(second, "accessCount")), 1);
}

static void users_do_not_see_each_other(void **state)
{
    struct fixture *f = *state;
    struct ein_data_session *bob;
    struct ein_error err = { 0 };

    json_decref(try_op(f, f->session, "set", "{\"key\": \"k1\", \"value\": 1}", &err));
    assert_int_equal(f->store->open(f->impl, "dev_stub:bob", &bob, &err), 0);
    EIN_JSON json_t *keys = try_op(f, bob, "list_keys", "{}", &err);
    assert_int_equal(json_array_size(json_object_get(keys, "value")), 0);
    f->store->close(bob);
}

static void a_record_whose_id_is_anothers_is_neither_read_nor_written(void **state)
{
    struct fixture *f = *state;
    struct ein_data_session *session;
    struct ein_error err = { 0 };

    /* "dev_stub:alice" + "default" and "dev_stub" + "alice:default" make the same id. */
    json_decref(try_op(f, f->session, "set", "{\"key\": \"k1\", \"value\": 1}", &err));
    assert_int_equal(f->store->open(f->impl, "dev_stub", &session, &err), 0);
    EIN_JSON json_t *read =
        try_op(f, session, "get", "{\"namespace\": \"alice:default\", \"key\": \"k1\"}", &err);
    assert_null(read);
    assert_int_equal(err.code, EIN_E_DENIED);
    EIN_JSON json_t *written =
        try_op(f, session, "set",
               "{\"namespace\": \"alice:default\", \"key\": \"k1\", \"value\": 2}", &err);
    assert_null(written);
    assert_int_equal(err.code, EIN_E_DENIED);
    f->store->close(session);
}

static void bad_arguments_are_refused(void **state)
{
    struct fixture *f = *state;
    char args[4000];

    expect_failure(f, "get", "{}", EIN_E_INVALID);
    expect_failure(f, "get", "{\"key\": 7}", EIN_E_INVALID);
    expect_failure(f, "set", "{\"key\": \"k\"}", EIN_E_INVALID);
    expect_failure(f, "set_many", "{\"items\": [1]}", EIN_E_INVALID);
    expect_failure(f, "get_many", "{\"keys\": {}}", EIN_E_INVALID);
    expect_long(f, "prefix");
    expect_long(f, "namespace");
    expect_failure(f, "list_keys", "{\"prefix\": 1}", EIN_E_INVALID);
    expect_failure(f, "drop", "{}", EIN_E_INVALID);
    expect_failure(f, "get", "{\"key\": \"a\\u0000b\"}", EIN_E_INVALID);
    expect_failure(f, "set", "{\"key\": \"a\\u0000b\", \"value\": 1}", EIN_E_INVALID);
    expect_failure(f, "list_keys", "{\"namespace\": \"a\\u0000b\"}", EIN_E_INVALID);
    expect_failure(f, "list_keys", "{\"namespace\": 1}", EIN_E_INVALID);

    memset(args, 'x', sizeof(args));
    memcpy(args, "{\"key\": \"", 9);
    strcpy(args + 600, "\"}");
    expect_failure(f, "get", args, EIN_E_INVALID);
    memset(args, 'x', sizeof(args));
    memcpy(args, "{\"key\": \"k\", \"value\": \"", 23);
    strcpy(args + 23 + VALUE_MAX, "\"}");
    expect_failure(f, "set", args, EIN_E_TOO_LARGE);
}

struct writer {
    struct fixture *f;
    char key[16];
};

static void *write_and_read_back(void *data)
{
    struct writer *writer = data;
    struct fixture *f = writer->f;
    struct ein_data_session *session;
    struct ein_error err;
    char args[128];

    if (f->store->open(f->impl, USER, &session, &err) < 0)
        return data;
    snprintf(args, sizeof(args),
             "{\"items\": {\"shared\": 1, \"%s\": 1}, \"metadata\": {\"%s\": 1}}", writer->key,
             writer->key);
    EIN_JSON json_t *set = try_op(f, session, "set_many", args, &err);
    EIN_JSON json_t *got = try_op(f, session, "get", "{\"key\": \"shared\"}", &err);
    f->store->close(session);
    return set && got ? NULL : data;
}

static void many_agents_at_once_lose_no_write_and_no_count(void **state)
{
    struct fixture *f = *state;
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];

    for (int i = 0; i < WRITERS; i++) {
        writers[i].f = f;
        snprintf(writers[i].key, sizeof(writers[i].key), "k%d", i);
        assert_int_equal(pthread_create(&threads[i], NULL, write_and_read_back, &writers[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    EIN_JSON json_t *doc = stored(f, USER ":default:c2hhcmVk");
    assert_int_equal(json_object_size(json_object_get(doc, "metadata")), WRITERS);
    assert_int_equal(json_integer_value(json_object_get(doc, "accessCount")), WRITERS);
    struct ein_error err;
    EIN_JSON json_t *keys = try_op(f, f->session, "list_keys", "{}", &err);
    assert_int_equal(json_array_size(json_object_get(keys, "value")), WRITERS + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_operation_says_what_it_did),
        TEST(a_namespace_is_an_argument_and_keeps_its_keys_apart),
        TEST(a_long_value_is_previewed_by_its_first_200_characters),
        TEST(at_most_ten_keys_of_set_many_are_named),
        TEST(a_set_is_stored_at_once_with_who_and_when),
        TEST(metadata_of_a_set_are_merged),
        TEST(reads_are_written_when_the_session_ends),
        TEST(a_record_deleted_meanwhile_does_not_cost_the_others_their_counts),
        TEST(users_do_not_see_each_other),
        TEST(a_record_whose_id_is_anothers_is_neither_read_nor_written),
        TEST(bad_arguments_are_refused),
        TEST(many_agents_at_once_lose_no_write_and_no_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
