/* SPDX-License-Identifier: Apache-2.0 */
/* Where an API is. */
#include "read.h"

#include <stdio.h>
#include <string.h>

enum { URL_MAX = 8192, VARIABLES_MAX = 64 };

/* ---- relative to where the document came from ---- */

static size_t scheme_len(const char *url)
{
    size_t len = strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");

    return len && strncmp(url + len, "://", 3) == 0 ? len : 0;
}

/* Bytes of "https://host:port". */
static size_t origin_len(const char *url)
{
    size_t len = scheme_len(url) + 3;

    return len + strcspn(url + len, "/?#");
}

/* The directory of a path: "/a/b" has "/a/". */
static size_t folder_len(const char *path)
{
    size_t len = strcspn(path, "?#");

    while (len && path[len - 1] != '/')
        len--;
    return len;
}

/* "." and ".." of the path that begins at `path`, in place. */
static void remove_dots(char *path)
{
    char *out = path;
    const char *at = path;

    while (*at == '/') {
        size_t len = 1 + strcspn(at + 1, "/");

        if (len == 3 && at[1] == '.' && at[2] == '.') {
            while (out > path && *--out != '/')
                ;
        } else if (!(len == 2 && at[1] == '.')) {
            memmove(out, at, len);
            out += len;
        }
        at += len;
    }
    *out = '\0';
}

static void remove_slashes(char *url)
{
    size_t len = strlen(url), least = origin_len(url);

    while (len > least && url[len - 1] == '/')
        url[--len] = '\0';
}

static int join(char out[URL_MAX], const char *base, const char *text)
{
    size_t origin;

    if (scheme_len(text))
        return snprintf(out, URL_MAX, "%s", text);
    if (!base || !scheme_len(base))
        return -1;
    origin = origin_len(base);
    if (strncmp(text, "//", 2) == 0)
        return snprintf(out, URL_MAX, "%.*s:%s", (int)scheme_len(base), base, text);
    if (*text == '/')
        return snprintf(out, URL_MAX, "%.*s%s", (int)origin, base, text);
    return snprintf(out, URL_MAX, "%.*s%s%s", (int)(origin + folder_len(base + origin)), base,
                    base[origin] == '/' ? "" : "/", text);
}

char *url_resolve(const char *base, const char *text)
{
    char url[URL_MAX];
    int len = base && strlen(base) >= URL_MAX / 2 ? -1 : join(url, base, text);

    if (len < 0 || len >= URL_MAX)
        return NULL;
    url[strcspn(url, "?#")] = '\0';
    remove_dots(url + origin_len(url));
    remove_slashes(url);
    return strdup(url);
}

/* ---- OpenAPI 3 ---- */

/* The value of "{name}": the default of the variable, which has to have one. */
static const char *variable(const json_t *server, const char *name, size_t len)
{
    const json_t *one = json_object_getn(json_object_get(server, "variables"), name, len);

    return text_member(one, "default");
}

static bool fill_in(const json_t *server, char out[URL_MAX])
{
    const char *at = text_member(server, "url");
    size_t len = 0, variables = 0;

    while (*at) {
        size_t plain = strcspn(at, "{"), name;
        int put = snprintf(out + len, URL_MAX - len, "%.*s", (int)plain, at);

        if (put < 0 || (size_t)put >= URL_MAX - len)
            return false;
        len += (size_t)put;
        at += plain;
        name = *at ? strcspn(at, "}") : 0;
        if (name == 0)
            break;
        if (variables++ == VARIABLES_MAX)
            return false;
        put = snprintf(out + len, URL_MAX - len, "%s", variable(server, at + 1, name - 1));
        if (put < 0 || (size_t)put >= URL_MAX - len)
            return false;
        len += (size_t)put;
        at += name + (at[name] == '}');
    }
    out[len] = '\0';
    return true;
}

static void add(struct reading *reading, json_t *list, const char *text)
{
    EIN_FREE char *url = url_resolve(reading->base_url, text);

    if (url && fits(reading, strlen(url)))
        (void)json_array_append_new(list, json_string(url));
    else if (!url)
        note(reading, "The server '%.*s' is relative, and nothing says to what.",
             str_cut(text, 150), text);
}

static json_t *servers_three(struct reading *reading, const json_t *servers, size_t most)
{
    json_t *list = json_array();
    const json_t *server;
    char url[URL_MAX];
    size_t i;

    json_array_foreach(servers, i, server)
    {
        if (i == LOOK_MAX || json_array_size(list) == most)
            break;
        if (json_is_string(json_object_get(server, "url")) && fill_in(server, url))
            add(reading, list, url);
    }
    return list;
}

/* ---- OpenAPI 2 ---- */

/* "https" where it is one of several; else the first; else that of where the document came from. */
static const char *scheme_two(const struct reading *reading, const json_t *operation)
{
    const json_t *schemes = json_object_get(operation, "schemes"), *one;
    const char *first;
    size_t i;

    if (!json_is_array(schemes))
        schemes = json_object_get(reading->root, "schemes");
    json_array_foreach(schemes, i, one)
    {
        if (i == LOOK_MAX)
            break;
        if (json_is_string(one) && strcmp(json_string_value(one), "https") == 0)
            return "https";
    }
    first = json_string_value(json_array_get(schemes, 0));
    if (first)
        return first;
    return reading->base_url && strncmp(reading->base_url, "http:", 5) == 0 ? "http" : "https";
}

static json_t *servers_two(struct reading *reading, const json_t *operation)
{
    const char *host = text_member(reading->root, "host");
    const char *path = text_member(reading->root, "basePath");
    json_t *list = json_array();
    char url[URL_MAX];
    int len;

    if (*host)
        len = snprintf(url, sizeof(url), "%s://%s%s%s", scheme_two(reading, operation), host,
                       *path == '/' ? "" : "/", path);
    else
        len = snprintf(url, sizeof(url), "%s%s", *path == '/' ? "" : "/", path);
    if (len > 0 && len < (int)sizeof(url))
        add(reading, list, url);
    return list;
}

json_t *servers_of(struct reading *reading, json_t *path, json_t *operation, size_t most)
{
    static const char root[] = "[{\"url\":\"/\"}]";
    EIN_JSON json_t *otherwise = NULL;
    const json_t *servers = json_object_get(operation, "servers");

    if (reading->two)
        return servers_two(reading, operation);
    if (json_array_size(servers) == 0)
        servers = json_object_get(path, "servers");
    if (json_array_size(servers) == 0)
        servers = json_object_get(reading->root, "servers");
    if (json_array_size(servers) == 0)
        servers = otherwise = json_loads(root, 0, NULL);
    return servers_three(reading, servers, most);
}
