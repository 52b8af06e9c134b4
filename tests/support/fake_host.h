/* SPDX-License-Identifier: Apache-2.0 */
/* A host small enough for one test: it loads real plugins, carries their services,
 * records what they say, and does nothing behind the test's back. */
#pragma once

#include <einion/services.h>

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>

struct fake_plugin;

struct fake_host {
    struct ein_host table; /* a test may put its own `http` and `client` here */
    pthread_mutex_t lock;
    struct fake_service *services;       /* guarded by lock */
    struct fake_topic *topics;           /* guarded by lock */
    struct fake_timer *timers;           /* guarded by lock */
    struct fake_job *jobs;               /* guarded by lock */
    json_t *counted, *gauged, *observed; /* guarded by lock; metric -> sum, last value, number */
    char *log;                           /* guarded by lock; every line so far */
    char *unready;                       /* guarded by lock */
};

struct fake_host *fake_host_new(void);
/* Close the plugins first. */
void fake_host_free(struct fake_host *host);

/* A context that belongs to no plugin, to call host functions from a test. */
struct ein_ctx *fake_host_ctx(struct fake_host *host);

/* Loads build/plugins/NAME/NAME.so (or a path with a '/'), gives `config` the
 * defaults of its schema, and calls init. */
int fake_plugin_open(struct fake_host *host, const char *name, json_t *take_config,
                     struct fake_plugin **ret_plugin, struct ein_error *err);
int fake_plugin_start(struct fake_plugin *plugin, struct ein_error *err);
/* Waits for its jobs, then stop, fini.  NULL is fine. */
void fake_plugin_close(struct fake_plugin *plugin);

/* The service, or the test fails. */
const struct ein_service *fake_host_service(struct fake_host *host, const char *iface);

/* add_routes() of a host that serves none. */
int fake_host_no_routes(struct ein_ctx *ctx, const struct ein_route *routes, size_t count,
                        size_t stride, void *self, struct ein_error *err);

/* Runs once what plugins asked to run every so often. */
void fake_host_tick(struct fake_host *host);
/* Waits until every submitted job has ended. */
void fake_host_join(struct fake_host *host);

bool fake_host_logged(struct fake_host *host, const char *part);
double fake_host_counted(struct fake_host *host, const char *metric);
/* The reason last given, "" if all is well. */
const char *fake_host_unready(struct fake_host *host);

extern const struct ein_cancels fake_cancels;
