/* SPDX-License-Identifier: Apache-2.0 */
/* Responses that are kept: each is a document with its own input alone, and with the ids of some of
 * those before it, oldest first.  They are the next ones before it, up to where a list of SEGMENT
 * ends; the oldest of them knows those before.  So a conversation takes what is said in it, and a
 * query for each SEGMENT reads it.
 *
 * A response is deleted KEEP_DAYS after it was made or last gone on from, or within a day after
 * that: by so much `dueAt` is ahead, so that it is set anew once a day only. */
#include "blocked.h"
#include "cleanup.h"
#include "clock.h"
#include "disk_room.h"
#include "erase.h"
#include "error.h"
#include "http_json.h"
#include "json_depth.h"
#include "member.h"
#include "openai_api.h"
#include "str.h"

#include <string.h>

enum {
    SEGMENT = 64,
    RENEWED_AT_ONCE = 64,
    DAY_MS = 24 * 3600 * 1000,
    HEX = 32 /* digits, of an id of ours */
};

/* ---- reading ---- */

int kept_get(const struct openai_api *api, const char *uid, const char *id, json_t **ret_doc,
             struct ein_error *err)
{
    EIN_JSON json_t *doc = NULL;
    int r = *id && strlen(id) < ANSWER_ID_SIZE
                ? api->host->store->get(api->ctx, RESPONSE_SET, id, &doc, err)
                : EIN_E_NOT_FOUND;

    if (r >= 0 && strcmp(text_or_empty(doc, "userId"), uid) != 0)
        r = EIN_E_NOT_FOUND;
    if (r >= 0)
        *ret_doc = EIN_TAKE(doc);
    return r;
}

static int find_by_ids(const struct openai_api *api, const json_t *ids, const char *const *fields,
                       ein_doc_fn *each, void *data, struct ein_error *err)
{
    EIN_JSON json_t *where = json_pack("{s:{s:O}}", "_id", "$in", ids);
    const struct ein_query query = { .struct_size = sizeof(query),
                                     .where = where,
                                     .fields = fields };

    return where ? api->host->store->find(api->ctx, RESPONSE_SET, &query, each, data, NULL, err)
                 : error_no_memory(err);
}

/* Those with these IDS, the last one first. */
static int add_segment(const struct openai_api *api, json_t *chain, const json_t *ids,
                       const char **ret_missing, struct ein_error *err)
{
    EIN_JSON json_t *found = json_object();
    int r = found ? find_by_ids(api, ids, NULL, add_by_id, found, err) : error_no_memory(err);

    for (size_t i = json_array_size(ids); r >= 0 && i-- > 0;) {
        const char *id = json_string_value(json_array_get(ids, i));
        json_t *doc = json_object_get(found, id);

        if (!doc) {
            *ret_missing = id;
            return EIN_E_NOT_FOUND;
        }
        r = json_array_append(chain, doc) < 0 ? error_no_memory(err) : 0;
    }
    return r;
}

static const json_t *ids_before(const json_t *chain)
{
    return json_object_get(json_array_get(chain, json_array_size(chain) - 1), "before");
}

int kept_chain(const struct openai_api *api, json_t *chain, const char **ret_missing,
               struct ein_error *err)
{
    int r = 0;

    while (r >= 0 && json_array_size(ids_before(chain)) > 0)
        r = add_segment(api, chain, ids_before(chain), ret_missing, err);
    return r;
}

int kept_items(const json_t *chain, size_t newest, json_t *items)
{
    int r = 0;

    for (size_t i = json_array_size(chain); r == 0 && i-- > newest;) {
        const json_t *doc = json_array_get(chain, i);

        r = json_array_extend(items, json_object_get(doc, "input")) |
            json_array_extend(items, member_at(doc, "response.output"));
    }
    return r < 0 ? EIN_E_NO_MEMORY : 0;
}

static int64_t kept_until(const struct openai_api *api, unsigned more_days)
{
    return clock_wall_ms() + (int64_t)(api->keep_days + more_days) * DAY_MS;
}

/* They are needed for as long as what goes on from them; that they may be gone is told when they
 * are asked for next. */
static void renew(const struct openai_api *api, const json_t *docs)
{
    EIN_JSON json_t *due = json_pack("{s:I}", "dueAt", (json_int_t)kept_until(api, 1));
    struct ein_doc_op ops[RENEWED_AT_ONCE];
    size_t count = 0, i;
    const json_t *doc;

    json_array_foreach(docs, i, doc)
    {
        if (integer_of(doc, "dueAt") < kept_until(api, 0))
            ops[count++] = (struct ein_doc_op){
                .kind = EIN_DOC_UPDATE, .set = RESPONSE_SET, .id = text_of(doc, "_id"), .doc = due
            };
        if (count > 0 && (count == RENEWED_AT_ONCE || i + 1 == json_array_size(docs))) {
            (void)api->host->store->batch(api->ctx, ops, count, sizeof(ops[0]), NULL);
            count = 0;
        }
    }
}

/* ---- previous_response_id ---- */

static int no_previous(struct flaw *flaw, const char *id)
{
    flaw->code = "previous_response_not_found";
    return ask_refuse(&(struct asking){ .flaw = flaw }, "previous_response_id",
                      "Previous response with id '%.60s' not found.", id);
}

static int too_long(struct flaw *flaw, const char *what, size_t max, const char *setting)
{
    flaw->code = "context_length_exceeded";
    return ask_refuse(&(struct asking){ .flaw = flaw }, "input",
                      "The conversation has more than %zu %s (plugins.openai-api.%s).", max, what,
                      setting);
}

/* Is this, and so many items more, as much as a conversation may have? */
static int check_size(const struct kept *kept, size_t more, struct flaw *flaw)
{
    const struct openai_api *api = kept->api;

    if (kept->items + more > api->limits.messages)
        return too_long(flaw, "items", api->limits.messages, "messages");
    if (kept->bytes > api->chain_bytes)
        return too_long(flaw, "bytes", api->chain_bytes, "chain_bytes");
    if (kept->values > api->limits.values)
        return too_long(flaw, "values", api->limits.values, "json_values");
    return 0;
}

static json_t *path_behind(const json_t *last)
{
    const json_t *before = json_object_get(last, "before");
    json_t *path = json_array_size(before) < SEGMENT ? json_copy((json_t *)before) : json_array();

    if (path && json_array_append(path, json_object_get(last, "_id")) == 0)
        return path;
    json_decref(path);
    return NULL;
}

static int read_previous(struct kept *kept, size_t more, struct flaw *flaw)
{
    EIN_JSON json_t *chain = json_array();
    const char *id = json_string_value(kept->previous), *missing = id;
    json_t *last = NULL;
    int r = kept_get(kept->api, kept->uid, id, &last, NULL);

    if (r == EIN_E_NOT_FOUND)
        return no_previous(flaw, id);
    if (r >= 0 && json_array_append_new(chain, last) < 0)
        r = EIN_E_NO_MEMORY;
    if (r < 0)
        return r;
    kept->items = (size_t)integer_of(last, "items");
    kept->bytes = (size_t)integer_of(last, "bytes");
    kept->values = (size_t)integer_of(last, "values");
    r = check_size(kept, more, flaw);
    if (r >= 0)
        r = kept_chain(kept->api, chain, &missing, NULL);
    if (r == EIN_E_NOT_FOUND)
        return no_previous(flaw, missing);
    if (r < 0)
        return r;
    renew(kept->api, chain);
    kept->before = json_array();
    kept->path = path_behind(last);
    return kept->before && kept->path ? kept_items(chain, 0, kept->before) : EIN_E_NO_MEMORY;
}

/* ---- item_reference ---- */

static const char *reference_of(const json_t *item)
{
    const char *type = text_of(item, "type");

    if (type ? strcmp(type, "item_reference") != 0 : json_object_get(item, "role") != NULL)
        return NULL;
    return text_of(item, "id");
}

/* An item's id holds that of its response: msg_HEX_0, and of its input msg_HEX_i0. */
static json_t *response_of(const char *id)
{
    const char *hex = strchr(id, '_');

    return hex && strcspn(hex + 1, "_") == HEX ? json_sprintf("resp_%.*s", HEX, hex + 1) : NULL;
}

struct references {
    const struct kept *kept;
    json_t *items;     /* {id: item}; null: it is not found yet */
    json_t *responses; /* ids */
    json_t *docs;      /* {"_id", "dueAt"} of those that were found */
    bool input;        /* some are of the input */
};

static void references_done(struct references *references)
{
    json_decref(references->items);
    json_decref(references->responses);
    json_decref(references->docs);
}

static int add_reference(struct references *references, const char *id)
{
    json_t *response = response_of(id);

    references->input |= strstr(id, "_i") != NULL;
    if (json_object_set_new(references->items, id, json_null()) < 0)
        return EIN_E_NO_MEMORY;
    if (!response || list_has(references->responses, json_string_value(response))) {
        json_decref(response);
        return 0;
    }
    return ask_append(references->responses, response);
}

static int take_items(const json_t *doc, void *data)
{
    const struct references *references = data;
    const json_t *lists[] = { json_object_get(doc, "input"), member_at(doc, "response.output") };
    json_t *item;
    size_t i;

    if (strcmp(text_or_empty(doc, "userId"), references->kept->uid) != 0)
        return 0;
    for (size_t list = 0; list < 2; list++)
        json_array_foreach(lists[list], i, item)
        {
            const char *id = text_of(item, "id");

            if (id && json_object_get(references->items, id) &&
                json_object_set(references->items, id, item) < 0)
                return EIN_E_NO_MEMORY;
        }
    return ask_append(references->docs, json_pack("{s:O, s:O}", "_id", json_object_get(doc, "_id"),
                                                  "dueAt", or_null(doc, "dueAt")));
}

/* An item that stands for a reference counts each time. */
static int count_item(struct kept *kept, const json_t *item, struct flaw *flaw)
{
    EIN_FREE char *text = json_dumps(item, JSON_COMPACT);
    size_t len = text ? strlen(text) : 0;

    if (!text)
        return EIN_E_NO_MEMORY;
    kept->bytes += len;
    kept->values += json_values(text, len);
    return check_size(kept, 0, flaw);
}

static int no_item(const struct kept *kept, const char *id, struct flaw *flaw)
{
    flaw->status = 404;
    return ask_refuse(&(struct asking){ .flaw = flaw }, "input",
                      "Item with id '%.80s' not found. Items are kept of responses with 'store', "
                      "and for %u days.",
                      id, kept->api->keep_days);
}

/* Of the responses before it are some clients' references, too: these items are there. */
static int put_items(struct kept *kept, json_t *input, const json_t *found, struct flaw *flaw)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < json_array_size(input);) {
        const char *id = reference_of(json_array_get(input, i));
        json_t *item = id ? json_object_get(found, id) : NULL;

        if (id && list_find(kept->before, "id", id)) {
            r = json_array_remove(input, i) < 0 ? EIN_E_NO_MEMORY : 0;
            continue;
        }
        if (id && !json_is_object(item))
            return no_item(kept, id, flaw);
        if (id && json_array_set(input, i, item) < 0)
            return EIN_E_NO_MEMORY;
        if (id)
            r = count_item(kept, item, flaw);
        i++;
    }
    return r;
}

static int add_references(struct references *references, const json_t *input)
{
    int r = references->items && references->responses && references->docs ? 0 : EIN_E_NO_MEMORY;
    const json_t *item;
    size_t i;

    json_array_foreach(input, i, item)
    {
        const char *id = reference_of(item);

        if (id && r >= 0)
            r = add_reference(references, id);
    }
    return r;
}

static int find_items(struct references *references)
{
    const char *const fields[] = { "userId", "dueAt", "response.output",
                                   references->input ? "input" : NULL, NULL };
    const struct openai_api *api = references->kept->api;
    int r = 0;

    if (json_array_size(references->responses) > 0)
        r = find_by_ids(api, references->responses, fields, take_items, references, NULL);
    if (r >= 0)
        renew(api, references->docs);
    return r;
}

static int resolve(struct kept *kept, json_t *input, struct flaw *flaw)
{
    struct references references = {
        .kept = kept, .items = json_object(), .responses = json_array(), .docs = json_array()
    };
    int r = add_references(&references, input);

    if (r >= 0)
        r = find_items(&references);
    if (r >= 0)
        r = put_items(kept, input, references.items, flaw);
    references_done(&references);
    return r;
}

/* ---- keeping ---- */

static void put_item(struct buf *out, const json_t *item, const char *hex, size_t index)
{
    EIN_JSON json_t *named = json_copy((json_t *)item);
    const char *type = text_of(item, "type");
    const char *prefix = !type || strcmp(type, "message") == 0 ? "msg" : "item";

    if (!text_of(item, "id"))
        (void)json_object_set_new(named, "id", json_sprintf("%s_%s_i%zu", prefix, hex, index));
    out_json(out, named);
}

static void put_doc(const struct kept *kept, const char *id, size_t count, const char *response,
                    size_t len, struct buf *out)
{
    const json_t *item;
    size_t i;

    out_put_quoted(out, "{\"userId\":", kept->uid);
    out_put_number(out, ",\"dueAt\":", (uint64_t)kept_until(kept->api, 1));
    out_put(out, ",\"before\":");
    if (kept->path)
        out_json(out, kept->path);
    else
        out_put(out, "[]");
    out_put(out, ",\"input\":[");
    json_array_foreach(kept->input, i, item)
    {
        out_put(out, i > 0 ? "," : "");
        put_item(out, item, strchr(id, '_') + 1, i);
    }
    out_put(out, "],\"response\":");
    out_bytes(out, response, len);
    out_put_number(out, ",\"items\":", kept->items + json_array_size(kept->input) + count);
    out_put_number(out, ",\"bytes\":", kept->bytes + out->len);
    out_put_number(out, ",\"values\":", kept->values + json_values(buf_str(out), out->len));
    out_put(out, "}");
}

/* Nobody has asked for most of what is kept, so it leaves room for what people keep on purpose. */
static int take_room(const struct kept *kept, int64_t bytes, struct ein_error *err)
{
    const struct openai_api *api = kept->api;
    const int64_t spare = (int64_t)api->spare_mib << 20;
    int r = disk_take(api->host, api->ctx, kept->uid, bytes + spare, err);

    if (r >= 0)
        (void)disk_take(api->host, api->ctx, kept->uid, -spare, NULL);
    return r;
}

static int store_doc(const struct kept *kept, const char *id, const struct buf *doc,
                     struct ein_error *err)
{
    const struct openai_api *api = kept->api;
    struct ein_doc_op op = {
        .kind = EIN_DOC_PUT, .set = RESPONSE_SET, .id = id, .text = buf_str(doc)
    };
    int r = doc->error ? error_no_memory(err) : blocked_check(api->host, api->ctx, kept->uid, err);

    if (r >= 0) /* also after an erasure nobody comes too late */
        r = take_room(kept, (int64_t)doc->len, err);
    if (r < 0)
        return r;
    r = api->host->store->batch(api->ctx, &op, 1, sizeof(op), err);
    if (r < 0)
        (void)disk_take(api->host, api->ctx, kept->uid, -(int64_t)doc->len, NULL);
    return r;
}

/* The answer is there, and paid: that it cannot be kept does not take it away. */
static bool keep(struct kept *kept, const char *id, size_t count, const char *response, size_t len)
{
    EIN_BUF struct buf doc = BUF_INIT;
    struct ein_error err = { 0 };

    put_doc(kept, id, count, response, len, &doc);
    if (store_doc(kept, id, &doc, &err) >= 0)
        return true;
    (void)ask_note(kept->ask, "The response is not kept: %s", err.text);
    return false;
}

/* ---- one response ---- */

int kept_begin(struct kept *kept, json_t *body, struct flaw *flaw)
{
    json_t *input = json_object_get(body, "input");
    json_t *previous = unless_null(body, "previous_response_id");
    int r = 0;

    kept->keep = keep;
    kept->store = !json_is_false(json_object_get(body, "store"));
    kept->metadata = json_incref(unless_null(body, "metadata"));
    if (previous && !json_is_string(previous))
        return ask_refuse(&(struct asking){ .flaw = flaw }, "previous_response_id",
                          "'previous_response_id' is not a text.");
    kept->previous = json_incref(previous);
    if (previous)
        r = read_previous(kept, json_array_size(input), flaw);
    if (r >= 0 && json_array_size(input) <= kept->api->limits.messages)
        r = resolve(kept, input, flaw);
    if (r < 0 || !kept->store)
        return r;
    kept->input = json_is_string(input) ? json_pack("[{s:s, s:s, s:O}]", "type", "message", "role",
                                                    "user", "content", input)
                                        : json_incref(input);
    return input && !kept->input ? EIN_E_NO_MEMORY : 0;
}

void kept_done(struct kept *kept)
{
    json_decref(kept->before);
    json_decref(kept->previous);
    json_decref(kept->metadata);
    json_decref(kept->input);
    json_decref(kept->path);
}

/* ---- forgetting ---- */

static int erase(void *impl, const char *uid, uint64_t *ret_count, struct ein_error *err)
{
    const struct openai_api *api = impl;

    *ret_count = 0;
    return erase_docs(api->host, api->ctx, RESPONSE_SET, "userId", uid, ret_count, err);
}

const struct ein_erasure kept_erasure = { .struct_size = sizeof(kept_erasure), .erase = erase };

void kept_sweep(void *data)
{
    const struct openai_api *api = data;
    EIN_JSON json_t *where = json_pack("{s:{s:I}}", "dueAt", "$lte", (json_int_t)clock_wall_ms());
    struct ein_error err = { 0 };

    if (where && delete_all(api->host, api->ctx, RESPONSE_SET, where, NULL, &err) < 0)
        api->host->log_msg(api->ctx, EIN_ERROR, "Old responses could not be deleted: %s", err.text);
}
