/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog_inside.h"

#include "cleanup.h"
#include "error.h"
#include "live.h"
#include "member.h"
#include "resolve.h"

extern const char catalog_json[]; /* of config/models */

struct snapshot *catalog_take(struct catalog *catalog)
{
    EIN_LOCKED(&catalog->lock);
    return snapshot_ref(catalog->current);
}

static void put_current(struct catalog *catalog, struct snapshot *take_snapshot)
{
    struct snapshot *old;

    {
        EIN_LOCKED(&catalog->lock);
        old = catalog->current;
        catalog->current = take_snapshot;
    }
    snapshot_drop(old);
}

/* With `building` held: what all see from now on. */
static int rebuild(struct catalog *catalog, const json_t *files, const json_t *lists,
                   struct ein_error *err)
{
    size_t known = json_object_size(json_object_get(files, "providers"));
    struct check check = { .err = err };
    struct snapshot *snapshot;
    json_t *resolved;
    int r = catalog_resolve(&check, files, lists, &resolved);

    if (r >= 0)
        r = snapshot_new(catalog->host, resolved, known, &snapshot, err);
    if (r >= 0)
        put_current(catalog, snapshot);
    return r;
}

/* ---- the operator's files ---- */

/* With `building` held. */
static int read_files(struct catalog *catalog, struct ein_error *err)
{
    EIN_JSON json_t *files = json_incref(catalog->shipped);
    int r = 0;

    if (*catalog->folder) {
        EIN_JSON json_t *shipped = EIN_TAKE(files);

        catalog->print = files_print(catalog->folder);
        r = files_add_folder(catalog->folder, &catalog->limits, shipped, &files, err);
    }
    if (r >= 0)
        r = rebuild(catalog, files, catalog->lists, err);
    if (r < 0)
        return r;
    json_decref(catalog->files);
    catalog->files = EIN_TAKE(files);
    return 0;
}

static void tell(struct catalog *catalog, int r, const char *why)
{
    const struct ein_host *host = catalog->host;

    if (r >= 0)
        host->log_msg(catalog->ctx, EIN_INFO, "the files of models in %s were read again",
                      catalog->folder);
    else
        host->log_msg(catalog->ctx, EIN_ERROR, "the models stay as they are: %s", why);
    if (r < 0 || catalog->wrong)
        host->unready(catalog->ctx, r < 0 ? why : NULL);
    catalog->wrong = r < 0;
}

static void refresh(struct catalog *catalog, bool unchanged_too)
{
    struct ein_error err;

    if (!*catalog->folder)
        return;
    EIN_LOCKED(&catalog->building);
    if (!unchanged_too && files_print(catalog->folder) == catalog->print)
        return;
    int r = read_files(catalog, &err);
    tell(catalog, r, err.text);
}

void catalog_refresh(void *data)
{
    refresh(data, false);
}

void catalog_reread(const char *topic, const json_t *event, void *data)
{
    (void)topic;
    (void)event;
    refresh(data, true);
}

/* ---- live lists ---- */

int catalog_set_list(struct catalog *catalog, const char *provider, const json_t *entries,
                     struct ein_error *err)
{
    EIN_LOCKED(&catalog->building);
    EIN_JSON json_t *lists = json_copy(catalog->lists);
    const json_t *old = json_object_get(lists, provider);
    int r;

    if (entries ? json_equal(old, entries) : !old)
        return 0;
    if (entries)
        (void)json_object_set(lists, provider, (json_t *)entries);
    else
        (void)json_object_del(lists, provider);
    r = rebuild(catalog, catalog->files, lists, err);
    if (r < 0)
        return r;
    json_decref(catalog->lists);
    catalog->lists = EIN_TAKE(lists);
    return 0;
}

/* ---- life ---- */

int catalog_new(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                struct catalog **ret_catalog, struct ein_error *err)
{
    struct catalog *catalog = calloc(1, sizeof(*catalog));
    int r;

    if (!catalog)
        return error_no_memory(err);
    catalog->host = host;
    catalog->ctx = ctx;
    catalog->folder = json_string_value(json_object_get(config, "path"));
    catalog->limits.max_bytes = setting_of(config, "max_file_bytes");
    catalog->limits.max_files = setting_of(config, "max_files");
    (void)pthread_mutex_init(&catalog->building, NULL);
    (void)pthread_mutex_init(&catalog->lock, NULL);
    catalog->shipped = json_loads(catalog_json, 0, NULL);
    catalog->lists = json_object();
    r = catalog->shipped && catalog->lists ? read_files(catalog, err) : error_no_memory(err);
    if (r >= 0)
        r = live_new(catalog, config, &catalog->live, err);
    if (r < 0) {
        catalog_free(catalog);
        return r;
    }
    *ret_catalog = catalog;
    return 0;
}

int catalog_start(struct catalog *catalog, struct ein_error *err)
{
    return live_start(catalog->live, err);
}

void catalog_stop(struct catalog *catalog)
{
    live_stop(catalog->live);
}

void catalog_free(struct catalog *catalog)
{
    if (!catalog)
        return;
    live_free(catalog->live);
    snapshot_drop(catalog->current);
    json_decref(catalog->shipped);
    json_decref(catalog->files);
    json_decref(catalog->lists);
    (void)pthread_mutex_destroy(&catalog->building);
    (void)pthread_mutex_destroy(&catalog->lock);
    free(catalog);
}
