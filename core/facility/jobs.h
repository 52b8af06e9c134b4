/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "list.h"
#include <einion/plugin.h>
#include <stdbool.h>
#include <stdint.h>

/* A fixed pool of workers, a bounded queue, and timers.  Any thread. */
struct jobs;

enum {
    JOBS_TIMERS_MAX = 1024,
    JOBS_PERIOD_MIN_MS = 1,
    JOBS_STACK = 512 * 1024 /* bytes of each worker's stack */
};

/* On whose behalf jobs run; storage of the caller's.  All fields are guarded by the jobs' lock. */
struct jobs_owner {
    struct list timers;
    uint32_t queued, running; /* jobs; timers count while they run */
    bool closed;
};

/* workers, queue_max: limits.workers and limits.jobs. */
int jobs_new(uint32_t workers, uint32_t queue_max, struct jobs **ret_jobs, struct ein_error *err);
/* Ends the workers after the job each is at; drops what is queued. */
void jobs_free(struct jobs *jobs);

void jobs_owner_init(struct jobs_owner *owner);

/* drop (may be NULL) is called exactly once whatever happens to the job, here too if it is
 * refused: BUSY (the queue is full), UNAVAILABLE (the owner is leaving), NO_MEMORY. */
int jobs_submit(struct jobs *jobs, struct jobs_owner *owner, void (*run)(void *data),
                void (*drop)(void *data), void *data);

/* Runs first after one period, then in step with it.  A run that is late or still going on when
 * the next is due makes that one be left out.  Ends with its owner. */
int jobs_every(struct jobs *jobs, struct jobs_owner *owner, uint32_t period_ms,
               void (*run)(void *data), void *data);

/* Ends the owner's timers, drops its queued jobs, refuses new ones. */
void jobs_withdraw(struct jobs *jobs, struct jobs_owner *owner);
/* Waits until nothing of a withdrawn owner runs; false: the time is up. */
bool jobs_drain(struct jobs *jobs, struct jobs_owner *owner, uint32_t timeout_ms);
uint32_t jobs_running(struct jobs *jobs, const struct jobs_owner *owner);

/* For facilities: a job in storage of the caller's, which the bound does not count, so that it
 * cannot be refused.  Not again before it has run. */
struct job {
    struct list link;
    struct jobs_owner *owner; /* may be NULL */
    void (*run)(void *data);
    void (*drop)(void *data);
    void *data;
    bool embedded; /* not made by jobs_submit(), nor counted */
};
void jobs_add(struct jobs *jobs, struct job *job);
