/* SPDX-License-Identifier: Apache-2.0 */
#include "html.h"
#include "cleanup.h"
#include "str.h"

#include <string.h>

/* The policy names the style by its SHA-256: nothing else may be in a page. */
#define STYLE                                                                                      \
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem}"     \
    "h1{font-size:1.5rem}li{margin:.5rem 0;overflow-wrap:anywhere}"                                \
    "a{font-size:1.1rem}:root{color-scheme:light dark}"
#define STYLE_HASH "GCYV4YoHFSkhC8Sk9eZUDAkr7RA2b6CrjBGG5SwIB54="

static const struct {
    const char *name, *value;
} headers[] = {
    { "Content-Security-Policy", "default-src 'none'; style-src 'sha256-" STYLE_HASH "'; "
                                 "base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
    { "Referrer-Policy", "no-referrer" },
    { "Cache-Control", "no-store" },
    { "X-Frame-Options", "DENY" },
};

static const char *entity_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

char *html_escape(const char *text)
{
    char *escaped = malloc(6 * strlen(text) + 1), *at = escaped;

    if (!escaped)
        return NULL;
    for (; *text; text++) {
        const char *entity = entity_of(*text);

        if (entity)
            at = stpcpy(at, entity);
        else
            *at++ = *text;
    }
    *at = '\0';
    return escaped;
}

int html_reply(const struct ein_http *http, struct ein_req *req, int status, const char *title,
               const char *body)
{
    EIN_FREE char *safe_title = html_escape(title);

    if (!safe_title)
        return EIN_E_NO_MEMORY;
    EIN_FREE char *page =
        str_print("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                  "<title>%s</title>\n<style>" STYLE "</style>\n</head>\n<body>\n<h1>%s</h1>\n"
                  "%s\n</body>\n</html>\n",
                  safe_title, safe_title, body);
    if (!page)
        return EIN_E_NO_MEMORY;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        if (http->set_header(req, headers[i].name, headers[i].value) < 0)
            return EIN_E_NO_MEMORY;
    return http->reply_bytes(req, status, "text/html; charset=utf-8", page, strlen(page));
}
