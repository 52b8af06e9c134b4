/* SPDX-License-Identifier: Apache-2.0 */
#include "egress.h"

#include "cleanup.h"
#include "error.h"
#include "ip.h"
#include "str.h"
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct egress {
    struct net *nets;
    size_t net_count;
    char **hosts;
    size_t host_count;
    uint16_t ports[EGRESS_PORTS_MAX];
    size_t port_count; /* 0: all may be reached */
    struct ip *own;    /* addresses this server listens on */
    size_t own_count;
    bool own_any;      /* it listens on every address */
    uint16_t own_port; /* 0: it does not listen */
};

/* The IANA registries of special-purpose addresses, narrower networks before wider ones. */
static const struct special {
    const char *net;
    unsigned bits;
    const char *what;
} specials[] = {
    { "0.0.0.0", 32, "the unspecified address" },
    { "0.0.0.0", 8, "an address of \"this network\"" },
    { "10.0.0.0", 8, "a private address" },
    { "100.64.0.0", 10, "a shared (carrier-grade NAT) address" },
    { "127.0.0.0", 8, "a loopback address" },
    { "169.254.0.0", 16, "a link-local address" },
    { "172.16.0.0", 12, "a private address" },
    { "192.0.0.0", 24, "a protocol assignment" },
    { "192.0.2.0", 24, "a documentation address" },
    { "192.88.99.0", 24, "a 6to4 relay" },
    { "192.168.0.0", 16, "a private address" },
    { "198.18.0.0", 15, "a benchmarking address" },
    { "198.51.100.0", 24, "a documentation address" },
    { "203.0.113.0", 24, "a documentation address" },
    { "224.0.0.0", 4, "a multicast address" },
    { "255.255.255.255", 32, "the broadcast address" },
    { "240.0.0.0", 4, "a reserved address" },
    { "::", 128, "the unspecified address" },
    { "::1", 128, "the loopback address" },
    { "64:ff9b:1::", 48, "a local NAT64 address" },
    { "2001:db8::", 32, "a documentation address" },
    { "2001:2::", 48, "a benchmarking address" },
    { "2001::", 32, "a Teredo address" },
    { "2001::", 23, "a protocol assignment" },
    { "2002::", 16, "a 6to4 address" },
    { "3fff::", 20, "a documentation address" },
    { "fc00::", 7, "a unique local address" },
    { "fe80::", 10, "a link-local address" },
    { "fec0::", 10, "a site-local address" },
    { "ff00::", 8, "a multicast address" },
};

static bool special_has(const struct special *special, const struct ip *ip)
{
    struct ip net;
    unsigned length;

    return ip_parse(special->net, &net, &length) &&
           net_has(&(struct net){ net, 128 - length + special->bits }, ip);
}

static const char *why_private(const struct ip *ip)
{
    static const struct net global = { { { 0x20 } }, 3 };
    static const struct net nat64 = { { { 0x00, 0x64, 0xff, 0x9b } }, 96 };
    struct ip inner;

    for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++) {
        if (special_has(&specials[i], ip))
            return specials[i].what;
    }
    if (ip_is_v4(ip) || net_has(&global, ip))
        return NULL;
    if (!net_has(&nat64, ip))
        return "not a global address";
    /* A translator stands behind it: what counts is the IPv4 address that it leads to. */
    ip_from_v4(&inner, ip->bytes + 12);
    return why_private(&inner);
}

/* ---- what the operator allows ---- */

static int allow_add(struct egress *egress, const char *text, struct ein_error *err)
{
    bool bad;

    if (!text || !*text)
        return error_set(err, EIN_E_INVALID, "egress.allow: not a text");
    if (net_parse(text, &egress->nets[egress->net_count], &bad)) {
        egress->net_count++;
        return 0;
    }
    if (bad)
        return error_set(err, EIN_E_INVALID,
                         "egress.allow: '%s' is neither a network, an address nor a host name",
                         text);
    egress->hosts[egress->host_count] = strdup(text);
    if (!egress->hosts[egress->host_count])
        return error_no_memory(err);
    egress->host_count++;
    return 0;
}

static int allow_load(struct egress *egress, const json_t *allow, struct ein_error *err)
{
    size_t count = json_array_size(allow), i;
    const json_t *item;
    int r;

    if (count > EGRESS_ALLOW_MAX)
        return error_set(err, EIN_E_INVALID, "egress.allow: more than %d entries",
                         EGRESS_ALLOW_MAX);
    egress->nets = calloc(count + 1, sizeof(*egress->nets));
    egress->hosts = calloc(count + 1, sizeof(*egress->hosts));
    if (!egress->nets || !egress->hosts)
        return error_no_memory(err);
    json_array_foreach(allow, i, item)
    {
        r = allow_add(egress, json_string_value(item), err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int ports_load(struct egress *egress, const json_t *ports, struct ein_error *err)
{
    size_t count = json_array_size(ports), i;
    const json_t *item;

    if (count > EGRESS_PORTS_MAX)
        return error_set(err, EIN_E_INVALID, "egress.ports: more than %d entries",
                         EGRESS_PORTS_MAX);
    json_array_foreach(ports, i, item)
    {
        json_int_t port = json_integer_value(item);

        if (port < 1 || port > UINT16_MAX)
            return error_set(err, EIN_E_INVALID, "egress.ports: not a port");
        egress->ports[egress->port_count++] = (uint16_t)port;
    }
    return 0;
}

/* ---- where the server itself listens ---- */

static bool is_any(const struct ip *ip)
{
    static const struct ip any6;

    return memcmp(ip, &any6, sizeof(any6)) == 0 ||
           (ip_is_v4(ip) && memcmp(ip->bytes + 12, any6.bytes, 4) == 0);
}

static int own_add(struct egress *egress, const struct ip *ip)
{
    struct ip *grown = realloc(egress->own, (egress->own_count + 1) * sizeof(*grown));

    if (!grown)
        return EIN_E_NO_MEMORY;
    egress->own = grown;
    egress->own[egress->own_count++] = *ip;
    return 0;
}

static int own_load(struct egress *egress, const char *host, uint16_t port, struct ein_error *err)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    int r = 0;

    egress->own_port = port;
    if (!host || port == 0)
        return 0;
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return error_set(err, EIN_E_INVALID, "listen address '%s' cannot be resolved", host);
    for (const struct addrinfo *it = found; it && r == 0; it = it->ai_next) {
        uint16_t unused;
        struct ip ip;

        if (!ip_of(it->ai_addr, &ip, &unused))
            continue;
        r = own_add(egress, &ip);
        egress->own_any |= is_any(&ip);
    }
    freeaddrinfo(found);
    return r < 0 ? error_no_memory(err) : 0;
}

/* Only an address of this machine can be bound, also one that it was given since the start. */
static bool is_local(const struct sockaddr *address)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at;
    socklen_t size = address->sa_family == AF_INET6 ? sizeof(at.v6) : sizeof(at.v4);
    EIN_CLOSE int fd = socket(address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    memcpy(&at, address, size);
    if (address->sa_family == AF_INET6)
        at.v6.sin6_port = 0;
    else
        at.v4.sin_port = 0;
    return fd < 0 || bind(fd, &at.any, size) == 0;
}

/* Whoever connects to the unspecified address comes to this machine. */
static bool is_own(const struct egress *egress, const struct sockaddr *address, const struct ip *ip,
                   uint16_t port)
{
    if (egress->own_port == 0 || port != egress->own_port)
        return false;
    if (is_any(ip) || (egress->own_any && is_local(address)))
        return true;
    for (size_t i = 0; i < egress->own_count; i++) {
        if (memcmp(&egress->own[i], ip, sizeof(*ip)) == 0)
            return true;
    }
    return false;
}

/* ---- asking ---- */

int egress_new(const json_t *section, const char *listen_host, uint16_t listen_port,
               struct egress **ret_egress, struct ein_error *err)
{
    struct egress *egress = calloc(1, sizeof(*egress));
    int r;

    if (!egress)
        return error_no_memory(err);
    r = allow_load(egress, json_object_get(section, "allow"), err);
    if (r == 0)
        r = ports_load(egress, json_object_get(section, "ports"), err);
    if (r == 0)
        r = own_load(egress, listen_host, listen_port, err);
    if (r < 0) {
        egress_free(egress);
        return r;
    }
    *ret_egress = egress;
    return 0;
}

void egress_free(struct egress *egress)
{
    if (!egress)
        return;
    for (size_t i = 0; i < egress->host_count; i++)
        free(egress->hosts[i]);
    free(egress->hosts);
    free(egress->nets);
    free(egress->own);
    free(egress);
}

bool egress_is_host(const char *pattern, const char *host)
{
    size_t len = strlen(host), suffix = strlen(pattern);

    return str_eq_case(pattern, host) ||
           (pattern[0] == '.' && len > suffix && str_eq_case(pattern, host + len - suffix));
}

bool egress_allows_host(const struct egress *egress, const char *host)
{
    for (size_t i = 0; i < egress->host_count; i++) {
        if (egress_is_host(egress->hosts[i], host))
            return true;
    }
    return false;
}

static bool is_allowed(const struct egress *egress, const struct ip *ip)
{
    for (size_t i = 0; i < egress->net_count; i++) {
        if (net_has(&egress->nets[i], ip))
            return true;
    }
    return false;
}

static bool is_port(const struct egress *egress, uint16_t port)
{
    for (size_t i = 0; i < egress->port_count; i++) {
        if (egress->ports[i] == port)
            return true;
    }
    return egress->port_count == 0;
}

int egress_check(const struct egress *egress, const struct sockaddr *address, bool host_allowed,
                 struct ein_error *err)
{
    char text[IP_TEXT_SIZE];
    const char *why;
    uint16_t port;
    struct ip ip;

    if (!ip_of(address, &ip, &port))
        return error_set(err, EIN_E_DENIED, "not an Internet address");
    ip_text(&ip, text);
    if (is_own(egress, address, &ip, port))
        return error_set(err, EIN_E_DENIED, "%s port %u is this server itself", text, port);
    if (host_allowed || is_allowed(egress, &ip))
        return 0;
    why = why_private(&ip);
    if (!why && is_port(egress, port))
        return 0;
    if (!why)
        return error_set(err, EIN_E_DENIED, "port %u is none of egress.ports", port);
    return error_set(err, EIN_E_DENIED, "%s is %s, which egress.allow does not allow", text, why);
}
