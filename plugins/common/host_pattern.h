/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { HOST_MAX = 253 };

struct url_place {           /* where a URL leads to */
    char host[HOST_MAX + 1]; /* lower case; an IPv6 address stands in brackets */
    uint16_t port;
};

/* False: not an http or https URL, or one whose host a reader could take for another. */
bool url_place_read(const char *url, struct url_place *ret_place);

/* What a pattern may be, as a regular expression: "api.example.org", "*.example.org" for all names
 * below it, an address, "*" for all; with ":port" that port only. */
#define HOST_PATTERN_FORM                                                                          \
    "^([*]|([*][.])?[A-Za-z0-9_][A-Za-z0-9_.-]*|[[][0-9A-Fa-f:.]+])(:[0-9]{1,5})?$"
bool host_pattern_matches(const char *pattern, const struct url_place *place);
