/* SPDX-License-Identifier: Apache-2.0 */
#include "erase.h"

#include "cleanup.h"
#include "error.h"
#include "http_json.h"

enum { SOME = 100 };

int erase_docs(const struct ein_host *host, struct ein_ctx *ctx, const char *set, const char *field,
               const char *uid, uint64_t *count, struct ein_error *err)
{
    EIN_JSON json_t *where = json_pack("{s:s}", field, uid);

    return where ? delete_all(host, ctx, set, where, count, err) : error_no_memory(err);
}

int erase_some(const struct ein_host *host, struct ein_ctx *ctx, const struct erase_what *what,
               void *self, const char *uid, uint64_t *count, struct ein_error *err)
{
    EIN_JSON json_t *where = json_pack("{s:s}", what->field, uid);
    const struct ein_query query = {
        .struct_size = sizeof(query), .where = where, .limit = SOME, .fields = what->members
    };
    EIN_JSON json_t *docs = NULL;
    const json_t *doc;
    size_t i;
    int r =
        where ? find_docs(host, ctx, what->set, &query, &docs, NULL, err) : error_no_memory(err);

    if (r < 0)
        return r;
    json_array_foreach(docs, i, doc)
    {
        r = what->one(self, doc, err);
        if (r < 0 && r != EIN_E_NOT_FOUND && r != EIN_E_CONFLICT)
            return r;
        ++*count;
    }
    return 0;
}
