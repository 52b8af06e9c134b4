/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { IP_TEXT_SIZE = 46 };

/* IPv4 and IPv6 in one form: ::ffff:a.b.c.d is what both are compared as. */
struct ip {
    uint8_t bytes[16];
};

struct net {
    struct ip ip;
    unsigned bits; /* of the 128: a /8 of IPv4 is a /104 of ours */
};

/* *ret_bits is the length of the address as it was written, 32 or 128. */
bool ip_parse(const char *text, struct ip *ret, unsigned *ret_bits);
bool ip_of(const struct sockaddr *address, struct ip *ret, uint16_t *ret_port);
void ip_from_v4(struct ip *ret, const uint8_t bytes[4]);
bool ip_is_v4(const struct ip *ip);
/* This machine by an address; false also for what is none. */
bool ip_is_loopback(const char *address);
/* Likewise, or by a name that is never looked up (RFC 6761, 6.3). */
bool ip_is_loopback_name(const char *host);
void ip_text(const struct ip *ip, char out[IP_TEXT_SIZE]);

/* "ADDRESS/BITS" or "ADDRESS"; false: it is a name, or, with *ret_bad, nothing at all. */
bool net_parse(const char *text, struct net *ret, bool *ret_bad);
bool net_has(const struct net *net, const struct ip *ip);
