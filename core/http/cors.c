/* SPDX-License-Identifier: Apache-2.0 */
#include "cors.h"
#include "request.h"
#include "str.h"
#include <string.h>
#include <strings.h>

static const char allowed_methods[] = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";
static const char max_age_s[] = "600";

bool cors_is_listed(const struct ein_req *req, const char *origin)
{
    for (const char *const *listed = req->settings->origins; *listed; listed++)
        if (strcasecmp(*listed, origin) == 0)
            return true;
    return false;
}

static bool is_allowed_method(const char *method)
{
    size_t len = strlen(method);

    for (const char *at = allowed_methods; len > 0 && (at = strstr(at, method)); at += len)
        if ((at == allowed_methods || at[-1] == ' ') && (at[len] == ',' || at[len] == '\0'))
            return true;
    return false;
}

static void answer_preflight(struct ein_req *req, bool listed, const char *method)
{
    const char *headers = request_header(req, "Access-Control-Request-Headers");
    const char *problem = !listed                      ? "Disallowed CORS origin"
                          : !is_allowed_method(method) ? "Disallowed CORS method"
                                                       : NULL;

    reply_add_header(req, "Access-Control-Allow-Methods", allowed_methods);
    reply_add_header(req, "Access-Control-Max-Age", max_age_s);
    if (headers)
        (void)reply_set_header(req, "Access-Control-Allow-Headers", headers);
    if (problem)
        (void)reply_bytes(req, 400, "text/plain; charset=utf-8", problem, strlen(problem));
    else
        (void)reply_bytes(req, 200, "text/plain; charset=utf-8", "OK", 2);
}

bool cors_check(struct ein_req *req)
{
    const char *origin = req->known[HEADER_ORIGIN], *wanted;
    bool listed = origin && cors_is_listed(req, origin);

    if (!origin)
        return true;
    if (listed) {
        reply_add_header(req, "Access-Control-Allow-Origin", origin);
        reply_add_header(req, "Access-Control-Allow-Credentials", "true");
        reply_add_header(req, "Vary", "Origin");
    }
    if (str_eq(req->head.method, "OPTIONS")) {
        wanted = request_header(req, "Access-Control-Request-Method");
        if (wanted) {
            answer_preflight(req, listed, wanted);
            return false;
        }
    }
    return true;
}

/* What every page sees, and what is for the browser alone. */
static bool needs_no_exposing(const char *name)
{
    static const char *const names[] = {
        "Cache-Control", "Content-Language",       "Content-Type", "Expires", "Last-Modified",
        "Pragma",        "X-Content-Type-Options", "Vary",         NULL
    };

    if (strncasecmp(name, "Access-Control-", 15) == 0)
        return true;
    for (const char *const *it = names; *it; it++)
        if (strcasecmp(*it, name) == 0)
            return true;
    return false;
}

void cors_expose(struct ein_req *req)
{
    const char *list = NULL;

    if (!reply_header(req, "Access-Control-Allow-Origin"))
        return;
    for (const struct reply_header *it = req->reply.headers; it; it = it->next)
        if (!needs_no_exposing(it->name))
            list =
                arena_printf(&req->arena, "%s%s%s", list ? list : "", list ? ", " : "", it->name);
    if (list)
        reply_add_header(req, "Access-Control-Expose-Headers", list);
}
