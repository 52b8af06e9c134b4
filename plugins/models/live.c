/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include "catalog_inside.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "member.h"

#include <einion/services.h>
#include <string.h>
#include <time.h>

enum { ID_MAX = 256 };

struct list { /* the thread's own */
    struct list *next;
    char *provider;
    int64_t due_ms;
    bool had, failing, seen; /* `had`: it was there once */
};

struct live {
    struct catalog *catalog;
    uint32_t ttl_ms, retry_ms, look_ms;
    size_t max_models;
    struct list *lists; /* the thread's own */
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping; /* guarded by lock */
};

/* ---- one list ---- */

static struct list *list_of(struct live *live, const char *provider)
{
    struct list *list = live->lists;

    while (list && strcmp(list->provider, provider) != 0)
        list = list->next;
    if (list)
        return list;
    list = calloc(1, sizeof(*list));
    if (list)
        list->provider = strdup(provider);
    if (!list || !list->provider) {
        free(list);
        return NULL;
    }
    list->next = live->lists;
    live->lists = list;
    return list;
}

static void list_free(struct list *list)
{
    free(list->provider);
    free(list);
}

/* {id: entry} of an array of {"id", ...}; what has no usable id is left out. */
static json_t *entries_of(const struct live *live, const json_t *told)
{
    json_t *entries = json_object(), *model;
    size_t i;

    json_array_foreach((json_t *)told, i, model)
    {
        const json_t *id = json_object_get(model, "id");
        size_t len = json_string_length(id);

        if (json_object_size(entries) == live->max_models)
            break;
        if (len > 0 && len <= ID_MAX && strlen(json_string_value(id)) == len)
            (void)json_object_set(entries, json_string_value(id), model);
    }
    return entries;
}

static int fetch(struct live *live, const struct ein_service *service, struct ein_error *err)
{
    const struct ein_llm_provider *provider = service->vtable;
    EIN_JSON json_t *told = NULL;
    EIN_JSON json_t *entries = NULL;
    int r = error_due(err, provider->models(service->impl, &told, err));

    if (r < 0)
        return r;
    if (told && !json_is_null(told)) {
        if (!json_is_array(told))
            return error_set(err, EIN_E_INVALID, "models() gave no array");
        entries = entries_of(live, told);
        if (!entries)
            return error_no_memory(err);
    }
    if (json_array_size(told) > live->max_models)
        live->catalog->host->log_msg(
            live->catalog->ctx, EIN_WARN,
            "%s lists %zu models: those above max_models, %zu, are left out", service->name,
            json_array_size(told), live->max_models);
    return catalog_set_list(live->catalog, service->name, entries, err);
}

static bool is_stopping(struct live *live)
{
    EIN_LOCKED(&live->lock);
    return live->stopping;
}

/* Without its list nothing of it can be called, or something is gone that was there; a server that
 * the catalog knows, as it ships, may never have been there. */
static bool is_missed(struct live *live, const struct list *list)
{
    struct snapshot *snapshot = catalog_take(live->catalog);
    bool is_known = snapshot_provider(snapshot, list->provider, NULL);

    snapshot_drop(snapshot);
    return list->had || !is_known;
}

/* Asks where it is time to.  Other providers are not held meanwhile: they may leave. */
static void ask(struct live *live, struct list *list)
{
    const struct catalog *catalog = live->catalog;
    const struct ein_host *host = catalog->host;
    const struct ein_service *service;
    struct ein_error err = { 0 };

    if (list->due_ms > clock_mono_ms() ||
        host->acquire(catalog->ctx, EIN_LLM_PROVIDER, list->provider, &service) < 0)
        return;
    int r = fetch(live, service, &err);
    host->release(catalog->ctx, service);
    if (r < 0 && r != EIN_E_CANCELLED && !list->failing)
        host->log_msg(catalog->ctx, is_missed(live, list) ? EIN_WARN : EIN_DEBUG,
                      "the models of %s could not be listed: %s", list->provider, err.text);
    list->failing = r < 0;
    list->had = list->had || r >= 0;
    list->due_ms = clock_mono_ms() + (r < 0 ? live->retry_ms : live->ttl_ms);
}

/* A provider that lists its models: its list is there from now on. */
static int note(const struct ein_service *service, void *data)
{
    const struct ein_llm_provider *provider = service->vtable;
    struct list *list =
        EIN_HAS(struct ein_llm_provider, provider, models) ? list_of(data, service->name) : NULL;

    if (list)
        list->seen = true;
    return 0;
}

/* ---- all of them ---- */

/* A provider that is gone has no models. */
static void forget_unseen(struct live *live)
{
    for (struct list **at = &live->lists; *at;) {
        struct list *list = *at;
        bool seen = list->seen;

        list->seen = false;
        if (seen) {
            at = &list->next;
            continue;
        }
        *at = list->next;
        (void)catalog_set_list(live->catalog, list->provider, NULL, NULL);
        list_free(list);
    }
}

static bool wait_a_while(struct live *live)
{
    const struct timespec until = clock_deadline(live->look_ms);
    EIN_LOCKED(&live->lock);

    if (!live->stopping)
        (void)pthread_cond_clockwait(&live->wake, &live->lock, CLOCK_MONOTONIC, &until);
    return !live->stopping;
}

static void *run(void *data)
{
    struct live *live = data;
    const struct catalog *catalog = live->catalog;

    do {
        (void)catalog->host->each_service(catalog->ctx, EIN_LLM_PROVIDER, note, live);
        forget_unseen(live);
        for (struct list *list = live->lists; list && !is_stopping(live); list = list->next)
            ask(live, list);
    } while (wait_a_while(live));
    return NULL;
}

/* ---- life ---- */

int live_new(struct catalog *catalog, const json_t *config, struct live **ret_live,
             struct ein_error *err)
{
    struct live *live = calloc(1, sizeof(*live));

    if (!live)
        return error_no_memory(err);
    live->catalog = catalog;
    live->ttl_ms = setting_of(config, "list_ttl_ms");
    live->retry_ms = setting_of(config, "list_retry_ms");
    live->look_ms = setting_of(config, "watch_ms");
    live->max_models = setting_of(config, "max_models");
    (void)pthread_mutex_init(&live->lock, NULL);
    (void)pthread_cond_init(&live->wake, NULL);
    *ret_live = live;
    return 0;
}

int live_start(struct live *live, struct ein_error *err)
{
    live->started = pthread_create(&live->thread, NULL, run, live) == 0;
    return live->started ? 0 : error_set(err, EIN_E_UNAVAILABLE, "no thread for the live lists");
}

void live_stop(struct live *live)
{
    EIN_LOCKED(&live->lock);
    live->stopping = true;
    (void)pthread_cond_signal(&live->wake);
}

void live_free(struct live *live)
{
    if (!live)
        return;
    live_stop(live);
    if (live->started)
        (void)pthread_join(live->thread, NULL);
    while (live->lists) {
        struct list *list = live->lists;

        live->lists = list->next;
        list_free(list);
    }
    (void)pthread_cond_destroy(&live->wake);
    (void)pthread_mutex_destroy(&live->lock);
    free(live);
}
