/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "buf.h"
#include "schemas.h"
#include <einion/plugin.h>
#include <jansson.h>

/* Replies with `take_body`, and with `rev` as its strong ETag.  Returns `status`,
 * or NO_MEMORY if that is why there is no body. */
int reply_with_rev(const struct ein_http *http, struct ein_req *req, int status, const char *rev,
                   json_t *take_body);

/* May a document whose revision is `rev` (NULL: there is none) be written, by the request's
 * If-Match and by the `_rev` that its body may name?  0, or the status that was replied: 412
 * or 409.  Ask again after a conflict. */
int check_rev(const struct ein_http *http, struct ein_req *req, const char *rev);

/* A change of a document, tried again where others get ahead of it: `once` replies and returns the
 * status, or returns CONFLICT, which is replied when it does so for the last time. */
typedef int change_once(struct ein_req *req, void *self, struct ein_error *err);
int change_until_done(const struct ein_http *http, struct ein_req *req, void *self,
                      change_once *once);

/* How many bytes members of a body may have, by what they are to people.  0, or 413 was replied. */
struct text_max {
    const char *member, *title;
    size_t max;
};
int check_texts(const struct ein_http *http, struct ein_req *req, const json_t *body,
                const struct text_max *texts, size_t count);

/* In whole seconds, rounded up; 0: nobody knows, and nothing is said. */
int reply_retry_after(const struct ein_http *http, struct ein_req *req, uint32_t ms);

/* A list that can be read in pages: `?limit=` and `?cursor=`, `Link` in the reply. */
#define PAGE_PROPERTIES                                                                            \
    "\"limit\":" SCHEMA({                                                                          \
        "type" : "integer",                                                                        \
        "minimum" : 1,                                                                             \
        "maximum" : 1000,                                                                          \
        "description" : "At most so many; without it the whole list"                               \
    }) ",\"cursor\":" SCHEMA({                                                                     \
        "type" : "string",                                                                         \
        "maxLength" : 2048,                                                                        \
        "description" : "Where the page before ended, from its Link header"                        \
    })
#define PAGE_QUERY_SCHEMA "{\"type\":\"object\",\"properties\":{" PAGE_PROPERTIES "}}"

/* limit, if it has one, and cursor of the request; the cursor is lent by it. */
void page_read(const struct ein_http *http, const struct ein_req *req, struct ein_query *query);

/* Tells where the next page begins; no Link if `cursor` is NULL. */
int page_link(const struct ein_http *http, struct ein_req *req, const char *cursor);

/* The document ID (may be NULL) of SET, if the caller may do with it what the route is for.
 * NOT_FOUND, in the same words, also for who may not know that it is there. */
int get_visible(const struct ein_host *host, struct ein_ctx *ctx, const struct ein_req *req,
                const char *set, const char *id, json_t **ret_doc, struct ein_error *err);

/* A list that is made as text, an item (NULL: there was no memory) at a time: as values it would
 * take several times as much.  It begins as BUF_INIT. */
int list_add(const struct ein_host *host, struct buf *list, json_t *take_item);
int list_reply(const struct ein_host *host, struct ein_req *req, struct buf *list);

typedef json_t *doc_show(const json_t *doc); /* NULL: no memory */

/* Replies with all documents of SET that `query` finds, or the page of them that is asked for, each
 * as SHOW makes it.  A query without a `where` is one for which there was no memory. */
int reply_page(const struct ein_host *host, struct ein_ctx *ctx, struct ein_req *req,
               const char *set, const struct ein_query *query, doc_show *show);

/* Of all documents of SET those that the caller may read. */
int reply_visible(const struct ein_host *host, struct ein_ctx *ctx, struct ein_req *req,
                  const char *set, doc_show *show);

/* An ein_doc_fn that appends the document's id to an array, and ein_query.fields for it. */
extern const char *const ids_only[];
int append_id(const json_t *doc, void *ids);

/* An ein_doc_fn that adds the document to an object, by its id. */
int add_by_id(const json_t *doc, void *docs);

/* Deletes the documents with these IDS, all of them or, NOT_FOUND, none. */
int delete_ids(const struct ein_host *host, struct ein_ctx *ctx, const char *set, const json_t *ids,
               struct ein_error *err);

/* Deletes the first MAX that `where` finds: how many there were, which may still be there where
 * others delete them at the same time, or an error. */
int delete_found(const struct ein_host *host, struct ein_ctx *ctx, const char *set,
                 const json_t *where, uint32_t max, struct ein_error *err);

/* Deletes all that `where` finds, and adds to *count, which may be NULL, how many. */
int delete_all(const struct ein_host *host, struct ein_ctx *ctx, const char *set,
               const json_t *where, uint64_t *count, struct ein_error *err);
/* Deletes what `where` finds, a part of it where that is much: it is for a timer, which comes
 * again. */
void sweep_docs(const struct ein_host *host, struct ein_ctx *ctx, const char *set,
                json_t *take_where);

/* The documents that `query` finds, as an array.  ret_cursor may be NULL. */
int find_docs(const struct ein_host *host, struct ein_ctx *ctx, const char *set,
              const struct ein_query *query, json_t **ret_docs, char **ret_cursor,
              struct ein_error *err);
