/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"
#include "error.h"
#include "site.h"

#include <stdio.h>

enum { PAGES_MAX = 200 };

/* A page of the settings as a template: each star is a name of its own.  free(). */
static char *template_of(const char *page)
{
    struct buf out;
    int stars = 0;

    buf_init(&out, SIZE_MAX);
    for (const char *at = page; *at; at++) {
        if (*at == '*' && at[-1] == '/' && (at[1] == '/' || at[1] == '\0'))
            (void)buf_printf(&out, "{part%d}", ++stars);
        else
            (void)buf_char(&out, *at);
    }
    return buf_take(&out, NULL);
}

static const struct ein_route page_route = {
    .flags = EIN_ROUTE_PAGE,
    .method = "GET",
    .summary = "A page of the front end, where a browser goes to it",
    .reply_type = "text/html; charset=utf-8",
    .handle = site_page,
};

static const struct ein_route rest_route = {
    .flags = EIN_ROUTE_LAST,
    .method = "GET",
    .path = "/{path:path}",
    .operation_id = "site_file",
    .summary = "A file of the front end; where a browser goes to what is none, its first page",
    .reply_type = "application/octet-stream",
    .handle = site_rest,
};

void pages_free(struct site *site)
{
    /* the last one's texts are not on the heap */
    for (struct ein_route *it = site->routes; it && it->handle == site_page; it++) {
        free((char *)it->path);
        free((char *)it->operation_id);
    }
    free(site->routes);
    site->routes = NULL;
}

int pages_add(struct site *site, const json_t *pages, struct ein_error *err)
{
    size_t count = json_array_size(pages), i;
    const json_t *page;

    if (count > PAGES_MAX)
        return error_set(err, EIN_E_INVALID, "pages: more than %d", PAGES_MAX);
    site->routes = calloc(count + 2, sizeof(struct ein_route));
    if (!site->routes)
        return error_no_memory(err);
    json_array_foreach(pages, i, page)
    {
        struct ein_route *route = &site->routes[i];
        char *id = NULL;

        *route = page_route;
        route->path = template_of(json_string_value(page));
        if (!route->path || asprintf(&id, "site_page_%zu", i + 1) < 0)
            return error_no_memory(err);
        route->operation_id = id;
    }
    site->routes[count] = rest_route;
    return site->host->http->add_routes(site->ctx, site->routes, count + 1,
                                        sizeof(struct ein_route), site, err);
}
