/* SPDX-License-Identifier: Apache-2.0 */
#include "namespaces.h"
#include "cleanup.h"
#include "disk_room.h"
#include "error.h"
#include "http_json.h"
#include "member.h"
#include "ownership.h"
#include "record.h"
#include "str.h"

#include <string.h>

/* ---- what the records of a namespace add up to ---- */

/* {"namespace", "recordCount", "sizeBytes", "agents": {name: true}, "updatedAt"} */
static json_t *summary_new(const char *ns)
{
    return json_pack("{s:s, s:i, s:i, s:{}, s:n}", "namespace", ns, "recordCount", 0, "sizeBytes",
                     0, "agents", "updatedAt");
}

static int add_to(json_t *object, const char *member, json_int_t by)
{
    return json_object_set_new(object, member, json_integer(integer_of(object, member) + by));
}

static int add_agent(json_t *summary, const json_t *agent)
{
    if (!json_is_string(agent))
        return 0;
    return json_object_set_new(json_object_get(summary, "agents"), json_string_value(agent),
                               json_true());
}

static int add_record(json_t *summary, const json_t *doc)
{
    json_t *updated = json_object_get(doc, "updatedAt");
    const char *latest = text_of(summary, "updatedAt");

    if (add_to(summary, "recordCount", 1) ||
        add_to(summary, "sizeBytes", integer_of(doc, "sizeBytes")) ||
        add_agent(summary, json_object_get(doc, "createdByAgent")) ||
        add_agent(summary, json_object_get(doc, "lastAccessedByAgent")))
        return EIN_E_NO_MEMORY;
    if (latest && strcmp(latest, json_string_value(updated)) >= 0)
        return 0;
    return json_object_set(summary, "updatedAt", updated) ? EIN_E_NO_MEMORY : 0;
}

static int add_to_its_namespace(const json_t *doc, void *summaries)
{
    const char *ns = text_of(doc, "namespace");
    json_t *summary = json_object_get(summaries, ns);

    if (!summary) {
        summary = summary_new(ns);
        if (json_object_set_new(summaries, ns, summary))
            return EIN_E_NO_MEMORY;
    }
    return add_record(summary, doc);
}

/* {namespace: summary} of the user's records, in one namespace or (NULL) in all. */
static int summarize(const struct data_store *store, const char *user, const char *ns,
                     json_t **ret_summaries, struct ein_error *err)
{
    EIN_JSON json_t *where = ns ? json_pack("{s:s, s:s}", "userId", user, "namespace", ns)
                                : json_pack("{s:s}", "userId", user);
    EIN_JSON json_t *summaries = json_object();
    static const char *const fields[] = { "namespace",           "sizeBytes", "createdByAgent",
                                          "lastAccessedByAgent", "updatedAt", NULL };
    const struct ein_query query = { .struct_size = sizeof(query),
                                     .where = where,
                                     .fields = fields };

    if (!where || !summaries)
        return error_no_memory(err);
    int r = record_find(store, &query, add_to_its_namespace, summaries, err);
    if (r < 0)
        return r;
    *ret_summaries = EIN_TAKE(summaries);
    return 0;
}

json_t *sorted_names(json_t *object)
{
    size_t count = 0;
    const char *name;
    json_t *value;
    EIN_JSON json_t *names = json_array();
    EIN_FREE const char **sorted = calloc(json_object_size(object) + 1, sizeof(*sorted));

    if (!names || !sorted)
        return NULL;
    json_object_foreach(object, name, value) sorted[count++] = name;
    qsort(sorted, count, sizeof(*sorted), str_compare);
    for (size_t i = 0; i < count; i++) {
        if (json_array_append_new(names, json_string(sorted[i])))
            return NULL;
    }
    return EIN_TAKE(names);
}

int namespace_names(const struct data_store *store, const char *user, json_t **ret_names,
                    struct ein_error *err)
{
    EIN_JSON json_t *summaries = NULL;

    int r = summarize(store, user, NULL, &summaries, err);
    if (r < 0)
        return r;
    json_t *names = sorted_names(summaries);
    if (!names)
        return error_no_memory(err);
    *ret_names = names;
    return 0;
}

/* ---- reading them ---- */

/* The summary as the API shows it: agents as a sorted list. */
static json_t *summary_view(json_t *summary)
{
    json_t *agents = sorted_names(json_object_get(summary, "agents"));

    return json_object_set_new(summary, "agents", agents) ? NULL : json_incref(summary);
}

/* Fills `page` with the namespaces behind the cursor, which is the last name of the page
 * before, and *ret_cursor if there are more. */
static int take_page(json_t *summaries, const struct ein_query *query, json_t *page,
                     const char **ret_cursor)
{
    EIN_JSON json_t *names = sorted_names(summaries);
    size_t index;
    json_t *name;

    if (!names)
        return EIN_E_NO_MEMORY;
    json_array_foreach(names, index, name)
    {
        const char *ns = json_string_value(name);
        size_t taken = json_array_size(page);
        if (query->cursor && strcmp(ns, query->cursor) <= 0)
            continue;
        if (query->limit && taken == query->limit) {
            const json_t *last = json_array_get(page, taken - 1);
            *ret_cursor = text_of(last, "namespace");
            return 0;
        }
        if (json_array_append_new(page, summary_view(json_object_get(summaries, ns))))
            return EIN_E_NO_MEMORY;
    }
    return 0;
}

static json_int_t sum_of(json_t *summaries, const char *member)
{
    json_int_t sum = 0;
    const char *ns;
    json_t *summary;

    json_object_foreach(summaries, ns, summary) sum += integer_of(summary, member);
    return sum;
}

int namespaces_list(struct ein_req *req, void *self)
{
    const struct data_store *store = self;
    const struct ein_http *http = store->host->http;
    struct ein_query query = { .struct_size = sizeof(query) };
    struct ein_error err;
    const char *cursor = NULL, *owner;
    EIN_JSON json_t *summaries = NULL;
    EIN_JSON json_t *page = json_array();

    int r = ownership_whose(http, req, &owner);
    if (r)
        return r;
    r = summarize(store, owner, NULL, &summaries, &err);
    if (r < 0)
        return http->fail_error(req, &err);
    page_read(http, req, &query);
    r = take_page(summaries, &query, page, &cursor);
    if (r < 0)
        return r;
    r = page_link(http, req, cursor);
    if (r < 0)
        return r;
    return http->reply(req, 200,
                       json_pack("{s:O, s:I, s:I}", "namespaces", page, "totalRecordCount",
                                 sum_of(summaries, "recordCount"), "totalSizeBytes",
                                 sum_of(summaries, "sizeBytes")));
}

int namespace_get(struct ein_req *req, void *self)
{
    const struct data_store *store = self;
    const struct ein_http *http = store->host->http;
    const char *ns = http->path_param(req, "namespace"), *owner;
    struct ein_error err;
    EIN_JSON json_t *summaries = NULL;

    int r = ownership_whose(http, req, &owner);
    if (r)
        return r;
    r = summarize(store, owner, ns, &summaries, &err);
    if (r < 0)
        return http->fail_error(req, &err);
    json_t *summary = json_object_get(summaries, ns);
    EIN_JSON json_t *found = summary ? json_incref(summary) : summary_new(ns);
    json_t *view = summary_view(found);
    return view ? http->reply(req, 200, view) : EIN_E_NO_MEMORY;
}

/* ---- emptying one ---- */

struct doomed {
    json_t *ids;
    int64_t bytes;
};

static int doom(const json_t *doc, void *data)
{
    struct doomed *doomed = data;

    doomed->bytes += integer_of(doc, "sizeBytes");
    return append_id(doc, doomed->ids);
}

int namespace_clear(const struct data_store *store, const char *user, const char *ns,
                    struct ein_error *err)
{
    EIN_JSON json_t *where = json_pack("{s:s, s:s}", "userId", user, "namespace", ns);
    static const char *const fields[] = { "sizeBytes", NULL };
    const struct ein_query query = { .struct_size = sizeof(query),
                                     .where = where,
                                     .fields = fields };

    if (!where)
        return error_no_memory(err);
    for (int i = 0; i < WRITE_TRIES; i++) {
        EIN_JSON json_t *ids = json_array();
        struct doomed doomed = { .ids = ids };
        int r = record_find(store, &query, doom, &doomed, err);
        if (r < 0)
            return r;
        r = delete_ids(store->host, store->ctx, DATA_STORE_SET, ids, err);
        if (r >= 0) {
            (void)disk_take(store->host, store->ctx, user, -doomed.bytes, NULL);
            return (int)json_array_size(ids);
        }
        if (r != EIN_E_NOT_FOUND) /* else somebody deleted one of them meanwhile */
            return r;
    }
    return error_set(err, EIN_E_BUSY, "Namespace '%s' keeps changing.", ns);
}

int namespace_delete(struct ein_req *req, void *self)
{
    const struct data_store *store = self;
    const struct ein_http *http = store->host->http;
    const char *ns = http->path_param(req, "namespace"), *owner;
    struct ein_error err;
    int r = ownership_whose(http, req, &owner);

    if (r)
        return r;
    int count = namespace_clear(store, owner, ns, &err);
    if (count < 0)
        return http->fail_error(req, &err);
    return http->reply(req, 200, json_pack("{s:s, s:i}", "namespace", ns, "deletedCount", count));
}
