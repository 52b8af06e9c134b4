/* SPDX-License-Identifier: Apache-2.0 */
#include "storage.h"

#include <ftw.h>
#include <stdlib.h>

const char *storage_backend_name, *storage_settings = "{}";

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
    return remove(path);
}

/* A database of its own would take a tenth of a second for each test; a schema takes none. */
static void add_database(struct fixture *fixture, json_t *settings)
{
    const char *url = getenv("EIN_POSTGRES_URL");

    assert_non_null(url);
    json_object_set_new(settings, "url", json_string(url));
    json_object_set_new(
        settings, "schema",
        json_sprintf("test_%s", fixture->folder + sizeof("/tmp/storage-test-") - 1));
}

void fixture_open(struct fixture *fixture, json_t *take_settings)
{
    json_t *settings = take_settings ? take_settings : json_of(storage_settings);
    struct ein_error err = { 0 };
    char path[128];

    fixture->host = fake_host_new();
    if (strcmp(fixture->name, "storage-sqlite") == 0) {
        snprintf(path, sizeof(path), "%s/made/store.db", fixture->folder);
        json_object_set_new(settings, "path", json_string(path));
    }
    if (strcmp(fixture->name, "storage-postgres") == 0)
        add_database(fixture, settings);
    if (fake_plugin_open(fixture->host, fixture->name, settings, &fixture->plugin, &err) < 0 ||
        fake_plugin_start(fixture->plugin, &err) < 0)
        fail_msg("%s does not start: %s", fixture->name, err.text);

    const struct ein_service *service = fake_host_service(fixture->host, EIN_STORAGE_BACKEND);
    fixture->backend = service->vtable;
    fixture->impl = service->impl;
}

void fixture_close(struct fixture *fixture)
{
    fake_plugin_close(fixture->plugin);
    fake_host_free(fixture->host);
    fixture->plugin = NULL;
    fixture->host = NULL;
}

void fixture_begin(struct fixture *fixture, const char *name, json_t *take_settings)
{
    fixture->name = name;
    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/storage-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture_open(fixture, take_settings);
}

void fixture_end(struct fixture *fixture)
{
    fixture_close(fixture);
    nftw(fixture->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture_begin(fixture, storage_backend_name, NULL);
    *state = fixture;
    return 0;
}

int teardown(void **state)
{
    struct fixture *fixture = *state;

    fixture_end(fixture);
    free(fixture);
    return 0;
}

json_t *json_of(const char *text)
{
    EIN_FREE char *quoted = strdup(text);
    json_error_t at;

    for (char *c = quoted; *c; c++)
        if (*c == '\'')
            *c = '"';
    json_t *json = json_loads(quoted, JSON_ALLOW_NUL, &at);
    if (!json)
        fail_msg("%s: %s", text, at.text);
    return json;
}

void put_in(struct fixture *fixture, const char *set, const char *id, const char *text,
            char *ret_rev)
{
    EIN_JSON json_t *doc = json_of(text);
    struct ein_doc_op op = { .kind = EIN_DOC_PUT, .set = set, .id = id, .doc = doc };
    struct ein_error err = { 0 };

    if (batch(fixture, &op, 1, &err) < 0)
        fail_msg("put %s: %s", id, err.text);
    if (ret_rev)
        memcpy(ret_rev, op.ret_rev, sizeof(op.ret_rev));
}

void put(struct fixture *fixture, const char *id, const char *doc)
{
    put_in(fixture, "things", id, doc, NULL);
}

json_t *get(struct fixture *fixture, const char *set, const char *id)
{
    struct ein_error err = { 0 };
    json_t *doc = NULL;

    if (fixture->backend->get(fixture->impl, set, id, &doc, &err) < 0)
        fail_msg("get %s: %s", id, err.text);
    return doc;
}

void expect_members(struct fixture *fixture, const char *set, const char *id, const char *members)
{
    EIN_JSON json_t *doc = get(fixture, set, id), *copy = json_copy(doc);
    EIN_JSON json_t *expected = json_of(members);

    assert_string_equal(json_string_value(json_object_get(doc, "_id")), id);
    json_object_del(copy, "_id");
    json_object_del(copy, "_rev");
    EIN_FREE char *is = json_dumps(copy, JSON_COMPACT),
                  *wanted = json_dumps(expected, JSON_COMPACT);
    assert_string_equal(is, wanted);
}

void expect_missing(struct fixture *fixture, const char *set, const char *id)
{
    struct ein_error err = { 0 };
    json_t *doc;
    char text[700];

    assert_int_equal(fixture->backend->get(fixture->impl, set, id, &doc, &err), EIN_E_NOT_FOUND);
    assert_int_equal(err.code, EIN_E_NOT_FOUND);
    snprintf(text, sizeof(err.text), "Document '%s' not found in '%s'", id, set);
    assert_string_equal(err.text, text);
}

int batch(struct fixture *fixture, struct ein_doc_op *ops, size_t count, struct ein_error *err)
{
    return fixture->backend->batch(fixture->impl, ops, count, sizeof(*ops), err);
}

static int join_id(const json_t *doc, void *data)
{
    char *ids = data;

    if (*ids)
        strcat(ids, " ");
    strcat(ids, json_string_value(json_object_get(doc, "_id")));
    return 0;
}

static int find(struct fixture *fixture, const char *where_text, const char *order_text, char *ids,
                struct ein_error *err)
{
    EIN_JSON json_t *where = where_text ? json_of(where_text) : NULL;
    EIN_FREE char *fields = strdup(order_text ? order_text : "");
    const char *order[16] = { 0 };
    int count = 0;

    for (char *field = strtok(fields, " "); field; field = strtok(NULL, " "))
        order[count++] = field;
    struct ein_query query = { .struct_size = sizeof(query), .where = where, .order = order };
    return fixture->backend->find(fixture->impl, "things", &query, join_id, ids, NULL, err);
}

void expect_found(struct fixture *fixture, const char *where, const char *order, const char *ids)
{
    struct ein_error err = { 0 };
    char found[4096] = { 0 };

    if (find(fixture, where, order, found, &err) < 0)
        fail_msg("find %s: %s", where, err.text);
    if (strcmp(found, ids) != 0)
        fail_msg("find %s by %s: found '%s', not '%s'", where, order, found, ids);
}

void expect_refused(struct fixture *fixture, const char *where, const char *order,
                    const char *text_part)
{
    struct ein_error err = { 0 };
    char found[4096] = { 0 };

    assert_int_equal(find(fixture, where, order, found, &err), EIN_E_INVALID);
    if (!strstr(err.text, text_part))
        fail_msg("'%s' does not say '%s'", err.text, text_part);
}

uint64_t tally(struct fixture *fixture, const char *set, const char *where_text)
{
    EIN_JSON json_t *where = where_text ? json_of(where_text) : NULL;
    struct ein_error err = { 0 };
    uint64_t count = 0;

    if (fixture->backend->tally(fixture->impl, set, where, &count, &err) < 0)
        fail_msg("tally %s: %s", where_text, err.text);
    return count;
}
