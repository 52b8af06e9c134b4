/* SPDX-License-Identifier: Apache-2.0 */
#include "audit.h"

#include "cleanup.h"
#include "http_json.h"

#include <string.h>

static json_t *show(const json_t *doc)
{
    json_t *shown = json_copy((json_t *)doc);

    (void)json_object_del(shown, "_id");
    (void)json_object_del(shown, "_rev");
    return shown;
}

/* Times in ISO 8601 are in their order as text, those of a few digits among those of many; but a
 * 'Z' comes behind every fraction. */
static int add_time(json_t *range, const char *operator, const json_t * time)
{
    const char *text = json_string_value(time);

    if (!text)
        return 0;
    return json_object_set_new(range, operator, json_stringn(text, strcspn(text, "Z")));
}

/* {"timestamp": {"$gte": FROM, "$lt": TO}} */
static int add_times(json_t *where, const json_t *given)
{
    EIN_JSON json_t *range = json_object();

    if (!range || add_time(range, "$gte", json_object_get(given, "from")) < 0 ||
        add_time(range, "$lt", json_object_get(given, "to")) < 0)
        return EIN_E_NO_MEMORY;
    return json_object_size(range) ? json_object_set(where, "timestamp", range) : 0;
}

static json_t *make_where(const json_t *given)
{
    static const char *const same[] = { "actor", "action" };
    json_t *where = json_object();

    for (size_t i = 0; where && i < sizeof(same) / sizeof(same[0]); i++) {
        json_t *value = json_object_get(given, same[i]);
        if (value && json_object_set(where, same[i], value) < 0)
            goto fail;
    }
    if (where && add_times(where, given) == 0)
        return where;
fail:
    json_decref(where);
    return NULL;
}

int audit_list(struct ein_req *req, void *self)
{
    static const char *const newest_first[] = { "-_id", NULL };
    const struct audit *audit = self;
    EIN_JSON json_t *where = make_where(audit->host->http->query(req));
    const struct ein_query query = { .struct_size = sizeof(query),
                                     .where = where,
                                     .order = newest_first };

    return reply_page(audit->host, audit->ctx, req, AUDIT_SET, &query, show);
}
