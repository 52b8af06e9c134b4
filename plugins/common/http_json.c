/* SPDX-License-Identifier: Apache-2.0 */
#include "http_json.h"
#include "buf.h"
#include "cleanup.h"
#include "document.h"
#include "error.h"
#include "member.h"
#include "percent.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ETAG_SIZE = EIN_REV_SIZE + 2, CHANGE_TRIES = 10, DELETE_COUNT = 1000 };

int reply_with_rev(const struct ein_http *http, struct ein_req *req, int status, const char *rev,
                   json_t *take_body)
{
    char etag[ETAG_SIZE];

    if (!take_body)
        return EIN_E_NO_MEMORY;
    snprintf(etag, sizeof(etag), "\"%s\"", rev);
    if (http->set_header(req, "ETag", etag) < 0) {
        json_decref(take_body);
        return EIN_E_NO_MEMORY;
    }
    return http->reply(req, status, take_body);
}

/* Is `rev` one of the entity tags in `list`?  Weak ones match nothing (RFC 9110, 13.1.1). */
static bool list_names_rev(const char *list, const char *rev)
{
    size_t len = strlen(rev);

    while (*list) {
        bool weak = !strncmp(list, "W/", 2);
        const char *tag = strchr(list, '"');
        const char *end = tag ? strchr(tag + 1, '"') : NULL;
        if (!end)
            return false;
        if (!weak && (size_t)(end - tag - 1) == len && !memcmp(tag + 1, rev, len))
            return true;
        list = end + 1 + strspn(end + 1, ", \t");
    }
    return false;
}

int check_rev(const struct ein_http *http, struct ein_req *req, const char *rev)
{
    const char *if_match = http->header(req, "If-Match");
    if (if_match && (!rev || (strcmp(if_match, "*") != 0 && !list_names_rev(if_match, rev))))
        return http->fail(req, 412,
                          "The document has changed: its revision is not the one in If-Match.");

    const char *named = text_of(http->body(req), "_rev");
    if (named && (!rev || strcmp(named, rev) != 0))
        return http->fail(req, 409,
                          "The document has changed: its revision is not the _rev in the body.");
    return 0;
}

int change_until_done(const struct ein_http *http, struct ein_req *req, void *self,
                      change_once *once)
{
    struct ein_error err;
    int r = EIN_E_CONFLICT;

    for (int tries = 0; r == EIN_E_CONFLICT && tries < CHANGE_TRIES; tries++)
        r = once(req, self, &err);
    return r == EIN_E_CONFLICT ? http->fail_error(req, &err) : r;
}

int check_texts(const struct ein_http *http, struct ein_req *req, const json_t *body,
                const struct text_max *texts, size_t count)
{
    for (const struct text_max *text = texts; text < texts + count; text++) {
        size_t len = json_string_length(json_object_get(body, text->member));

        if (len > text->max)
            return http->fail(req, 413, "The %s has %zu bytes; %zu is the most that it may have.",
                              text->title, len, text->max);
    }
    return 0;
}

int reply_retry_after(const struct ein_http *http, struct ein_req *req, uint32_t ms)
{
    char seconds[16];

    (void)snprintf(seconds, sizeof(seconds), "%u", ms / 1000 + (ms % 1000 != 0));
    return ms ? http->set_header(req, "Retry-After", seconds) : 0;
}

void page_read(const struct ein_http *http, const struct ein_req *req, struct ein_query *query)
{
    const json_t *given = http->query(req);

    if (json_object_get(given, "limit"))
        query->limit = (uint32_t)integer_of(given, "limit");
    query->cursor = text_of(given, "cursor");
}

/* The query of the request, but for the cursor: the next page is of the same list. */
static int write_query(struct buf *out, const json_t *given)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)given, name, value)
    {
        EIN_FREE char *text = NULL;

        if (strcmp(name, "cursor") == 0 || (!json_is_string(value) && !json_is_integer(value)))
            continue;
        if (json_is_integer(value)) {
            (void)buf_printf(out, "%s=%" JSON_INTEGER_FORMAT "&", name, json_integer_value(value));
            continue;
        }
        text = percent_encode(json_string_value(value), "");
        if (!text)
            return EIN_E_NO_MEMORY;
        (void)buf_printf(out, "%s=%s&", name, text);
    }
    return 0;
}

static int write_link(struct buf *out, const struct ein_http *http, const struct ein_req *req,
                      const char *cursor)
{
    EIN_FREE char *path = percent_encode(http->path(req), "/%!$&'()*+,;=:@");
    EIN_FREE char *from = percent_encode(cursor, "");
    int r;

    if (!path || !from)
        return EIN_E_NO_MEMORY;
    (void)buf_printf(out, "<%s?", path);
    r = write_query(out, http->query(req));
    return r < 0 ? r : buf_printf(out, "cursor=%s>; rel=\"next\"", from);
}

int page_link(const struct ein_http *http, struct ein_req *req, const char *cursor)
{
    EIN_BUF struct buf link = BUF_INIT;
    int r;

    if (!cursor)
        return 0;
    r = write_link(&link, http, req, cursor);
    return r < 0 ? r : http->set_header(req, "Link", link.data);
}

const char *const ids_only[] = { NULL };

int append_id(const json_t *doc, void *ids)
{
    return json_array_append(ids, json_object_get(doc, "_id")) ? EIN_E_NO_MEMORY : 0;
}

int add_by_id(const json_t *doc, void *docs)
{
    return json_object_set(docs, doc_id(doc), (json_t *)doc) < 0 ? EIN_E_NO_MEMORY : 0;
}

int delete_ids(const struct ein_host *host, struct ein_ctx *ctx, const char *set, const json_t *ids,
               struct ein_error *err)
{
    size_t count = json_array_size(ids);
    EIN_FREE struct ein_doc_op *ops = calloc(count + 1, sizeof(*ops));

    if (!ops)
        return error_no_memory(err);
    for (size_t i = 0; i < count; i++)
        ops[i] = (struct ein_doc_op){ .kind = EIN_DOC_DELETE,
                                      .set = set,
                                      .id = json_string_value(json_array_get(ids, i)) };
    return count ? host->store->batch(ctx, ops, count, sizeof(*ops), err) : 0;
}

int delete_found(const struct ein_host *host, struct ein_ctx *ctx, const char *set,
                 const json_t *where, uint32_t max, struct ein_error *err)
{
    EIN_JSON json_t *ids = json_array();
    const struct ein_query query = {
        .struct_size = sizeof(query), .limit = max, .where = where, .fields = ids_only
    };
    int r =
        ids ? host->store->find(ctx, set, &query, append_id, ids, NULL, err) : error_no_memory(err);

    if (r >= 0)
        r = delete_ids(host, ctx, set, ids, err);
    return r < 0 && r != EIN_E_NOT_FOUND ? r : (int)json_array_size(ids);
}

int delete_all(const struct ein_host *host, struct ein_ctx *ctx, const char *set,
               const json_t *where, uint64_t *count, struct ein_error *err)
{
    int r;

    while ((r = delete_found(host, ctx, set, where, DELETE_COUNT, err)) > 0)
        if (count)
            *count += (uint64_t)r;
    return r;
}

void sweep_docs(const struct ein_host *host, struct ein_ctx *ctx, const char *set,
                json_t *take_where)
{
    EIN_JSON json_t *where = take_where;

    if (where)
        (void)delete_found(host, ctx, set, where, DELETE_COUNT, NULL);
}

static int append_doc(const json_t *doc, void *array)
{
    return json_array_append_new(array, json_copy((json_t *)doc)) ? EIN_E_NO_MEMORY : 0;
}

int find_docs(const struct ein_host *host, struct ein_ctx *ctx, const char *set,
              const struct ein_query *query, json_t **ret_docs, char **ret_cursor,
              struct ein_error *err)
{
    EIN_JSON json_t *docs = json_array();
    if (!docs)
        return error_no_memory(err);

    int r = host->store->find(ctx, set, query, append_doc, docs, ret_cursor, err);
    if (r < 0)
        return r == EIN_E_NO_MEMORY ? error_no_memory(err) : r;
    *ret_docs = EIN_TAKE(docs);
    return 0;
}

int get_visible(const struct ein_host *host, struct ein_ctx *ctx, const struct ein_req *req,
                const char *set, const char *id, json_t **ret_doc, struct ein_error *err)
{
    EIN_JSON json_t *doc = NULL;
    int r = doc_is_id(id) ? host->store->get(ctx, set, id, &doc, err) : EIN_E_NOT_FOUND;

    if (r >= 0)
        r = host->http->may(req, doc, err);
    if (r == EIN_E_NOT_FOUND)
        return doc_not_found(set, id, err);
    if (r < 0)
        return r;
    *ret_doc = EIN_TAKE(doc);
    return 0;
}

/* ---- lists ---- */

int list_add(const struct ein_host *host, struct buf *list, json_t *take_item)
{
    EIN_JSON json_t *item = take_item;
    size_t len = 0;
    char *text = item ? host->json_text(item, &len) : NULL;
    int r = text ? buf_char(list, list->len > 0 ? ',' : '[') : EIN_E_NO_MEMORY;

    if (r >= 0)
        r = buf_add(list, text, len);
    host->mem_free(text);
    return r;
}

int list_reply(const struct ein_host *host, struct ein_req *req, struct buf *list)
{
    return buf_text(list, list->len > 0 ? "]" : "[]") < 0
               ? EIN_E_NO_MEMORY
               : host->http->reply_bytes(req, 200, "application/json", list->data, list->len);
}

struct shown {
    const struct ein_host *host;
    doc_show *show;
    struct buf *list;
};

static int add_shown(const json_t *doc, void *data)
{
    const struct shown *shown = data;

    return list_add(shown->host, shown->list, shown->show(doc));
}

int reply_page(const struct ein_host *host, struct ein_ctx *ctx, struct ein_req *req,
               const char *set, const struct ein_query *what, doc_show *show)
{
    EIN_BUF struct buf list = BUF_INIT;
    struct shown shown = { host, show, &list };
    struct ein_query query = *what;
    struct ein_error err;
    char *cursor = NULL;

    if (!query.where)
        return EIN_E_NO_MEMORY;
    page_read(host->http, req, &query);
    int r = host->store->find(ctx, set, &query, add_shown, &shown, &cursor, &err);
    if (r < 0)
        return host->http->fail_error(req, &err);
    r = page_link(host->http, req, cursor);
    host->mem_free(cursor);
    return r < 0 ? r : list_reply(host, req, &list);
}

int reply_visible(const struct ein_host *host, struct ein_ctx *ctx, struct ein_req *req,
                  const char *set, doc_show *show)
{
    EIN_JSON json_t *where = host->http->visible(req);
    const struct ein_query query = { .struct_size = sizeof(query), .where = where };

    return reply_page(host, ctx, req, set, &query, show);
}
