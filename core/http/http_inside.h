/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http.h"
#include "once.h"
#include "request.h"
#include "stats.h"
#include "trickle.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct watch;
struct wrong_logins;

struct http {
    struct log *log;
    struct services *services;
    struct store *store;
    struct tracing *tracing; /* may be NULL */
    struct router *router;
    struct watch *watch;
    struct stats stats;
    struct wrong_logins *wrong_logins;
    struct trickle denials; /* that are told to the audit */
    struct once_here once;
    struct settings *settings;     /* atomic; the older ones hang on it until the end */
    pthread_mutex_t reload_lock;   /* held while `settings` is replaced */
    uint64_t id_seed[2], id_count; /* the last is atomic */
    uint32_t streams;              /* atomic */
};

const struct settings *http_settings(const struct http *http); /* at this moment */

/* 32 hex digits that nobody else has, with no system call. */
void http_make_id(struct http *http, char out[REQUEST_ID_SIZE]);

/* One more stream; false: there are as many as may be. */
bool http_enter_stream(struct http *http, uint32_t max);
void http_leave_stream(struct http *http);
