/* SPDX-License-Identifier: Apache-2.0 */
/* Where the old documents come from: files of _all_docs?include_docs=true, a collection each, or a
 * CouchDB that is asked for the same, page by page. */
#include "base64url.h"
#include "cleanup.h"
#include "error.h"
#include "old.h"
#include "percent.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

struct old_source {
    const struct transfer *transfer;
    char *folder;        /* NULL: it is a database */
    char *url;           /* without user, password and last slash */
    char *authorization; /* a header, or NULL */
};

static bool is_url(const char *source)
{
    return strncasecmp(source, "http://", 7) == 0 || strncasecmp(source, "https://", 8) == 0;
}

/* ---- a database: getting in ---- */

/* "user:password" of the URL, decoded, which it then has no longer; NULL: there is none. */
static char *take_user(char *url)
{
    char *host = strstr(url, "://") + 3, *end = host + strcspn(host, "/?#"), *at = NULL;
    char *user;

    for (char *it = host; it < end; it++)
        if (*it == '@')
            at = it;
    if (!at)
        return NULL;
    user = strndup(host, (size_t)(at - host));
    memmove(host, at + 1, strlen(at + 1) + 1);
    if (user && percent_decode(user, strlen(user)) < 0) {
        free(user);
        return NULL;
    }
    return user;
}

/* The URL's, or else that of the environment, by the names that the old service uses. */
static char *user_of(const struct transfer *transfer, char *url)
{
    const char *name = transfer->host->secret(transfer->ctx, "COUCHDB_USER");
    const char *password = transfer->host->secret(transfer->ctx, "COUCHDB_PASSWORD");
    char *user = take_user(url);

    if (user || !name || !password)
        return user;
    return asprintf(&user, "%s:%s", name, password) < 0 ? NULL : user;
}

/* Basic wants the other alphabet, and padding. */
static char *basic(const char *user)
{
    EIN_FREE char *text = base64url_encode(user, strlen(user));
    size_t len = text ? strlen(text) : 0;
    char *header;

    for (char *it = text; it && *it; it++)
        *it = *it == '-' ? '+' : *it == '_' ? '/' : *it;
    if (!text ||
        asprintf(&header, "Authorization: Basic %s%.*s", text, (int)((4 - len % 4) % 4), "===") < 0)
        return NULL;
    return header;
}

static int open_database(struct old_source *source, const char *url, struct ein_error *err)
{
    EIN_FREE char *user = NULL;
    size_t len;

    source->url = strdup(url);
    if (!source->url)
        return error_no_memory(err);
    user = user_of(source->transfer, source->url);
    len = strlen(source->url);
    if (source->url[len - 1] == '/')
        source->url[len - 1] = '\0';
    source->authorization = user ? basic(user) : NULL;
    return user && !source->authorization ? error_no_memory(err) : 0;
}

int old_source_open(const struct transfer *transfer, const char *from,
                    struct old_source **ret_source, struct ein_error *err)
{
    struct old_source *source = calloc(1, sizeof(*source));
    int r = 0;

    if (!source)
        return error_no_memory(err);
    source->transfer = transfer;
    if (is_url(from))
        r = open_database(source, from, err);
    else if (!(source->folder = strdup(from)))
        r = error_no_memory(err);
    if (r < 0) {
        old_source_close(source);
        return r;
    }
    *ret_source = source;
    return 0;
}

void old_source_close(struct old_source *source)
{
    if (!source)
        return;
    if (source->authorization)
        explicit_bzero(source->authorization, strlen(source->authorization));
    free(source->authorization);
    free(source->folder);
    free(source->url);
    free(source);
}

/* ---- a database: asking ---- */

static int said(const struct old_source *source, const struct ein_fetched *reply, const char *path,
                json_t **ret_answer, struct ein_error *err)
{
    EIN_JSON json_t *answer =
        json_loadb(reply->body ? reply->body : "", reply->body_len, JSON_ALLOW_NUL, NULL);
    const char *reason = text_of(answer, "reason");

    if (reply->status == 401 || reply->status == 403)
        return error_set(err, EIN_E_DENIED,
                         "%s%s: the database lets nobody in with this user and password (%s); they "
                         "belong in the URL, or into COUCHDB_USER and COUCHDB_PASSWORD",
                         source->url, path, reason ? reason : "it does not say why");
    if (reply->status != 200)
        return error_set(err, EIN_E_UNAVAILABLE, "%s%s: the answer is %d (%s)", source->url, path,
                         reply->status, reason ? reason : "no reason is given");
    if (!answer)
        return error_set(err, EIN_E_INVALID, "%s%s: the answer is not JSON", source->url, path);
    *ret_answer = EIN_TAKE(answer);
    return 0;
}

static int ask(const struct old_source *source, const char *path, json_t **ret_answer,
               struct ein_error *err)
{
    const struct ein_host *host = source->transfer->host;
    const char *headers[] = { "Accept: application/json", source->authorization, NULL };
    struct ein_fetched reply = { .struct_size = sizeof(reply) };
    EIN_FREE char *url = NULL;
    int r;

    if (asprintf(&url, "%s%s", source->url, path) < 0)
        return error_no_memory(err);
    const struct ein_fetch what = { .struct_size = sizeof(what),
                                    .egress = EIN_EGRESS_OPERATOR,
                                    .max_bytes = source->transfer->file_max,
                                    .method = "GET",
                                    .url = url,
                                    .headers = headers };

    r = host->client->fetch(source->transfer->ctx, &what, &reply, err);
    if (r >= 0)
        r = said(source, &reply, path, ret_answer, err);
    host->mem_free(reply.body);
    json_decref(reply.headers);
    return r;
}

/* ---- rows ---- */

static int each_row(const json_t *rows, const char *where, old_each *each, void *data,
                    struct ein_error *err)
{
    const json_t *row;
    size_t i;
    int r = 0;

    json_array_foreach(rows, i, row)
    {
        const json_t *doc = json_object_get(row, "doc");

        if (r >= 0 && !json_is_object(doc))
            r = error_set(err, EIN_E_INVALID,
                          "%s: row %zu has no document: it takes _all_docs?include_docs=true",
                          where, i + 1);
        if (r >= 0)
            r = each(doc, data, err);
    }
    return r;
}

/* After LAST (NULL: from the beginning), which is the first of its page. */
static char *page_path(const struct old_source *source, const char *name, const json_t *last)
{
    EIN_FREE char *text = last ? json_dumps(last, JSON_ENCODE_ANY) : NULL;
    EIN_FREE char *key = text ? percent_encode(text, "") : NULL;
    EIN_FREE char *database = percent_encode(name, "");
    char *path;

    if (!database || (last && !key) ||
        asprintf(&path, "/%s/_all_docs?include_docs=true&limit=%u%s%s%s", database,
                 source->transfer->page, key ? "&startkey=" : "", key ? key : "",
                 key ? "&skip=1" : "") < 0)
        return NULL;
    return path;
}

static int read_database(const struct old_source *source, const char *name, old_each *each,
                         void *data, struct ein_error *err)
{
    EIN_JSON json_t *last = NULL;
    int r;

    for (;;) {
        EIN_FREE char *path = page_path(source, name, last);
        EIN_JSON json_t *page = NULL;
        const json_t *rows;
        size_t count;

        r = path ? ask(source, path, &page, err) : error_no_memory(err);
        if (r < 0)
            return r;
        rows = json_object_get(page, "rows");
        count = json_array_size(rows);
        r = each_row(rows, name, each, data, err);
        if (r < 0 || count < source->transfer->page)
            return r;
        json_decref(last);
        last = json_incref(json_object_get(json_array_get(rows, count - 1), "key"));
    }
}

/* ---- a folder ---- */

static const char suffix[] = ".json";

static int load_file(const struct old_source *source, const char *path, json_t **ret_json,
                     struct ein_error *err)
{
    struct stat stat_of;
    json_error_t at;

    if (stat(path, &stat_of) < 0)
        return error_set(err, EIN_E_NOT_FOUND, "%s cannot be read: %s", path, strerror(errno));
    if ((uint64_t)stat_of.st_size > source->transfer->file_max)
        return error_set(err, EIN_E_TOO_LARGE,
                         "%s has more than %zu bytes (plugins.transfer.file_bytes)", path,
                         source->transfer->file_max);
    *ret_json = json_load_file(path, JSON_ALLOW_NUL, &at);
    return *ret_json ? 0 : error_set(err, EIN_E_INVALID, "%s:%d: %s", path, at.line, at.text);
}

static int read_file(const struct old_source *source, const char *name, old_each *each, void *data,
                     struct ein_error *err)
{
    EIN_FREE char *path = NULL;
    EIN_JSON json_t *file = NULL;
    const json_t *rows;
    int r;

    if (asprintf(&path, "%s/%s%s", source->folder, name, suffix) < 0)
        return error_no_memory(err);
    r = load_file(source, path, &file, err);
    if (r < 0)
        return r;
    rows = json_object_get(file, "rows");
    if (!json_is_array(rows))
        return error_set(err, EIN_E_INVALID,
                         "%s has no rows: it takes what _all_docs?include_docs=true answers", path);
    return each_row(rows, path, each, data, err);
}

static int list_folder(const struct old_source *source, json_t **ret_names, struct ein_error *err)
{
    EIN_JSON json_t *names = json_array();
    struct dirent **found = NULL;
    int count = scandir(source->folder, &found, NULL, alphasort), r = 0;

    if (count < 0)
        return error_set(err, EIN_E_NOT_FOUND, "%s cannot be read: %s", source->folder,
                         strerror(errno));
    for (int i = 0; i < count; i++) {
        size_t len = strlen(found[i]->d_name);

        if (len > sizeof(suffix) - 1 && found[i]->d_name[0] != '.' &&
            strcmp(found[i]->d_name + len - (sizeof(suffix) - 1), suffix) == 0)
            r |= json_array_append_new(names,
                                       json_stringn(found[i]->d_name, len - (sizeof(suffix) - 1)));
        free(found[i]);
    }
    free(found);
    if (r < 0)
        return error_no_memory(err);
    *ret_names = EIN_TAKE(names);
    return 0;
}

/* ---- both ---- */

int old_source_names(struct old_source *source, json_t **ret_names, struct ein_error *err)
{
    const json_t *name;
    size_t i;
    int r;

    if (source->folder)
        return list_folder(source, ret_names, err);
    r = ask(source, "/_all_dbs", ret_names, err);
    if (r < 0)
        return r;
    json_array_foreach(*ret_names, i, name)
    {
        if (!json_is_string(name))
            r = EIN_E_INVALID;
    }
    return r < 0 || !json_is_array(*ret_names)
               ? error_set(err, EIN_E_INVALID, "%s/_all_dbs: this is not a list of names",
                           source->url)
               : 0;
}

int old_source_read(struct old_source *source, const char *name, old_each *each, void *data,
                    struct ein_error *err)
{
    return source->folder ? read_file(source, name, each, data, err)
                          : read_database(source, name, each, data, err);
}
