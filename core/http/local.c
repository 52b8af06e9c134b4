/* SPDX-License-Identifier: Apache-2.0 */
#include "local.h"
#include "ip.h"
#include "proxy.h"
#include "request.h"
#include <string.h>
#include <strings.h>

enum { HOST_MAX = 256 };

static const struct ein_identity local_user = {
    .struct_size = sizeof(struct ein_identity),
    .uid = "local-dev-user",
    .provider = "local",
    .proof = "loopback",
};

bool local_is_host(const char *host, const char *const *allowed)
{
    char name[HOST_MAX];
    const char *port;
    size_t len;

    if (!host || strlen(host) >= sizeof(name))
        return false;
    if (*host == '[') {
        len = strcspn(host, "]");
        if (host[len] != ']')
            return false;
        port = host + len + 1;
        memcpy(name, host + 1, len - 1);
        name[len - 1] = '\0';
    } else {
        len = strcspn(host, ":");
        port = host + len;
        memcpy(name, host, len);
        name[len] = '\0';
    }
    if (*port != '\0' && (*port != ':' || port[1 + strspn(port + 1, "0123456789")] != '\0'))
        return false;
    if (ip_is_loopback_name(name))
        return true;
    for (; *allowed; allowed++)
        if (strlen(*allowed) == (size_t)(port - host) &&
            strncasecmp(*allowed, host, (size_t)(port - host)) == 0)
            return true;
    return false;
}

bool local_let_in(struct ein_req *req)
{
    if (!local_is_host(req->known[HEADER_HOST], req->settings->hosts))
        return reply_refuse(
            req, 403,
            "This server has no login and answers only as localhost; the request was "
            "for another name (see http.origins in the configuration).");
    if (proxy_names_stranger(req))
        return reply_refuse(
            req, 403,
            "This server has no login and answers this machine only; a proxy has sent "
            "the request on for another one (X-Forwarded-For, X-Real-IP, Forwarded).");
    req->identity = &local_user;
    return true;
}
