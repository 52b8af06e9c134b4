/* SPDX-License-Identifier: Apache-2.0 */
/* What anybody can cause at any rate, and what is kept for good: so many a second, and how many
 * more there were.  Any thread. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { TRICKLE_PER_S = 20 };

struct trickle {
    pthread_mutex_t lock;
    int64_t second;          /* guarded by lock, as are both counts */
    uint32_t kept, left_out; /* of that second; since the last that was kept */
};

void trickle_init(struct trickle *trickle);
void trickle_done(struct trickle *trickle);

/* May this one be kept?  Then *ret_left_out others were not, before it. */
bool trickle_may_keep(struct trickle *trickle, uint32_t *ret_left_out);
