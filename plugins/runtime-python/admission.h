/* SPDX-License-Identifier: Apache-2.0 */
/* How many runs at a time: in all, of one user, of one lane.  The rest wait, in the order in which
 * they came, and some are refused. */
#pragma once

#include <einion/plugin.h>
#include <pthread.h>
#include <stdbool.h>

struct admission_share; /* of a user, or of a lane: what runs and waits under one name */
struct admission_waiter;

struct admission {
    pthread_mutex_t lock;
    /* guarded by lock */
    struct admission_share *shares;
    struct admission_waiter *first, *last; /* who waits */
    uint32_t running, waiting;
    bool shut;
};

/* At a time, and how many may wait: above that they are refused. */
struct admission_limit {
    uint32_t running, queue;
};

/* Who wants to run. */
struct admission_ticket {
    const char *user, *lane; /* lane: NULL for none */
    struct admission_limit all, of_user, of_lane;
    uint32_t queue_ms;
    bool (*cancelled)(const void *data);
    const void *data;
};

struct admission_place { /* for admission_leave() */
    struct admission_share *user, *lane;
};

void admission_init(struct admission *admission);
void admission_done(struct admission *admission);
/* From now on everybody is refused, also those who wait. */
void admission_shut(struct admission *admission);

/* BUSY, CANCELLED or UNAVAILABLE. */
int admission_enter(struct admission *admission, const struct admission_ticket *ticket,
                    struct admission_place *ret_place, struct ein_error *err);
void admission_leave(struct admission *admission, const struct admission_place *place);
