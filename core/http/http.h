/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "settings.h"
#include <einion/plugin.h>

/* What all requests share. */
struct http;
struct log;
struct metrics;
struct router;
struct services;
struct store;
struct tracing;

struct http_parts { /* lent until http_free() */
    struct log *log;
    struct metrics *metrics;
    struct services *services;
    struct store *store;     /* of answers to keys; see once.h */
    struct tracing *tracing; /* may be NULL */
};

int http_new(const struct http_parts *parts, const struct settings_from *from,
             struct http **ret_http, struct ein_error *err);
void http_free(struct http *http); /* after the listener has stopped */

/* Takes over limits, origins and password for requests from now on. */
int http_reload(struct http *http, const struct settings_from *from, struct ein_error *err);

struct router *http_router(struct http *http);
