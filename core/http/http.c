/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"
#include "cleanup.h"
#include "error.h"
#include "hex.h"
#include "http_inside.h"
#include "mix.h"
#include "router.h"
#include "watch.h"
#include "wrong_logins.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

int http_new(const struct http_parts *parts, const struct settings_from *from,
             struct http **ret_http, struct ein_error *err)
{
    struct http *http = calloc(1, sizeof(*http));
    int r;

    if (!http)
        return error_no_memory(err);
    http->log = parts->log;
    http->services = parts->services;
    http->store = parts->store;
    http->tracing = parts->tracing;
    (void)pthread_mutex_init(&http->reload_lock, NULL);
    trickle_init(&http->denials);

    r = settings_new(from, &http->settings, err);
    if (r >= 0 && getrandom(http->id_seed, sizeof(http->id_seed), 0) < 0)
        r = error_set(err, EIN_E_UNAVAILABLE, "no random numbers: %s", strerrordesc_np(errno));
    once_here_init(&http->once, http);
    if (r >= 0 && (stats_init(&http->stats, parts->metrics) < 0 ||
                   router_new(parts->metrics, &http->router) < 0))
        r = error_no_memory(err);
    if (r >= 0) {
        http->wrong_logins = wrong_logins_new(http->settings->wrong_addresses);
        if (!http->wrong_logins)
            r = error_no_memory(err);
    }
    if (r >= 0)
        r = watch_new(&http->watch, err);
    if (r < 0) {
        http_free(http);
        return r;
    }
    *ret_http = http;
    return 0;
}

void http_free(struct http *http)
{
    if (!http)
        return;
    watch_free(http->watch);
    router_free(http->router);
    stats_done(&http->stats);
    wrong_logins_free(http->wrong_logins);
    trickle_done(&http->denials);
    once_here_done(&http->once);
    settings_free(http->settings);
    (void)pthread_mutex_destroy(&http->reload_lock);
    free(http);
}

int http_reload(struct http *http, const struct settings_from *from, struct ein_error *err)
{
    struct settings *settings;
    int r;

    r = settings_new(from, &settings, err);
    if (r < 0)
        return r;
    EIN_LOCKED(&http->reload_lock);
    settings->older = http->settings;
    __atomic_store_n(&http->settings, settings, __ATOMIC_RELEASE);
    return 0;
}

struct router *http_router(struct http *http)
{
    return http->router;
}

const struct settings *http_settings(const struct http *http)
{
    return __atomic_load_n(&http->settings, __ATOMIC_ACQUIRE);
}

void http_make_id(struct http *http, char out[REQUEST_ID_SIZE])
{
    uint64_t count = __atomic_add_fetch(&http->id_count, 1, __ATOMIC_RELAXED);
    uint64_t id[2] = { mix(http->id_seed[0] + count), mix(http->id_seed[1] ^ count) };

    hex_encode(id, sizeof(id), out);
}

bool http_enter_stream(struct http *http, uint32_t max)
{
    if (__atomic_add_fetch(&http->streams, 1, __ATOMIC_RELAXED) <= max)
        return true;
    http_leave_stream(http);
    return false;
}

void http_leave_stream(struct http *http)
{
    (void)__atomic_sub_fetch(&http->streams, 1, __ATOMIC_RELAXED);
}
