/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gate.h"
#include <einion/services.h>
#include <stdbool.h>
#include <stdint.h>

struct lifecycle;
struct metrics;
struct openapi;
struct services;
struct store;

/* server/1: what the server says of itself, and erasure/1 of the answers that it keeps.  All lent. */
struct server_service {
    struct lifecycle *lifecycle;
    struct metrics *metrics;
    struct openapi *openapi;
    struct store *store;
    int64_t started_ms; /* clock_mono_ms() */
    bool draining;      /* atomic */
    struct gate gate;
};

int server_service_publish(struct server_service *self, struct services *services,
                           struct ein_error *err);
