/* SPDX-License-Identifier: Apache-2.0 */
#include "ip.h"

#include "str.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

void ip_from_v4(struct ip *ret, const uint8_t bytes[4])
{
    memcpy(ret->bytes, mapped_prefix, sizeof(mapped_prefix));
    memcpy(ret->bytes + 12, bytes, 4);
}

bool ip_is_v4(const struct ip *ip)
{
    return memcmp(ip->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

bool ip_parse(const char *text, struct ip *ret, unsigned *ret_bits)
{
    uint8_t bytes[16];

    if (inet_pton(AF_INET6, text, bytes) == 1) {
        *ret_bits = 128;
        memcpy(ret->bytes, bytes, sizeof(bytes));
        return true;
    }
    if (inet_pton(AF_INET, text, bytes) != 1)
        return false;
    *ret_bits = 32;
    ip_from_v4(ret, bytes);
    return true;
}

bool ip_of(const struct sockaddr *address, struct ip *ret, uint16_t *ret_port)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;

        ip_from_v4(ret, (const uint8_t *)&in->sin_addr);
        *ret_port = ntohs(in->sin_port);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;

        memcpy(ret->bytes, &in6->sin6_addr, 16);
        *ret_port = ntohs(in6->sin6_port);
        return true;
    }
    return false;
}

void ip_text(const struct ip *ip, char out[IP_TEXT_SIZE])
{
    if (ip_is_v4(ip))
        (void)inet_ntop(AF_INET, ip->bytes + 12, out, IP_TEXT_SIZE);
    else
        (void)inet_ntop(AF_INET6, ip->bytes, out, IP_TEXT_SIZE);
}

bool ip_is_loopback(const char *address)
{
    static const struct ip v6 = { { [15] = 1 } };
    struct ip ip;
    unsigned bits;

    if (!ip_parse(address, &ip, &bits))
        return false;
    return ip_is_v4(&ip) ? ip.bytes[12] == 127 : memcmp(&ip, &v6, sizeof(ip)) == 0;
}

bool ip_is_loopback_name(const char *host)
{
    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (strlen(host) > 10 && strcasecmp(host + strlen(host) - 10, ".localhost") == 0)
        return true;
    return ip_is_loopback(host);
}

bool net_parse(const char *text, struct net *ret, bool *ret_bad)
{
    char address[IP_TEXT_SIZE];
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    unsigned length;
    uint64_t bits;

    *ret_bad = slash != NULL;
    if (len >= sizeof(address))
        return false;
    memcpy(address, text, len);
    address[len] = '\0';
    if (!ip_parse(address, &ret->ip, &length))
        return false;
    bits = length;
    if (slash && (!str_to_u64(slash + 1, &bits) || bits > length))
        return false;
    ret->bits = 128 - length + (unsigned)bits;
    *ret_bad = false;
    return true;
}

bool net_has(const struct net *net, const struct ip *ip)
{
    unsigned whole = net->bits / 8, rest = net->bits % 8;
    uint8_t mask = (uint8_t)(0xff00 >> rest);

    return memcmp(net->ip.bytes, ip->bytes, whole) == 0 &&
           (rest == 0 || ((net->ip.bytes[whole] ^ ip->bytes[whole]) & mask) == 0);
}
