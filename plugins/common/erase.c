/* SPDX-License-Identifier: Apache-2.0 */
#include "erase.h"

#include "cleanup.h"
#include "error.h"
#include "http_json.h"

enum { AT_ONCE = 500, SOME = 100 };

int erase_docs(const struct ein_host *host, struct ein_ctx *ctx, const char *set, const char *field,
               const char *uid, uint64_t *count, struct ein_error *err)
{
    EIN_JSON json_t *where = json_pack("{s:s}", field, uid);
    int r = where ? 1 : error_no_memory(err);

    while (r > 0) {
        r = delete_found(host, ctx, set, where, AT_ONCE, err);
        *count += r > 0 ? (uint64_t)r : 0;
    }
    return r;
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
