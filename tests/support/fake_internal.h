/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the fake host only. */
#pragma once

#include "fake_host.h"

struct ein_ctx {
    struct fake_host *host;
    const char *name; /* of the plugin; NULL: it is the test */
};

struct fake_service {
    struct ein_service service; /* first: acquire() hands it out */
    struct fake_service *next;
    struct ein_ctx *owner;
};

struct fake_topic {
    struct fake_topic *next;
    struct ein_ctx *owner;
    const char *topic;
    void (*on_event)(const char *topic, const struct json_t *event, void *data);
    void *data;
};

struct fake_timer {
    struct fake_timer *next;
    struct ein_ctx *owner;
    void (*run)(void *data);
    void *data;
};

struct fake_job {
    struct fake_job *next;
    pthread_t thread;
    void (*run)(void *data);
    void (*drop)(void *data);
    void *data;
};

int fake_set_error(struct ein_error *err, int code, const char *fmt, ...) EIN_PRINTF(3, 4);
/* Takes back whatever CTX has registered. */
void fake_host_forget(struct fake_host *host, const struct ein_ctx *ctx);

extern const struct ein_store fake_store;
