/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>

struct client;
struct events;
struct jobs;
struct log;
struct metrics;
struct router;
struct services;
struct store;
struct tracing;

/* What ein_ctx.above of every instance points to. */
struct host_rooms {
    struct log *log;
    struct metrics *metrics;
    struct jobs *jobs;
    struct events *events;
    struct services *services;
    struct client *client;
    struct store *store;
    struct tracing *tracing;
    struct router *router;
};

/* What every plugin is given. */
extern const struct ein_host host_table;
