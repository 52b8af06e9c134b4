/* SPDX-License-Identifier: Apache-2.0 */
/* The threads that work on tickets.  One of those without work leads: it claims what is due, and
 * hands the lead on before it sets to work.  A keeper extends the leases of what is worked on. */
#pragma once

#include <einion/plugin.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct chat;
struct run;

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t woken; /* the leader: something may be due */
    pthread_cond_t lead;  /* the others: nobody leads */
    pthread_cond_t ended; /* stop: a run has ended */
    pthread_cond_t beat;  /* the keeper: it stops */
    pthread_t *threads;   /* guarded by lock, as is all below */
    unsigned count, idle; /* idle: wait for the lead */
    bool leading;         /* somebody leads */
    uint64_t wakes;       /* how often the leader was to look */
    bool stopping;        /* nothing more is claimed */
    bool failing;         /* the store was out of order when last asked, and it was said so */
    struct run *runs;     /* a list */
    unsigned run_count;
    bool keeping; /* there is a keeper */
    bool keeper_stops;
    pthread_t keeper;
};

void workers_init(struct workers *workers);
void workers_done(struct workers *workers);

int workers_start(struct chat *chat, struct ein_error *err);
/* Claims no more; gives what is worked on some time to end, then hands it back; joins. */
void workers_stop(void *chat);

/* Something is due now. */
void workers_wake(struct chat *chat);
/* The ticket ID, if it is worked on here, is no longer wanted. */
void workers_cancel(struct chat *chat, const char *id);
