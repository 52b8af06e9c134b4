/* SPDX-License-Identifier: Apache-2.0 */
#include "cache.h"
#include "cleanup.h"
#include "open_inside.h"
#include "site.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* One answer on its way. */
struct answer {
    struct site *site;
    struct ein_req *req;
    const char *path; /* below the folder */
    int fd;
    struct stat stat;
};

static const struct ein_http *http_of(const struct answer *a)
{
    return a->site->host->http;
}

/* PATH is one of PREFIXES, or below it. */
static bool is_below(const json_t *prefixes, const char *path)
{
    const json_t *item;
    size_t i;

    json_array_foreach(prefixes, i, item)
    {
        const char *prefix = json_string_value(item) + 1; /* without its slash */
        size_t len = strlen(prefix);

        if (strncmp(path, prefix, len) == 0 && (path[len] == '/' || path[len] == '\0'))
            return true;
    }
    return false;
}

static bool is_get(const struct answer *a)
{
    return strcmp(http_of(a)->method(a->req), "GET") == 0;
}

/* ---- headers ---- */

static void set_headers(const struct answer *a, const struct file_type *type, const char *tag)
{
    const struct ein_http *http = http_of(a);
    bool lasting = is_below(a->site->immutable, a->path);

    (void)http->set_header(a->req, "ETag", tag);
    (void)http->set_header(a->req, "Cache-Control",
                           lasting ? "public, max-age=31536000, immutable" : "no-cache");
    (void)http->set_header(a->req, "Accept-Ranges", "bytes");
    if (type->shrinks)
        (void)http->set_header(a->req, "Vary", "Accept-Encoding");
    if (strncmp(type->type, "text/html", 9) == 0 && *a->site->policy)
        (void)http->set_header(a->req, "Content-Security-Policy", a->site->policy);
}

/* What is asked for of SIZE bytes; all of it unless they are still those of TAG.  With
 * If-None-Match it is left to the server, which answers 304 for the whole. */
static enum range wanted(const struct answer *a, const char *tag, uint64_t size, uint64_t *first,
                         uint64_t *len)
{
    const struct ein_http *http = http_of(a);
    const char *range = http->header(a->req, "Range"), *still = http->header(a->req, "If-Range");

    *first = 0;
    *len = size;
    if (!range || !is_get(a) || http->header(a->req, "If-None-Match") ||
        (still && strcmp(still, tag) != 0))
        return RANGE_ALL;
    return ask_range(range, size, first, len);
}

static int reply_outside(const struct answer *a, uint64_t size)
{
    char text[48];

    (void)snprintf(text, sizeof(text), "bytes */%" PRIu64, size);
    (void)http_of(a)->set_header(a->req, "Content-Range", text);
    return http_of(a)->fail(a->req, 416, "The file has %" PRIu64 " bytes.", size);
}

/* 200, or 206 with what it is a part of. */
static int part_status(const struct answer *a, enum range range, uint64_t first, uint64_t len,
                       uint64_t size)
{
    char text[96];

    if (range == RANGE_ALL)
        return 200;
    (void)snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first,
                   first + len - 1, size);
    (void)http_of(a)->set_header(a->req, "Content-Range", text);
    return 206;
}

/* ---- a file that is in memory ---- */

static int reply_cached(const struct answer *a, struct site_file *file)
{
    static const char *const names[] = { "gzip", "br", NULL }, *const marks[] = { "-gz", "-br",
                                                                                  "" };
    const struct ein_http *http = http_of(a);
    enum coding coding = http->header(a->req, "Range")
                             ? CODING_NONE
                             : ask_coding(http->header(a->req, "Accept-Encoding"));
    const struct site_bytes *bytes = cache_encoded(a->site, file, &coding);
    uint64_t first, len;
    char tag[ETAG_BYTES];
    enum range range;
    int status;

    (void)snprintf(tag, sizeof(tag), "\"%s%s\"", file->tag, marks[coding]);
    set_headers(a, file->type, tag);
    range = wanted(a, tag, bytes->len, &first, &len);
    if (range == RANGE_OUTSIDE)
        return reply_outside(a, bytes->len);
    if (names[coding])
        (void)http->set_header(a->req, "Content-Encoding", names[coding]);
    status = part_status(a, range, first, len, bytes->len);
    return http->reply_bytes(a->req, status, file->type->type, bytes->data + first, (size_t)len);
}

/* ---- one that is too long for that ---- */

static int reply_from_disk(const struct answer *a)
{
    const struct ein_http *http = http_of(a);
    const struct file_type *type = file_type(a->path);
    const struct stat *stat = &a->stat;
    uint64_t size = (uint64_t)stat->st_size, first, len;
    EIN_FREE char *data = NULL;
    size_t got = 0;
    char tag[128];
    enum range range;

    (void)snprintf(tag, sizeof(tag), "\"%jx-%jx-%jx.%lx\"", (uintmax_t)stat->st_ino,
                   (uintmax_t)size, (uintmax_t)stat->st_mtim.tv_sec, stat->st_mtim.tv_nsec);
    set_headers(a, type, tag);
    range = wanted(a, tag, size, &first, &len);
    if (range == RANGE_OUTSIDE)
        return reply_outside(a, size);
    if (len > a->site->file_max)
        return http->fail(a->req, 403,
                          "This is more than the %zu bytes that are given out at once "
                          "(plugins.static-site.file_bytes); ask for a part of it.",
                          a->site->file_max);
    data = read_bytes(a->fd, first, (size_t)len, &got);
    if (!data || got < len)
        return EIN_E_UNAVAILABLE;
    return http->reply_bytes(a->req, part_status(a, range, first, len, size), type->type, data,
                             got);
}

/* ---- which file ---- */

static int reply_file(struct answer *a)
{
    struct site_file *file = cache_get(a->site, a->path, a->fd, &a->stat);
    int r;

    if (!file)
        return reply_from_disk(a);
    r = reply_cached(a, file);
    cache_done(a->site, file);
    return r;
}

static int reply_first_page(struct site *site, struct ein_req *req)
{
    struct answer a = { .site = site, .req = req, .path = site->index };
    EIN_CLOSE int fd = open_inside(site->folder, a.path, &a.stat);

    if (fd < 0)
        return site->host->http->fail(req, 404, "Not Found");
    a.fd = fd;
    return reply_file(&a);
}

int site_page(struct ein_req *req, void *self)
{
    return reply_first_page(self, req);
}

/* "guide/" is the folder's own first page.  In the request's memory; NULL: there is none. */
static const char *file_path(const struct site *site, struct ein_req *req, const char *path)
{
    size_t len = strlen(path), more = strlen(site->index);
    char *whole;

    if (len == 0 || path[len - 1] != '/')
        return path;
    whole = site->host->http->alloc(req, len + more + 1);
    if (whole) {
        memcpy(whole, path, len);
        memcpy(whole + len, site->index, more);
    }
    return whole;
}

int site_rest(struct ein_req *req, void *self)
{
    struct site *site = self;
    const struct ein_http *http = site->host->http;
    const char *path = http->path_param(req, "path");
    struct answer a = { .site = site, .req = req, .path = file_path(site, req, path) };
    EIN_CLOSE int fd = -1;

    if (is_below(site->reserved, path))
        return http->fail(req, 404, "Not Found");
    if (a.path && path_is_good(a.path))
        fd = open_inside(site->folder, a.path, &a.stat);
    if (fd >= 0) {
        a.fd = fd;
        return reply_file(&a);
    }
    (void)http->set_header(req, "Vary", "Sec-Fetch-Mode, Accept");
    return http->navigates(req) ? reply_first_page(site, req) : http->fail(req, 404, "Not Found");
}
