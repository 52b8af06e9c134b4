/* SPDX-License-Identifier: Apache-2.0 */
#include "return_to.h"
#include "auth_session.h"
#include "cleanup.h"
#include "percent.h"
#include "str.h"

#include <string.h>
#include <strings.h>

/* Browsers read a backslash as a slash, and pass over tabs and line ends. */
static bool has_trick(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || *text == 0x7f || *text == '\\')
            return true;
    return false;
}

static bool is_path(const char *text)
{
    return text[0] == '/' && text[1] != '/';
}

/* The length of a frontend without its last slash. */
static size_t origin_len(const char *frontend)
{
    size_t len = strlen(frontend);

    return len > 0 && frontend[len - 1] == '/' ? len - 1 : len;
}

static bool is_on_list(const json_t *frontends, const char *url)
{
    const json_t *item;
    size_t i;

    json_array_foreach(frontends, i, item)
    {
        const char *frontend = json_string_value(item);
        size_t len = origin_len(frontend);

        /* what stands behind it begins a path, or is its end */
        if (!strncasecmp(url, frontend, len) && strchr("/?#", url[len]))
            return true;
    }
    return false;
}

int return_to_is_good(const json_t *frontends, const char *return_to)
{
    return return_to && strlen(return_to) <= RETURN_TO_MAX && !has_trick(return_to) &&
           (is_path(return_to) || is_on_list(frontends, return_to));
}

char *return_to_url(const json_t *frontends, const char *return_to)
{
    static const char kept[] = "/%!$&'()*+,;=:@?#[]";
    const char *front = json_string_value(json_array_get(frontends, 0));
    EIN_FREE char *safe = NULL;

    if (!return_to_is_good(frontends, return_to))
        return_to = "/";
    safe = percent_encode(return_to, kept); /* what is not ASCII */
    if (!safe)
        return NULL;
    if (!is_path(safe))
        return EIN_TAKE(safe);
    return str_print("%.*s%s", (int)origin_len(front), front, safe);
}
