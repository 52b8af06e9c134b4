/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Who is inside a plugin instance: every call into it passes its gate, so that it can be taken
 * away while the server runs. */
struct gate {
    uint64_t state;    /* atomic: calls inside, and the shut bit */
    const char *owner; /* whose it is, for messages; may be NULL */
};

void gate_init(struct gate *gate); /* shut */
void gate_open(struct gate *gate);
bool gate_enter(struct gate *gate); /* false: shut */
void gate_leave(struct gate *gate);
void gate_shut(struct gate *gate);
/* Waits until nobody is inside a shut gate; false: the time is up.  After true the gate may be
 * freed at once. */
bool gate_drain(struct gate *gate, uint32_t timeout_ms);
uint64_t gate_inside(const struct gate *gate);
