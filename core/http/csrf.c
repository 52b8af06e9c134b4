/* SPDX-License-Identifier: Apache-2.0 */
#include "csrf.h"
#include "cors.h"
#include "request.h"
#include "str.h"
#include <string.h>
#include <strings.h>

static bool is_safe(const char *method)
{
    return str_eq(method, "GET") || str_eq(method, "HEAD") || str_eq(method, "OPTIONS");
}

/* The Host header names this server; so does http.public_url.  Whether the page came by https is
 * asked where it is known how we are reached. */
static bool is_same_origin(const struct ein_req *req, const char *origin)
{
    const char *authority = strstr(origin, "://"), *host = req->known[HEADER_HOST];

    if (!authority)
        return false;
    if (req->settings->public_url && strcasecmp(origin, req->settings->public_url) == 0)
        return true;
    return host && strcasecmp(authority + 3, host) == 0 &&
           (!req->is_https || strncasecmp(origin, "https:", 6) == 0);
}

/* Who they are is proved by what a page has to have and to send, and no browser adds of its own. */
static bool is_sent_on_purpose(const struct ein_identity *identity)
{
    static const char *const proofs[] = { "bearer", "api_key", "demo", NULL };
    size_t i = 0;

    while (identity && proofs[i] && !str_eq(identity->proof, proofs[i]))
        i++;
    return identity && proofs[i];
}

bool csrf_check(struct ein_req *req)
{
    const char *origin = req->known[HEADER_ORIGIN], *site = req->known[HEADER_FETCH_SITE];

    if ((!origin && !site) || is_safe(req->head.method) || is_sent_on_purpose(req->identity))
        return true;
    if (origin && cors_is_listed(req, origin))
        return true;
    if (!str_eq(site, "cross-site") && (!origin || is_same_origin(req, origin)))
        return true;
    return reply_refuse(req, 403, "This server takes no changes from pages of another origin.");
}
