/* SPDX-License-Identifier: Apache-2.0 */
/* POST /specs/fetch. */
#include "specs.h"

#include <string.h>

static const char *const headers[] = {
    "Accept: application/json, application/yaml;q=0.9, text/yaml;q=0.9, */*;q=0.5", NULL
};

static int fail_fetch(const struct specs *specs, struct ein_req *req, const struct ein_error *err)
{
    if (err->code == EIN_E_CANCELLED || err->code == EIN_E_NO_MEMORY)
        return specs->host->http->fail_error(req, err);
    return specs->host->http->fail(req, 400, "Error fetching from URL: %s", err->text);
}

static int fail_content(const struct specs *specs, struct ein_req *req, const struct ein_error *err)
{
    if (err->code == EIN_E_NO_MEMORY)
        return specs->host->http->fail_error(req, err);
    if (err->code == EIN_E_TOO_LARGE)
        return specs->host->http->fail(req, 400, "Content from URL is too large: %s.", err->text);
    return specs->host->http->fail(req, 400, "Content from URL is not valid JSON or YAML.");
}

/* The last segment of the path. */
static json_t *name_of(const char *url)
{
    const char *scheme = strstr(url, "://"), *path = scheme ? scheme + 3 : url;
    size_t len = strcspn(path, "?#"), begin = len;

    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    if (begin == 0 || begin == len) /* no path at all, or it ends in '/' */
        return json_string("spec_from_url.json");
    return json_stringn(path + begin, len - begin);
}

static int answer(const struct specs *specs, struct ein_req *req, const char *url,
                  const struct ein_fetched *fetched)
{
    EIN_JSON json_t *document = NULL;
    struct ein_error err = { 0 };
    json_t *content;

    if (fetched->status < 200 || fetched->status > 299)
        return specs->host->http->fail(
            req, 400, "Error fetching from URL: the server answered with status %d",
            fetched->status);
    if (document_read(fetched->body ? fetched->body : "", fetched->body_len, &specs->limits,
                      &document, &err) < 0)
        return fail_content(specs, req, &err);
    content = json_stringn(fetched->body, fetched->body_len);
    if (!content)
        return specs->host->http->fail(req, 400, "Content from URL is not valid JSON or YAML.");
    return specs->host->http->reply(
        req, 200, json_pack("{s:o, s:o}", "name", name_of(url), "content", content));
}

int specs_fetch_post(struct ein_req *req, void *self)
{
    struct specs *specs = self;
    const struct ein_http *http = specs->host->http;
    const char *url = json_string_value(json_object_get(http->body(req), "url"));
    uint32_t left_ms = http->left_ms(req);
    const struct ein_fetch what = {
        .struct_size = sizeof(what),
        .egress = EIN_EGRESS_PUBLIC,
        .total_ms = left_ms < specs->total_ms ? left_ms : specs->total_ms,
        .max_redirects = specs->redirects_max,
        .max_bytes = specs->limits.text_bytes,
        .method = "GET",
        .url = url,
        .headers = headers,
        .cancel = http->cancel(req),
    };
    struct ein_fetched fetched = { .struct_size = sizeof(fetched) };
    struct ein_error err = { 0 };
    int r;

    r = specs->host->client->fetch(specs->ctx, &what, &fetched, &err);
    r = r < 0 ? fail_fetch(specs, req, &err) : answer(specs, req, url, &fetched);
    json_decref(fetched.headers);
    specs->host->mem_free(fetched.body);
    return r;
}
