/* SPDX-License-Identifier: Apache-2.0 */
#include "url.h"

#include <string.h>
#include <strings.h>

static const char *behind_scheme(const char *url)
{
    const char *at = strstr(url, "://");

    return at ? at + 3 : NULL;
}

/* Does the path of a URL, which ends at `end`, fit the template? */
static bool path_fits(const char *at, const char *end, const char *path)
{
    while (*path) {
        if (*path == '{') {
            const char *from = at;
            while (at < end && *at != '/' &&
                   *at != path[strcspn(path, "}") + (strchr(path, '}') != NULL)])
                at++;
            if (at == from)
                return false;
            path += strcspn(path, "}");
            path += *path == '}';
            continue;
        }
        if (at == end || *at != *path)
            return false;
        at++;
        path++;
    }
    return at == end || (at + 1 == end && *at == '/');
}

bool url_fits(const char *url, const char *server, const char *path)
{
    const char *end = url + strcspn(url, "?#"), *at = behind_scheme(url);
    size_t len = strlen(server);

    while (len && server[len - 1] == '/')
        len--;
    if (len)
        return strncasecmp(url, server, len) == 0 && (size_t)(end - url) >= len &&
               path_fits(url + len, end, path);
    for (at = at && at < end ? strchr(at, '/') : NULL; at && at < end; at = strchr(at + 1, '/'))
        if (path_fits(at, end, path))
            return true;
    return false;
}

bool url_has_query(const char *url, const char *name)
{
    const char *at = strchr(url, '?');
    size_t len = strlen(name);

    while (at && *at != '#') {
        if (strncmp(++at, name, len) == 0 && (at[len] == '=' || at[len] == '&' || at[len] == '\0'))
            return true;
        at = strpbrk(at, "&#");
    }
    return false;
}
