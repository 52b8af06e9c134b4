/* SPDX-License-Identifier: Apache-2.0 */
/* A demo as a page: one of ours, and in it the demo, in a frame without an origin.  The frame asks
 * our page by messages, which calls the demo's APIs with a token that opens these only. */
#include "app_token.h"
#include "cleanup.h"
#include "clock.h"
#include "demos.h"
#include "page.h"
#include "percent.h"
#include "str.h"

#include <stdbool.h>
#include <string.h>

static const char *const headers[][2] = {
    { "X-Content-Type-Options", "nosniff" },
    { "Referrer-Policy", "no-referrer" },
    { "Cache-Control", "no-store" },
    { "X-DNS-Prefetch-Control", "off" },
    { "Permissions-Policy", "camera=(), microphone=(), geolocation=(), display-capture=(), usb=(), "
                            "serial=(), hid=(), midi=(), payment=(), clipboard-read=()" },
};

static int reply_page(const struct ein_http *http, struct ein_req *req, const char *policy,
                      const char *text)
{
    if (!policy || !text || http->set_header(req, "Content-Security-Policy", policy) < 0)
        return EIN_E_NO_MEMORY;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        if (http->set_header(req, headers[i][0], headers[i][1]) < 0)
            return EIN_E_NO_MEMORY;
    return http->reply_bytes(req, 200, "text/html; charset=utf-8", text, strlen(text));
}

/* "/demos/ID/app"; free(). */
static char *app_path(const json_t *demo)
{
    EIN_FREE char *id = percent_encode(json_string_value(json_object_get(demo, "_id")), "");

    return id ? str_print("/demos/%s/app", id) : NULL;
}

int demos_app(struct ein_req *req, void *self)
{
    const struct demos *demos = self;
    const struct ein_http *http = demos->host->http;
    EIN_JSON json_t *demo = NULL;
    EIN_JSON json_t *names = NULL;
    EIN_FREE char *path = NULL, *policy = NULL, *text = NULL;
    struct page page = { .ancestors = demos->ancestors, .origin = http->origin(req) };
    char token[APP_TOKEN_SIZE];
    struct ein_error err;
    int64_t expires;
    int r = demo_get(demos, req, http->path_param(req, "demo_id"), &demo, &err);

    if (r >= 0 && !page.origin)
        return http->fail(req, 400,
                          "The request does not say by which name it reached the server.");
    if (r >= 0)
        r = app_token_make(demos, req, demo, token, &expires, &err);
    if (r < 0)
        return http->fail_error(req, &err);
    page.demo = demo;
    page.names = names = app_api_names(demo);
    page.path = path = app_path(demo);
    page.token = token;
    if (!names || !path)
        return EIN_E_NO_MEMORY;
    policy = page_text(page_outer_policy, &page);
    text = page_text(page_outer, &page);
    return reply_page(http, req, policy, text);
}

/* A browser says what it wants a document for.  On its own this one could go anywhere. */
static bool is_for_frame(const struct ein_http *http, const struct ein_req *req)
{
    const char *dest = http->header(req, "Sec-Fetch-Dest");

    return !dest || strcmp(dest, "iframe") == 0;
}

int demos_app_frame(struct ein_req *req, void *self)
{
    const struct demos *demos = self;
    const struct ein_http *http = demos->host->http;
    EIN_JSON json_t *demo = NULL;
    EIN_FREE char *script = NULL, *policy = NULL, *text = NULL;
    struct page page = { .ancestors = demos->ancestors };
    struct ein_error err;
    int r = demo_get(demos, req, http->path_param(req, "demo_id"), &demo, &err);

    if (r < 0)
        return http->fail_error(req, &err);
    if (!is_for_frame(http, req))
        return http->fail(req, 403, "A demo is opened at /demos/ID/app, which frames this.");
    page.demo = demo;
    page.script = script = page_text(page_script, &page);
    if (!script)
        return EIN_E_NO_MEMORY;
    policy = page_text(page_frame_policy, &page);
    text = page_text(page_frame, &page);
    return reply_page(http, req, policy, text);
}

int demos_app_token(struct ein_req *req, void *self)
{
    const struct demos *demos = self;
    const struct ein_http *http = demos->host->http;
    EIN_JSON json_t *demo = NULL;
    char token[APP_TOKEN_SIZE], until[CLOCK_ISO_SIZE];
    struct ein_error err;
    int64_t expires;
    int r = demo_get(demos, req, http->path_param(req, "demo_id"), &demo, &err);

    if (r >= 0)
        r = app_token_make(demos, req, demo, token, &expires, &err);
    if (r < 0)
        return http->fail_error(req, &err);
    clock_iso_at(until, expires * 1000);
    if (http->set_header(req, "Cache-Control", "no-store") < 0)
        return EIN_E_NO_MEMORY;
    return http->reply(req, 200,
                       json_pack("{s:s, s:s, s:o}", "token", token, "expiresAt", until, "apis",
                                 app_api_names(demo)));
}
