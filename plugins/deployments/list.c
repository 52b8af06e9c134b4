/* SPDX-License-Identifier: Apache-2.0 */
#include "deployments.h"

#include "cleanup.h"
#include "http_json.h"
#include "member.h"
#include "served_page.h"

/* NULL: no memory. */
static json_t *show(const json_t *entry)
{
    const json_t *served = json_object_get(entry, "agent");

    return json_pack("{s:O, s:O, s:O, s:O, s:O}", "friendlyName", json_object_get(entry, "name"),
                     "agentId", json_object_get(served, "_id"), "description",
                     or_null(served, "description"), "inputSchema", or_null(served, "inputSchema"),
                     "outputSchema", or_null(served, "outputSchema"));
}

/* One whose agent is gone is left out. */
int deployments_list(struct ein_req *req, void *self)
{
    const struct deployments *deployments = self;
    const struct ein_host *host = deployments->host;
    EIN_JSON json_t *where = host->http->visible(req);
    EIN_JSON json_t *page = NULL;
    EIN_JSON json_t *list = json_array();
    struct ein_query query = { .struct_size = sizeof(query) };
    struct ein_error err;
    char *cursor = NULL;
    size_t i;
    json_t *entry;
    int r;

    if (!where || !list)
        return EIN_E_NO_MEMORY;
    page_read(host->http, req, &query);
    r = served_page(host, deployments->ctx, where, query.limit, query.cursor, false, &page, &cursor,
                    &err);
    if (r < 0)
        return host->http->fail_error(req, &err);
    r = page_link(host->http, req, cursor);
    host->mem_free(cursor);
    json_array_foreach(page, i, entry)
    {
        if (r >= 0)
            r = json_array_append_new(list, show(entry));
    }
    return r < 0 ? EIN_E_NO_MEMORY : host->http->reply(req, 200, EIN_TAKE(list));
}
