/* SPDX-License-Identifier: Apache-2.0 */
#include "accept.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* How much a type is wanted, and where it is named. */
struct wish {
    double quality; /* -1: it is not named */
    size_t place;
};

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

/* The ";q=" of one element, from the end of its type on to its comma or end. */
static double quality_of(const char *at, const char *end)
{
    while ((at = memchr(at, ';', (size_t)(end - at)))) {
        at = skip_blanks(at + 1);
        if (strncasecmp(at, "q=", 2) == 0) {
            double quality = strtod(at + 2, NULL);
            return quality >= 0 && quality <= 1 ? quality : 1;
        }
    }
    return 1;
}

/* Does the element AT, which ends before END, name TYPE, or ("text/" "*" or all) match it? */
static bool names(const char *at, const char *end, const char *type, bool wildcards)
{
    size_t len = strcspn(at, " \t;,"), major = (size_t)(strchr(type, '/') - type) + 1;

    if (at + len > end)
        return false;
    if (len == strlen(type) && strncasecmp(at, type, len) == 0)
        return true;
    if (!wildcards || len < 3 || at[len - 1] != '*')
        return false;
    return strncmp(at, "*/", 2) == 0 || (len == major + 1 && strncasecmp(at, type, major) == 0);
}

static struct wish find(const char *accept, const char *type, bool wildcards)
{
    struct wish best = { -1, 0 };
    size_t place = 0;

    while (*accept) {
        const char *at = skip_blanks(accept), *end = at + strcspn(at, ",");

        if (names(at, end, type, wildcards)) {
            struct wish wish = { quality_of(at, end), place };
            if (wish.quality > best.quality)
                best = wish;
        }
        place++;
        accept = *end ? end + 1 : end;
    }
    return best;
}

bool accept_prefers(const char *accept, const char *wanted, const char *other)
{
    if (!accept)
        return false;
    struct wish one = find(accept, wanted, false), two = find(accept, other, true);

    if (one.quality <= 0 || one.quality < two.quality)
        return false;
    return one.quality > two.quality || one.place < two.place;
}

bool accept_events(const struct ein_http *http, const struct ein_req *req)
{
    return accept_prefers(http->header(req, "Accept"), "text/event-stream", "application/json");
}
