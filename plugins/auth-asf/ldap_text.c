/* SPDX-License-Identifier: Apache-2.0 */
#include "ldap_text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Any byte may be written as \XX in both; only letters, digits and a few marks are left as they
 * are, and all else of UTF-8, which a server reads the same. */
static char *escape(const char *text, const char *plain)
{
    char *escaped = malloc(3 * strlen(text) + 1), *at = escaped;

    if (!escaped)
        return NULL;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (isalnum(c) || c >= 0x80 || strchr(plain, c))
            *at++ = (char)c;
        else
            at += sprintf(at, "\\%02x", c);
    }
    *at = '\0';
    return escaped;
}

char *ldap_filter_value(const char *text)
{
    return escape(text, "-._@ ,=+");
}

char *ldap_name_value(const char *text)
{
    return escape(text, "-._@");
}
