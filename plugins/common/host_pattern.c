/* SPDX-License-Identifier: Apache-2.0 */
#include "host_pattern.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char name_characters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
static const char address_characters[] = "0123456789abcdefABCDEF:.";

/* Of a host at the start of `text`, brackets included; 0: none. */
static size_t host_len(const char *text)
{
    size_t len;

    if (*text != '[')
        return strspn(text, name_characters);
    len = strspn(text + 1, address_characters);
    return len && text[1 + len] == ']' ? len + 2 : 0;
}

/* The number behind ":" that reaches to the end of its digits; 0: none. */
static unsigned long port_at(const char *text, const char **ret_end)
{
    char *end;
    unsigned long port;

    if (!isdigit((unsigned char)text[1]))
        return 0;
    port = strtoul(text + 1, &end, 10);
    *ret_end = end;
    return port <= UINT16_MAX ? port : 0;
}

static const char *scheme_end(const char *url, unsigned long *ret_port)
{
    static const struct {
        const char *start;
        unsigned long port;
    } schemes[] = { { "http://", 80 }, { "https://", 443 } };

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t len = strlen(schemes[i].start);
        if (strncasecmp(url, schemes[i].start, len) != 0)
            continue;
        *ret_port = schemes[i].port;
        return url + len;
    }
    return NULL;
}

bool url_place_read(const char *url, struct url_place *ret_place)
{
    struct url_place place = { .host = "" };
    unsigned long port = 0;
    const char *host = scheme_end(url, &port), *end;
    size_t len = host ? host_len(host) : 0;

    if (len == 0 || len > HOST_MAX)
        return false;
    end = host + len;
    if (*end == ':')
        port = port_at(end, &end);
    if (port == 0 || !strchr("/?#", *end)) /* the end of the text too */
        return false;
    if (len > 1 && host[len - 1] == '.')
        len--;
    for (size_t i = 0; i < len; i++)
        place.host[i] = (char)tolower((unsigned char)host[i]);
    place.port = (uint16_t)port;
    *ret_place = place;
    return true;
}

static bool host_matches(const char *pattern, size_t len, const char *host)
{
    size_t host_length = strlen(host);

    if (len == 1 && *pattern == '*')
        return true;
    if (len < 2 || strncmp(pattern, "*.", 2) != 0)
        return len == host_length && strncasecmp(pattern, host, len) == 0;
    pattern++; /* with its dot, so that a name is not taken for the end of another */
    len--;
    return host_length > len && strncasecmp(pattern, host + host_length - len, len) == 0;
}

bool host_pattern_matches(const char *pattern, const struct url_place *place)
{
    size_t len = strlen(pattern);
    const char *colon = strrchr(pattern, ':'), *end = NULL;

    if (colon && !strchr(colon, ']')) {
        len = (size_t)(colon - pattern);
        if (port_at(colon, &end) != place->port || *end)
            return false;
    }
    return host_matches(pattern, len, place->host);
}
