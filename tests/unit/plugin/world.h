/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "buf.h"
#include "lifecycle.h"
#include "unit.h"
#include <pthread.h>
#include <stdlib.h>

/* A lifecycle with all that is below it, a host of a few functions, and a journal of what the
 * instances said. */
struct world {
    struct log *log;
    struct services *services;
    struct events *events;
    struct jobs *jobs;
    struct ein_host host;
    struct lifecycle_setup setup;
    struct lifecycle *lifecycle;
    struct config *configs[8]; /* all that were made */
    size_t config_count;
    json_t *status; /* the last one asked for */
    int forgotten;  /* calls of forget_routes() */
    char dir[32];
    pthread_mutex_t lock;
    struct buf journal; /* guarded by lock */
    char said[1024];
};

int world_setup(void **state);
int world_teardown(void **state);

/* plugins: the YAML list of that section. */
struct config *world_config(struct world *world, const char *plugins);
void world_start(struct world *world, const char *plugins);
void world_refuse(struct world *world, const char *plugins, const char *why);
void world_reload(struct world *world, const char *plugins);

/* "NAME:STEP " for each step since it was last asked for. */
const char *world_journal(struct world *world);
void world_expect(struct world *world, const char *journal); /* waits for it */
bool world_log_has(struct world *world, const char *text);

const struct ein_service *world_acquire(struct world *world, const char *iface); /* or NULL */
const char *world_state(struct world *world, const char *name); /* NULL: no such instance */
const char *world_reason(struct world *world, const char *name);
