/* SPDX-License-Identifier: Apache-2.0 */
#include "stream_head.h"
#include "buf.h"
#include "request.h"
#include "str.h"
#include <time.h>

bool stream_head_may_chunk(const struct ein_req *req)
{
    return !str_eq(req->head.version, "HTTP/1.0");
}

bool stream_head_set(struct ein_req *req)
{
    req->reply.status = 200;
    if (reply_header(req, "Content-Type"))
        return false;
    req->reply.type = "text/event-stream; charset=utf-8";
    if (!reply_header(req, "Cache-Control"))
        reply_add_header(req, "Cache-Control", "no-cache");
    if (!reply_header(req, "X-Accel-Buffering"))
        reply_add_header(req, "X-Accel-Buffering", "no");
    return true;
}

/* RFC 9110, 5.6.7; whatever the locale is. */
static void add_date(struct buf *out)
{
    static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    time_t now = time(NULL);
    struct tm tm;

    if (gmtime_r(&now, &tm))
        (void)buf_printf(out, "Date: %s, %02d %s %d %02d:%02d:%02d GMT\r\n", days[tm.tm_wday],
                         tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                         tm.tm_sec);
}

static void add_cookie(const struct reply_cookie *cookie, struct buf *out)
{
    (void)buf_printf(out, "Set-Cookie: %s=%s", cookie->name, cookie->value);
    if (cookie->max_age_s == 0)
        (void)buf_text(out, "; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
    else if (cookie->max_age_s > 0)
        (void)buf_printf(out, "; Max-Age=%lld", (long long)cookie->max_age_s);
    (void)buf_text(out, "; Path=/");
    (void)buf_text(out, cookie->flags & EIN_COOKIE_SECURE ? "; Secure" : "");
    (void)buf_text(out, cookie->flags & EIN_COOKIE_HTTP_ONLY ? "; HttpOnly" : "");
    (void)buf_text(out, cookie->flags & EIN_COOKIE_STRICT ? "; SameSite=Strict\r\n"
                                                          : "; SameSite=Lax\r\n");
}

static void add_line(const char *name, const char *value, struct buf *out)
{
    (void)buf_text(out, name);
    (void)buf_text(out, ": ");
    (void)buf_text(out, value);
    (void)buf_text(out, "\r\n");
}

int stream_head_text(const struct ein_req *req, bool chunked, struct buf *out)
{
    const struct reply *reply = &req->reply;

    (void)buf_text(out, "HTTP/1.1 200 OK\r\n");
    add_date(out);
    add_line("Connection", "close", out);
    if (chunked)
        add_line("Transfer-Encoding", "chunked", out);
    if (reply->type)
        add_line("Content-Type", reply->type, out);
    for (const struct reply_header *it = reply->headers; it; it = it->next)
        add_line(it->name, it->value, out);
    for (const struct reply_cookie *it = reply->cookies; it; it = it->next)
        add_cookie(it, out);
    return buf_text(out, "\r\n");
}
