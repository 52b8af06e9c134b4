/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PIPELINE_H
#define PIPELINE_H

#include "settings.h"
#include <einion/plugin.h>
#include <stdint.h>

/* The data path of every request, and what it needs. */
struct pipeline;
struct ein_req;
struct log;
struct metrics;
struct router;
struct services;
struct store;
struct tracing;

struct pipeline_parts { /* lent until pipeline_free() */
    struct log *log;
    struct metrics *metrics;
    struct services *services;
    struct store *store;     /* of answers to keys; see once.h */
    struct tracing *tracing; /* may be NULL */
};

int pipeline_new(const struct pipeline_parts *parts, const struct settings_from *from,
                 struct pipeline **ret_pipeline, struct ein_error *err);
void pipeline_free(struct pipeline *pipeline); /* after the listener has stopped */

/* Takes over limits, origins and password for requests from now on. */
int pipeline_reload(struct pipeline *pipeline, const struct settings_from *from,
                    struct ein_error *err);

struct router *pipeline_router(struct pipeline *pipeline);

/* From the parsed head to a finished reply, or to a stream that is about to run. */
void pipeline_run(struct pipeline *pipeline, struct ein_req *req);

/* Fires the tokens of all requests inside, and of those that come.  (Those of one instance fire
 * with its route_owner.stopping.) */
void pipeline_cancel_all(struct pipeline *pipeline);

#endif
