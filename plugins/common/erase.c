/* SPDX-License-Identifier: Apache-2.0 */
#include "erase.h"

#include "cleanup.h"
#include "error.h"
#include "http_json.h"
#include "member.h"

#include <stdlib.h>

enum { AT_ONCE = 500, SOME = 100 };

static int find_theirs(const struct ein_host *host, struct ein_ctx *ctx, const char *set,
                       const char *field, const char *uid, const struct ein_query *how,
                       json_t **ret_docs, struct ein_error *err)
{
    EIN_JSON json_t *where = json_pack("{s:s}", field, uid);
    struct ein_query query = *how;

    query.where = where;
    return where ? find_docs(host, ctx, set, &query, ret_docs, NULL, err) : error_no_memory(err);
}

static int delete_all(const struct ein_host *host, struct ein_ctx *ctx, const char *set,
                      const json_t *docs, struct ein_error *err)
{
    size_t count = json_array_size(docs);
    EIN_FREE struct ein_doc_op *ops = calloc(count, sizeof(*ops));

    if (!ops)
        return error_no_memory(err);
    for (size_t i = 0; i < count; i++)
        ops[i] = (struct ein_doc_op){ .kind = EIN_DOC_DELETE,
                                      .set = set,
                                      .id = text_of(json_array_get(docs, i), "_id") };
    return host->store->batch(ctx, ops, count, sizeof(*ops), err);
}

int erase_docs(const struct ein_host *host, struct ein_ctx *ctx, const char *set, const char *field,
               const char *uid, uint64_t *count, struct ein_error *err)
{
    const struct ein_query ids = { .struct_size = sizeof(ids),
                                   .limit = AT_ONCE,
                                   .fields = ids_only };

    for (;;) {
        EIN_JSON json_t *docs = NULL;
        int r = find_theirs(host, ctx, set, field, uid, &ids, &docs, err);

        if (r < 0 || json_array_size(docs) == 0)
            return r;
        r = delete_all(host, ctx, set, docs, err);
        if (r < 0 && r != EIN_E_NOT_FOUND) /* else one of them has gone meanwhile */
            return r;
        *count += json_array_size(docs);
    }
}

int erase_some(const struct ein_host *host, struct ein_ctx *ctx, const struct erase_what *what,
               void *self, const char *uid, uint64_t *count, struct ein_error *err)
{
    const struct ein_query some = { .struct_size = sizeof(some),
                                    .limit = SOME,
                                    .fields = what->members };
    EIN_JSON json_t *docs = NULL;
    const json_t *doc;
    size_t i;
    int r = find_theirs(host, ctx, what->set, what->field, uid, &some, &docs, err);

    json_array_foreach(docs, i, doc)
    {
        r = what->one(self, doc, err);
        if (r < 0 && r != EIN_E_NOT_FOUND && r != EIN_E_CONFLICT)
            return r;
        ++*count;
    }
    return r < 0 && !docs ? r : 0;
}
