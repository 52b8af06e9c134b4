/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cancel.h"
#include "gate.h"
#include "jobs.h"
#include <einion/plugin.h>
#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>

/* The instances of plugins that the configuration names, and where each is in its life:
 *
 *   init -> start -> (calls) -> withdraw -> stop -> drain -> fini
 *
 * Functions are for the main thread unless they say otherwise. */
struct lifecycle;
struct config;
struct events;
struct log;
struct plugin;
struct services;
struct tracing;

enum {
    INSTANCE_NAME_MAX = 63,
    INSTANCE_OFFERS_MAX = 32,
    INSTANCE_SECRETS_MAX = 64,
    INSTANCE_REASON_MAX = 256,
    LIFECYCLE_INSTANCES_MAX = 256
};

enum instance_state {
    INSTANCE_DISABLED, /* in the configuration, not running */
    INSTANCE_STARTING,
    INSTANCE_READY,
    INSTANCE_UNREADY,   /* running, but says itself that it is not well: reason */
    INSTANCE_WITHDRAWN, /* leaving, or did not leave in time: reason */
    INSTANCE_FAILED     /* init or start failed: reason */
};

/* One configured instance. */
struct ein_ctx {
    char name[INSTANCE_NAME_MAX + 1];
    const struct lifecycle_setup *setup;
    void *above;           /* lifecycle_setup.above: host.c finds the server there */
    struct plugin *plugin; /* NULL before it was first enabled */
    json_t *settings;
    void *self;
    bool entered;        /* init() was called, and what it did has not been undone */
    bool made;           /* init() succeeded, fini() has not been called */
    bool started;        /* start() succeeded, stop() has not been called */
    bool leaving;        /* being taken down with others */
    uint64_t started_as; /* grows with each start: the order to leave in, reversed */

    struct gate gate;           /* entered by every call into the plugin but init ... fini */
    struct jobs_owner jobs;     /* submit() and every() */
    struct ein_cancel stopping; /* fires when the instance is withdrawn */
    void *routes;               /* the http room's, see lifecycle_ops */

    bool in_init;             /* [init] functions of the host may be called; main thread only */
    struct ein_error refused; /* by one that gives its caller no words, during init() */
    char *offers[INSTANCE_OFFERS_MAX + 1]; /* interfaces it published, NULL-ended */

    pthread_mutex_t lock;
    enum instance_state state;        /* guarded by lock */
    char reason[INSTANCE_REASON_MAX]; /* guarded by lock */
    struct {
        char *name, *value;
    } secrets[INSTANCE_SECRETS_MAX]; /* given out; guarded by lock */
};

/* What only the rooms above can do. */
struct lifecycle_ops {
    /* Nobody is inside any more, fini() comes next: nothing may point to its routes from now on. */
    void (*forget_routes)(struct ein_ctx *ctx);
    /* Which of its routes have calls inside: "POST /chat (2)", or "". */
    void (*held_routes)(struct ein_ctx *ctx, char *out, size_t size);
};

struct lifecycle_setup { /* all must outlive the lifecycle */
    const struct ein_host *host;
    const char *const *plugin_dirs; /* NULL-ended */
    struct log *log;
    struct services *services;
    struct events *events;
    struct jobs *jobs;
    struct tracing *tracing; /* may be NULL */
    const struct lifecycle_ops *ops;
    void *above;
    uint32_t drain_ms; /* limits.plugin_drain_ms */
};

int lifecycle_new(const struct lifecycle_setup *setup, struct lifecycle **ret_lifecycle);
/* After lifecycle_stop(). */
void lifecycle_free(struct lifecycle *lifecycle);
void lifecycle_set_drain_ms(struct lifecycle *lifecycle, uint32_t drain_ms);

/* Brings up all enabled instances, or none: the first that fails refuses the start.  *ret_faults
 * says why, a line each; free(). */
int lifecycle_start(struct lifecycle *lifecycle, struct config *config, char **ret_faults);

/* Initialises all enabled instances and opens their gates, but starts none: for looking at what
 * they would serve.  *ret_faults as above; lifecycle_stop() ends it. */
int lifecycle_look(struct lifecycle *lifecycle, struct config *config, char **ret_faults);

/* After lifecycle_look(): what the plugins find out about this machine, a line each, in order,
 * until one could not start on it. */
int lifecycle_check(const struct lifecycle *lifecycle, ein_say *tell, void *data,
                    struct ein_error *err);

/* Initialises all of them, and starts only who offers `iface`, after those whom that one needs. */
int lifecycle_start_for(struct lifecycle *lifecycle, struct config *config, const char *iface,
                        char **ret_faults);

/* Makes the instances be those of a new configuration: stops what is gone or disabled, restarts
 * what has other settings, starts what is new.  A configuration that does not check changes
 * nothing and returns INVALID; an instance that then fails is logged, and the others go on. */
int lifecycle_reload(struct lifecycle *lifecycle, struct config *config, char **ret_faults);

/* Takes everything down, in reverse order of start, within one drain deadline for all.  false:
 * some have not left, and they and all they use must stay. */
bool lifecycle_stop(struct lifecycle *lifecycle);

/* Any thread: [{"name", "plugin", "version", "state", "reason"}] for server/1's status(); *ret_well
 * (may be NULL): every enabled instance is ready. */
json_t *lifecycle_status(struct lifecycle *lifecycle, bool *ret_well);

/* ---- what host.c offers a plugin of its own instance ---- */

/* [init]; refused at any other time. */
int instance_publish(struct ein_ctx *ctx, const char *iface, const char *name, const void *vtable,
                     void *impl, struct ein_error *err);
int instance_subscribe(struct ein_ctx *ctx, const char *topic,
                       void (*on_event)(const char *topic, const json_t *event, void *data),
                       void *data);
int instance_watch(struct ein_ctx *ctx, double share,
                   void (*on_span)(const struct ein_span_told *span, void *data), void *data);
/* 0 in init, else INVALID and a text that names `function`: for add_routes. */
int instance_check_init(const struct ein_ctx *ctx, const char *function, struct ein_error *err);

/* Any thread. */
const char *instance_secret(struct ein_ctx *ctx, const char *name); /* lives until fini() */
void instance_unready(struct ein_ctx *ctx, const char *reason);     /* NULL: it is well */
