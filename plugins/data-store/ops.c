/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "disk_room.h"
#include "error.h"
#include "json_memory.h"
#include "member.h"
#include "namespaces.h"
#include "python_json.h"
#include "record.h"
#include "session.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

enum {
    PREVIEW_MAX = 200, /* characters of a value in the opsLog */
    KEYS_SHOWN = 10    /* keys that set_many names there */
};

/* Adds members to the entry of the opsLog, as json_pack() has them. */
static int say(struct op_call *call, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    EIN_JSON json_t *members = json_vpack_ex(NULL, 0, fmt, args);
    va_end(args);
    return members && json_object_update(call->entry, members) == 0 ? 0
                                                                    : error_no_memory(call->err);
}

static json_t *preview(const json_t *value)
{
    char text[PREVIEW_MAX + sizeof("…")];
    size_t len = python_json(value, text, PREVIEW_MAX + 1);

    if (len > PREVIEW_MAX)
        strcpy(text + PREVIEW_MAX, "…");
    return json_string(text);
}

static int give(struct op_call *call, json_t *take_value, json_t **ret_value)
{
    if (!take_value)
        return error_no_memory(call->err);
    *ret_value = take_value;
    return 0;
}

/* Ids end at the first NUL, so a key holds none. */
static int key_init(struct op_call *call, const char *text, size_t len, struct record_key *ret_at)
{
    if (!text || strlen(text) != len)
        return error_set(call->err, EIN_E_INVALID, "a key must be a string without U+0000");
    return record_key_init(ret_at, call->session->user, call->ns, text, call->err);
}

static int key_of(struct op_call *call, const json_t *key, struct record_key *ret_at)
{
    return key_init(call, json_string_value(key), json_string_length(key), ret_at);
}

/* Counts one more that an answer has. */
static int gather(struct op_call *call, const json_t *doc)
{
    call->gathered += (size_t)integer_of(doc, "sizeBytes");
    call->memory += json_memory(doc);
    if (call->gathered > call->store->many_max)
        return error_set(call->err, EIN_E_TOO_LARGE,
                         "these values are longer than %zu bytes together: ask for fewer at a time",
                         call->store->many_max);
    if (call->memory > call->store->memory_max)
        return error_set(call->err, EIN_E_TOO_LARGE,
                         "these values take more than %zu bytes of memory together: ask for fewer "
                         "at a time",
                         call->store->memory_max);
    return 0;
}

/* 1 and the value, touched; 0 where there is none. */
static int read_value(struct op_call *call, const json_t *key, json_t **ret_value)
{
    struct record_key at;
    EIN_JSON json_t *doc = NULL;

    int r = key_of(call, key, &at);
    if (r < 0)
        return r;
    r = record_read(call->store, &at, &doc, call->err);
    if (r == EIN_E_NOT_FOUND)
        return 0;
    if (r < 0)
        return r;
    r = gather(call, doc);
    if (r == 0)
        r = touches_add(&call->session->touches, call->store, at.id, call->agent, call->err);
    if (r < 0)
        return r;
    *ret_value = json_incref(json_object_get(doc, "value"));
    return 1;
}

static int op_get(struct op_call *call, json_t **ret_value)
{
    const json_t *key = json_object_get(call->args, "key");
    EIN_JSON json_t *value = NULL;

    int found = read_value(call, key, &value);
    if (found < 0)
        return found;
    if (!found) {
        json_t *other = json_object_get(call->args, "default");
        value = other ? json_incref(other) : json_null();
    }
    int r =
        say(call, "{s:O, s:b, s:o}", "key", key, "found", found, "valuePreview", preview(value));
    return r < 0 ? r : give(call, EIN_TAKE(value), ret_value);
}

static int op_get_many(struct op_call *call, json_t **ret_value)
{
    const json_t *keys = json_object_get(call->args, "keys");
    EIN_JSON json_t *values = json_object();
    size_t index;
    const json_t *key;

    if (!json_is_array(keys))
        return error_set(call->err, EIN_E_INVALID, "keys must be a list");
    json_array_foreach(keys, index, key)
    {
        EIN_JSON json_t *value = NULL;
        int found = read_value(call, key, &value);
        if (found < 0)
            return found;
        if (found && json_object_set(values, json_string_value(key), value))
            return error_no_memory(call->err);
    }
    int r = say(call, "{s:I, s:I}", "requested", (json_int_t)json_array_size(keys), "found",
                (json_int_t)json_object_size(values));
    return r < 0 ? r : give(call, EIN_TAKE(values), ret_value);
}

/* ---- writing ---- */

/* A write of several records, all or none: element i of each is about record i. */
struct writes {
    size_t count;
    struct record_key *at;
    struct ein_doc_op *ops;
    json_t *docs;
    int64_t bytes; /* by which what is kept grows, about */
};

static void writes_done(struct writes *writes)
{
    free(writes->at);
    free(writes->ops);
    json_decref(writes->docs);
}

static int writes_init(struct op_call *call, json_t *items, struct writes *writes)
{
    const char *key;
    size_t len;
    json_t *value;

    writes->count = 0;
    writes->docs = json_array();
    writes->at = calloc(json_object_size(items) + 1, sizeof(*writes->at));
    writes->ops = calloc(json_object_size(items) + 1, sizeof(*writes->ops));
    if (!writes->docs || !writes->at || !writes->ops)
        return error_no_memory(call->err);

    json_object_keylen_foreach(items, key, len, value)
    {
        int r = record_check_value(call->store, value, call->err);
        if (r >= 0)
            r = key_init(call, key, len, &writes->at[writes->count++]);
        if (r < 0)
            return r;
    }
    return 0;
}

/* How record i is to be written, by what is stored now.  An existing record is updated
 * whatever its revision, so that agents that write at once need not wait for each other;
 * only merged metadata depend on what was read. */
static int plan_write(struct op_call *call, struct writes *writes, size_t i, const json_t *value,
                      const json_t *metadata)
{
    const struct record_key *at = &writes->at[i];
    EIN_JSON json_t *old = NULL;

    int r = record_read(call->store, at, &old, call->err);
    if (r < 0 && r != EIN_E_NOT_FOUND)
        return r;
    json_t *doc = old ? record_changes(old, value, metadata, call->agent)
                      : record_new(at, value, metadata, call->agent);
    if (json_array_append_new(writes->docs, doc))
        return error_no_memory(call->err);

    writes->bytes += old ? disk_growth(integer_of(doc, "sizeBytes"), integer_of(old, "sizeBytes")) +
                               (metadata ? disk_bytes(metadata) : 0)
                         : disk_bytes(doc);

    struct ein_doc_op *op = &writes->ops[i];
    *op = (struct ein_doc_op){ .set = DATA_STORE_SET, .id = at->id, .doc = doc };
    op->kind = old ? EIN_DOC_UPDATE : EIN_DOC_PUT;
    if (!old)
        op->expect = EIN_REV_NEW;
    if (old && metadata) {
        json_t *rev = json_object_get(old, "_rev");
        if (json_array_append(writes->docs, rev))
            return error_no_memory(call->err);
        op->expect = json_string_value(rev);
    }
    return 0;
}

static int write_once(struct op_call *call, json_t *items, const json_t *metadata)
{
    __attribute__((cleanup(writes_done))) struct writes writes = { 0 };
    const char *key;
    json_t *value;
    size_t i = 0;

    int r = writes_init(call, items, &writes);
    json_object_foreach(items, key, value)
    {
        if (r >= 0)
            r = plan_write(call, &writes, i++, value, metadata);
    }
    if (r < 0 || !writes.count)
        return r;
    r = disk_take(call->store->host, call->store->ctx, call->session->user, writes.bytes,
                  call->err);
    if (r < 0)
        return r;

    r = call->store->host->store->batch(call->store->ctx, writes.ops, writes.count,
                                        sizeof(*writes.ops), call->err);
    for (i = 0; r >= 0 && i < writes.count; i++)
        touches_renew(&call->session->touches, writes.at[i].id, call->agent);
    return r;
}

/* Writes {key: value}, all or none, on disk when it returns. */
static int write_items(struct op_call *call, json_t *items)
{
    const json_t *metadata = json_object_get(call->args, "metadata");

    if (json_object_size(metadata) == 0)
        metadata = NULL;
    for (int i = 0; i < WRITE_TRIES; i++) {
        int r = write_once(call, items, metadata);
        if (r != EIN_E_CONFLICT && r != EIN_E_NOT_FOUND)
            return r;
    }
    return error_set(call->err, EIN_E_BUSY, "Records in '%s' keep changing.", call->ns);
}

static int op_set(struct op_call *call, json_t **ret_value)
{
    json_t *key = json_object_get(call->args, "key");
    json_t *value = json_object_get(call->args, "value");
    struct record_key at;

    int r = key_of(call, key, &at);
    if (r < 0)
        return r;
    if (!value)
        return error_set(call->err, EIN_E_INVALID, "set needs a value");
    EIN_JSON json_t *items = json_pack("{s:O}", json_string_value(key), value);
    if (!items)
        return error_no_memory(call->err);

    r = write_items(call, items);
    if (r >= 0)
        r = say(call, "{s:O, s:o}", "key", key, "valuePreview", preview(value));
    return r < 0 ? r : give(call, json_null(), ret_value);
}

static int op_set_many(struct op_call *call, json_t **ret_value)
{
    json_t *items = json_object_get(call->args, "items");
    EIN_JSON json_t *shown = json_array();
    const char *key;
    json_t *value;

    if (!json_is_object(items))
        return error_set(call->err, EIN_E_INVALID, "items must be a dictionary");
    int r = write_items(call, items);
    if (r < 0)
        return r;
    json_object_foreach(items, key, value)
    {
        if (json_array_size(shown) < KEYS_SHOWN && json_array_append_new(shown, json_string(key)))
            return error_no_memory(call->err);
    }
    json_int_t count = (json_int_t)json_object_size(items);
    r = say(call, "{s:I, s:O}", "count", count, "keys", shown);
    return r < 0 ? r : give(call, json_integer(count), ret_value);
}

static int op_delete(struct op_call *call, json_t **ret_value)
{
    const json_t *key = json_object_get(call->args, "key");
    EIN_JSON json_t *doc = NULL;
    struct record_key at;

    int r = key_of(call, key, &at);
    if (r < 0)
        return r;
    r = record_read(call->store, &at, &doc, call->err);
    if (r >= 0)
        r = call->store->host->store->del(call->store->ctx, DATA_STORE_SET, at.id, EIN_REV_ANY,
                                          call->err);
    if (r < 0 && r != EIN_E_NOT_FOUND)
        return r;
    bool found = r >= 0;
    if (found)
        disk_give_doc(call->store->host, call->store->ctx, call->session->user, doc);
    touches_forget(&call->session->touches, at.id);
    r = say(call, "{s:O, s:b}", "key", key, "found", found);
    return r < 0 ? r : give(call, json_boolean(found), ret_value);
}

static int op_clear(struct op_call *call, json_t **ret_value)
{
    int count = namespace_clear(call->store, call->session->user, call->ns, call->err);
    if (count < 0)
        return count;
    int r = say(call, "{s:i}", "count", count);
    return r < 0 ? r : give(call, json_integer(count), ret_value);
}

/* ---- lists ---- */

/* Finds FIELDS (NULL: all) of the records of the namespace whose keys begin with `prefix` (or
 * NULL), in no order: keys that are found are sorted faster than records. */
static int find_records(struct op_call *call, const json_t *prefix, const char *const *fields,
                        ein_doc_fn *each, void *data)
{
    EIN_JSON json_t *where =
        json_pack("{s:s, s:s}", "userId", call->session->user, "namespace", call->ns);
    const struct ein_query query = { .struct_size = sizeof(query),
                                     .where = where,
                                     .fields = fields };

    if (!where)
        return error_no_memory(call->err);
    if (json_is_string(prefix) &&
        json_object_set_new(where, "key", json_pack("{s:O}", "$prefix", prefix)))
        return error_no_memory(call->err);
    return record_find(call->store, &query, each, data, call->err);
}

static int add_key(const json_t *doc, void *keys)
{
    const char *key = json_string_value(json_object_get(doc, "key"));

    return json_object_set_new(keys, key, json_true()) ? EIN_E_NO_MEMORY : 0;
}

static int op_list_keys(struct op_call *call, json_t **ret_value)
{
    static const char *const fields[] = { "key", NULL };
    json_t *prefix = json_object_get(call->args, "prefix");
    EIN_JSON json_t *found = json_object();

    if (prefix && !json_is_string(prefix) && !json_is_null(prefix))
        return error_set(call->err, EIN_E_INVALID, "a prefix must be a string");
    if (json_string_length(prefix) > DOC_ID_MAX) /* the opsLog would keep all of it */
        return error_set(call->err, EIN_E_INVALID, "a prefix has at most %d bytes", DOC_ID_MAX);
    int r = find_records(call, prefix, fields, add_key, found);
    EIN_JSON json_t *keys = sorted_names(found);
    if (r >= 0)
        r = say(call, "{s:O?, s:I}", "prefix", prefix, "count", (json_int_t)json_array_size(keys));
    return r < 0 ? r : give(call, EIN_TAKE(keys), ret_value);
}

struct all_values {
    struct op_call *call;
    json_t *values;
};

static int append_value(const json_t *doc, void *data)
{
    const struct all_values *all = data;
    const char *key = json_string_value(json_object_get(doc, "key"));
    int r = gather(all->call, doc);

    if (r < 0)
        return r;
    return json_object_set(all->values, key, json_object_get(doc, "value")) ? EIN_E_NO_MEMORY : 0;
}

/* Not noted as a read of each record: what a large namespace holds would all be written again. */
static int op_get_all(struct op_call *call, json_t **ret_value)
{
    EIN_JSON json_t *found = json_object();
    EIN_JSON json_t *values = json_object();
    struct all_values all = { call, found };
    json_t *key;
    size_t i;

    int r = find_records(call, NULL, NULL, append_value, &all);
    EIN_JSON json_t *keys = sorted_names(found);
    json_array_foreach(keys, i, key)
    {
        const char *name = json_string_value(key);
        if (json_object_set(values, name, json_object_get(found, name)))
            return error_no_memory(call->err);
    }
    if (r >= 0)
        r = say(call, "{s:I}", "count", (json_int_t)json_object_size(values));
    return r < 0 ? r : give(call, EIN_TAKE(values), ret_value);
}

static int op_list_namespaces(struct op_call *call, json_t **ret_value)
{
    EIN_JSON json_t *names = NULL;

    int r = namespace_names(call->store, call->session->user, &names, call->err);
    if (r >= 0)
        r = say(call, "{s:I}", "count", (json_int_t)json_array_size(names));
    return r < 0 ? r : give(call, EIN_TAKE(names), ret_value);
}

/* ---- which is which ---- */

int op_run(struct op_call *call, const char *op, json_t **ret_value)
{
    static const struct {
        const char *name;
        int (*run)(struct op_call *call, json_t **ret_value);
    } ops[] = {
        { "get", op_get },
        { "set", op_set },
        { "delete", op_delete },
        { "list_keys", op_list_keys },
        { "list_namespaces", op_list_namespaces },
        { "get_all", op_get_all },
        { "get_many", op_get_many },
        { "set_many", op_set_many },
        { "clear", op_clear },
    };

    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        if (strcmp(op, ops[i].name) == 0)
            return ops[i].run(call, ret_value);
    }
    return error_set(call->err, EIN_E_INVALID, "the data store has no operation '%s'", op);
}
