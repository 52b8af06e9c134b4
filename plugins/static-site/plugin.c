/* SPDX-License-Identifier: Apache-2.0 */
/* static-site: a built front end, served beside the API, at the same origin.
 *
 *   GET /PATH   the file of that name in the folder, where the API has no such path
 *
 * Where a browser goes to a path that is no file, it is given the front end's first page, which
 * knows what to show there; so it is at the paths of `pages`, although the API has routes for
 * them: scripts still get the API's answer.  Whoever is no browser is told 404.
 *
 * Files have their type, an ETag, and one or many parts of them may be asked for.  Text is
 * compressed once, by gzip or brotli, unless NAME.gz or NAME.br lies beside it.  Nothing outside
 * the folder is served, wherever links lead, nor anything whose name begins with a dot.  A file
 * that changes is served as it is from then on, and so is another folder under the same name.
 *
 * Settings
 *   path                the folder of the built front end, such as dist
 *   index               its first page (index.html)
 *   pages               paths of the front end that the API has, too; * stands for one part
 *                       (/, /agents, /runs, /chat, and demos by id)
 *   reserved            where nothing but the API is, whoever asks (/auth, /v1, /rest, /mcp)
 *   immutable           below these the name of a file changes with its content (/assets)
 *   content_policy      the Content-Security-Policy of pages; "": none (frame-ancestors 'self')
 *   compress_min_bytes  shorter files are not compressed (1024)
 *   cached_file_bytes   longer files are read anew for each request, and not compressed (4194304)
 *   cache_bytes         of files that are kept in memory (67108864)
 *   file_bytes          what is given out at once; of a longer file only parts (67108864)
 *
 * Example
 *   plugins:
 *     static-site:
 *       path: /srv/webui/dist
 */
#include "cache.h"
#include "cleanup.h"
#include "init.h"
#include "open_inside.h"
#include "schemas.h"
#include "site.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const char config_schema[] = SCHEMA({"type": "object", "properties": {
    "path": {"type": "string", "default": "", "description": "The folder of the built front end."},
    "index": {"type": "string", "minLength": 1, "default": "index.html",
              "description": "Its first page, which browsers are given wherever there is no file."},
    "pages": {"type": "array", "items": {"type": "string", "pattern": "^/"},
              "default": ["/", "/agents", "/runs", "/chat", "/demos/*"],
              "description": "Where browsers get the first page although the API is there."},
    "reserved": {"type": "array", "items": {"type": "string", "pattern": "^/"},
                 "default": ["/auth", "/v1", "/rest", "/mcp"],
                 "description": "At these paths and below them there is nothing but the API."},
    "immutable": {"type": "array", "items": {"type": "string", "pattern": "^/"},
                  "default": ["/assets"],
                  "description": "Below these the name of a file changes with its content."},
    "content_policy": {"type": "string", "default": "frame-ancestors 'self'",
                       "description": "The Content-Security-Policy of pages; empty: none."},
    "compress_min_bytes": {"type": "integer", "minimum": 0, "default": 1024,
                           "description": "Shorter files are not compressed."},
    "cached_file_bytes": {"type": "integer", "minimum": 0, "maximum": 1073741824,
                          "default": 4194304,
                          "description": "Longer files are read anew for each request, and not compressed."},
    "cache_bytes": {"type": "integer", "minimum": 0, "default": 67108864,
                    "description": "Of files that are kept in memory."},
    "file_bytes": {"type": "integer", "minimum": 1024, "maximum": 1073741824, "default": 67108864,
                   "description": "What is given out at once; of a longer file only parts."}
}});
/* clang-format on */

static void fini(void *self)
{
    struct site *site = self;

    cache_clear(site);
    map_done(&site->files, NULL);
    (void)pthread_mutex_destroy(&site->lock);
    pages_free(site);
    json_decref(site->reserved);
    json_decref(site->immutable);
    free(site->folder);
    free(site->index);
    free(site->policy);
    free(site);
}

static char *text_setting(const json_t *config, const char *name)
{
    return strdup(json_string_value(json_object_get(config, name)));
}

static size_t bytes_setting(const json_t *config, const char *name)
{
    return (size_t)json_number_value(json_object_get(config, name));
}

static int check_folder(const struct site *site, struct ein_error *err)
{
    struct stat stat;

    if (!*site->folder)
        return error_set(err, EIN_E_INVALID, "path: the folder of the front end has to be named");
    if (!path_is_good(site->index))
        return error_set(err, EIN_E_INVALID, "index: \"%s\" is not a file in the folder",
                         site->index);
    EIN_CLOSE int fd = open_inside(site->folder, site->index, &stat);
    return fd >= 0 ? 0
                   : error_set(err, EIN_E_NOT_FOUND, "%s: there is no file %s", site->folder,
                               site->index);
}

static int read_settings(struct site *site, const json_t *config, struct ein_error *err)
{
    site->folder = text_setting(config, "path");
    site->index = text_setting(config, "index");
    site->policy = text_setting(config, "content_policy");
    site->reserved = json_incref(json_object_get(config, "reserved"));
    site->immutable = json_incref(json_object_get(config, "immutable"));
    site->compress_min = bytes_setting(config, "compress_min_bytes");
    site->cached_file_max = bytes_setting(config, "cached_file_bytes");
    site->cache_max = bytes_setting(config, "cache_bytes");
    site->file_max = bytes_setting(config, "file_bytes");
    if (!site->folder || !site->index || !site->policy)
        return error_no_memory(err);
    int r = check_folder(site, err);
    return r < 0 ? r : pages_add(site, json_object_get(config, "pages"), err);
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct site *site = calloc(1, sizeof(*site));
    int r;

    if (!site || map_init(&site->files) < 0) {
        free(site);
        return error_no_memory(err);
    }
    (void)pthread_mutex_init(&site->lock, NULL);
    list_init(&site->by_use);
    site->host = host;
    site->ctx = ctx;
    r = read_settings(site, config, err);
    return init_done(r, site, fini, ret_self);
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "static-site",
    .version = "0.1.0",
    .summary = "A built front end, served beside the API",
    .config_schema = config_schema,
    .init = init,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
