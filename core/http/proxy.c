/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy.h"
#include "arena.h"
#include "request.h"
#include "str.h"
#include <string.h>
#include <strings.h>

static bool is_trusted(const struct ip *ip, const struct net *trusted, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (net_has(&trusted[i], ip))
            return true;
    return false;
}

/* Some proxies add a port: "192.0.2.1:4711", "[2001:db8::1]:4711". */
static bool parse_hop(const char *text, size_t len, struct ip *ret)
{
    char address[IP_TEXT_SIZE + sizeof("[]:65535")];
    unsigned bits;
    char *end;

    text = str_trim(text, &len);
    if (len >= sizeof(address))
        return false;
    memcpy(address, text, len);
    address[len] = '\0';
    if (address[0] == '[' && (end = strchr(address, ']'))) {
        *end = '\0';
        return ip_parse(address + 1, ret, &bits);
    }
    end = strchr(address, ':');
    if (end && !strchr(end + 1, ':'))
        *end = '\0';
    return ip_parse(address, ret, &bits);
}

/* Of a list of addresses with commas, each proxy having added whom it saw: the last that is not a
 * trusted proxy, or the first of all.  false: there is none. */
static bool client_in(const char *list, const struct net *trusted, size_t count, struct ip *ret)
{
    const char *end = list + strlen(list);
    bool found = false;

    for (;;) {
        const char *begin = end;
        struct ip hop;

        while (begin > list && begin[-1] != ',')
            begin--;
        if (!parse_hop(begin, (size_t)(end - begin), &hop))
            return found; /* what stands before it cannot be believed */
        *ret = hop;
        found = true;
        if (begin == list || !is_trusted(&hop, trusted, count))
            return true;
        end = begin - 1;
    }
}

static bool has_stranger(const char *list)
{
    for (const char *hop = list; hop;) {
        size_t len = strcspn(hop, ",");
        char text[IP_TEXT_SIZE];
        struct ip ip;

        if (!parse_hop(hop, len, &ip))
            return true;
        ip_text(&ip, text);
        if (!ip_is_loopback(text))
            return true;
        hop = hop[len] ? hop + len + 1 : NULL;
    }
    return false;
}

bool proxy_names_stranger(const struct ein_req *req)
{
    return has_stranger(request_header(req, "X-Forwarded-For")) ||
           has_stranger(request_header(req, "X-Real-IP")) || request_header(req, "Forwarded");
}

/* The first of the values is what the browser's side was. */
static bool says_https(const char *proto)
{
    return proto && strncasecmp(proto, "https", 5) == 0 && strchr(" \t,", proto[5]);
}

void proxy_read(struct ein_req *req)
{
    const struct settings *settings = req->settings;
    const char *list;
    struct ip ip;
    unsigned bits;
    char text[IP_TEXT_SIZE];

    req->client_addr = req->head.client_addr;
    req->is_https = settings->public_url && str_starts(settings->public_url, "https://");
    if (settings->proxy_count == 0 || !ip_parse(req->head.client_addr, &ip, &bits) ||
        !is_trusted(&ip, settings->proxies, settings->proxy_count))
        return;
    if (says_https(request_header(req, "X-Forwarded-Proto")))
        req->is_https = true;
    list = request_header(req, "X-Forwarded-For");
    if (!list || !client_in(list, settings->proxies, settings->proxy_count, &ip))
        return;
    ip_text(&ip, text);
    list = arena_text(&req->arena, text, strlen(text));
    if (list)
        req->client_addr = list;
}
