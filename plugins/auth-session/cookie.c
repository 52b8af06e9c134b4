/* SPDX-License-Identifier: Apache-2.0 */
#include "cookie.h"

#include <stdbool.h>
#include <string.h>

/* At "name=" of the next cookie of this name, or NULL. */
static const char *next_of(const char *at, const char *name)
{
    size_t len = strlen(name);

    while (*at) {
        at += strspn(at, " \t;");
        if (!strncmp(at, name, len) && at[len] == '=')
            return at;
        at += strcspn(at, ";");
    }
    return NULL;
}

static bool are_same(const char *a, const char *b)
{
    size_t len = strcspn(a, ";");

    return strcspn(b, ";") == len && !memcmp(a, b, len);
}

enum cookie cookie_read(const struct ein_http *http, struct ein_req *req, const char *name,
                        const char **ret_value)
{
    const char *all = http->header(req, "Cookie"), *value = http->cookie(req, name), *first, *it;

    if (!value)
        return COOKIE_NONE;
    if (!all) /* not UTF-8 somewhere: who knows what is hidden there */
        return COOKIE_SEVERAL;
    first = next_of(all, name);
    for (it = first; it; it = next_of(it + 1, name))
        if (!are_same(first, it))
            return COOKIE_SEVERAL;
    *ret_value = value;
    return COOKIE_ONE;
}

void cookie_drop(const struct ein_http *http, struct ein_req *req, const char *name)
{
    (void)http->set_cookie(req, name, "", 0, EIN_COOKIE_HTTP_ONLY);
}
