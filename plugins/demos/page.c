/* SPDX-License-Identifier: Apache-2.0 */
#include "page.h"

#include "base64url.h"
#include "buf.h"
#include "cleanup.h"
#include "html.h"
#include "member.h"
#include "percent.h"

#include <gnutls/crypto.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum { SHA256_BYTES = 32 };

/* Made of app.html, app.css and app.js, and of frame.js. */
extern const char app_page[];
extern const char app_policy[];
extern const char frame_script[];

/* What the demo's own document may: run its one script, and nothing that leaves it.  With
 * allow-forms a form tells the script that it is sent; it is sent nowhere. */
static const char frame_policy[] =
    "sandbox allow-scripts allow-forms; default-src 'none'; style-src 'unsafe-inline'; img-src "
    "data: blob:; media-src data: blob:; font-src data:; "
    "connect-src 'none'; form-action 'none'; base-uri 'none'; webrtc 'block'";

char *page_text(page_fn *write, const struct page *page)
{
    EIN_BUF struct buf out = BUF_INIT;

    return write(&out, page) < 0 ? NULL : buf_take(&out, NULL);
}

/* ---- policies ---- */

static void write_ancestors(struct buf *out, const struct page *page)
{
    const json_t *origin;
    size_t i;

    (void)buf_text(out, "; frame-ancestors 'self'");
    json_array_foreach(page->ancestors, i, origin)
    {
        (void)buf_printf(out, " %s", json_string_value(origin));
    }
}

/* The script is named by its SHA-256: frames within the frame, which have this policy as well, run
 * nothing else, and so nothing that does not begin with frame.js. */
int page_frame_policy(struct buf *out, const struct page *page)
{
    unsigned char digest[SHA256_BYTES];
    EIN_FREE char *hash = NULL;

    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, page->script, strlen(page->script), digest) < 0)
        return -1;
    hash = base64url_encode(digest, sizeof(digest));
    if (!hash)
        return -1;
    (void)buf_printf(out, "%s; script-src 'sha256-%s='", frame_policy, hash);
    write_ancestors(out, page);
    return 0;
}

/* Our page calls the demo's APIs and gets new tokens; its frame is the demo, and stays it: a script
 * that would go elsewhere with what it has learned does not get there. */
int page_outer_policy(struct buf *out, const struct page *page)
{
    const json_t *name;
    size_t i;

    (void)buf_printf(out, "%s; frame-src %s%s/frame; connect-src %s%s/token", app_policy,
                     page->origin, page->path, page->origin, page->path);
    json_array_foreach(page->names, i, name)
    {
        EIN_FREE char *segment = percent_encode(json_string_value(name), "");

        if (!segment)
            return -1;
        (void)buf_printf(out, " %s/rest/%s", page->origin, segment);
    }
    write_ancestors(out, page);
    return 0;
}

/* ---- our page ---- */

static int write_escaped(struct buf *out, const char *text)
{
    EIN_FREE char *escaped = html_escape(text);

    return escaped && buf_text(out, escaped) >= 0 ? 0 : -1;
}

static int write_name(struct buf *out, const struct page *page)
{
    return write_escaped(out, text_or_empty(page->demo, "name"));
}

static int write_token(struct buf *out, const struct page *page)
{
    return write_escaped(out, page->token);
}

static int write_apis(struct buf *out, const struct page *page)
{
    EIN_FREE char *text = json_dumps(page->names, JSON_COMPACT);

    return text ? write_escaped(out, text) : -1;
}

static int write_renew(struct buf *out, const struct page *page)
{
    (void)buf_text(out, page->path);
    return buf_text(out, "/token");
}

static int write_frame_path(struct buf *out, const struct page *page)
{
    (void)buf_text(out, page->path);
    return buf_text(out, "/frame");
}

static int write_calls(struct buf *out, const struct page *page)
{
    const json_t *name;
    size_t i;
    int r = 0;

    (void)buf_text(out, json_array_size(page->names) ? "may call " : "may call nothing");
    json_array_foreach(page->names, i, name)
    {
        (void)buf_text(out, i ? ", " : "");
        if (r == 0)
            r = write_escaped(out, json_string_value(name));
    }
    return r;
}

static const struct mark {
    const char *mark;
    page_fn *write;
} marks[] = {
    { "@NAME@", write_name },   { "@TOKEN@", write_token }, { "@APIS@", write_apis },
    { "@RENEW@", write_renew }, { "@CALLS@", write_calls }, { "@FRAME@", write_frame_path },
};

static const struct mark *mark_at(const char *text)
{
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (strncmp(text, marks[i].mark, strlen(marks[i].mark)) == 0)
            return &marks[i];
    return NULL;
}

int page_outer(struct buf *out, const struct page *page)
{
    for (const char *at = app_page; *at;) {
        const struct mark *mark = *at == '@' ? mark_at(at) : NULL;

        if (!mark) {
            (void)buf_char(out, *at++);
            continue;
        }
        if (mark->write(out, page) < 0)
            return -1;
        at += strlen(mark->mark);
    }
    return 0;
}

/* ---- the demo's own document ---- */

/* TEXT inside of an element NAME, which it must not end: "</script" is "<\/script" in a string of
 * either language, and "<!--" would keep "</script>" from ending the element.  Line ends are those
 * that a browser makes of them, or the hash would be another. */
static void write_inside(struct buf *out, const char *name, const char *text)
{
    for (; *text; text++) {
        bool ends = strncmp(text, "</", 2) == 0 && strncasecmp(text + 2, name, strlen(name)) == 0;

        if (*text == '\r' && text[1] == '\n')
            continue;
        (void)buf_char(out, *text == '\r' ? '\n' : *text);
        if (ends || strncmp(text, "<!--", 4) == 0)
            (void)buf_char(out, '\\');
    }
}

static const char *code_of(const struct page *page, const char *name)
{
    return text_or_empty(json_object_get(page->demo, "generatedCode"), name);
}

/* Ours and the demo's are one script: neither runs without the other. */
int page_script(struct buf *out, const struct page *page)
{
    (void)buf_printf(out, "%s\n", frame_script);
    write_inside(out, "script", code_of(page, "js"));
    (void)buf_char(out, '\n');
    return 0;
}

int page_frame(struct buf *out, const struct page *page)
{
    (void)buf_text(
        out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
    if (write_name(out, page) < 0)
        return -1;
    (void)buf_text(out, "</title>\n<style>\n");
    write_inside(out, "style", code_of(page, "css"));
    (void)buf_printf(out,
                     "\n</style>\n</head>\n<body>\n%s\n<script>%s</script>\n</body>\n</html>\n",
                     code_of(page, "html"), page->script);
    return 0;
}
