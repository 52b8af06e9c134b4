/* SPDX-License-Identifier: Apache-2.0 */
/* Purses in memory, for the files that are about them: purse.c hands out and takes back,
 * purse_flush.c brings what was settled to the store, purse_keep.c looks after leases and gives
 * back, purse_open.c begins and ends. */
#pragma once

#include "journal.h"
#include "map.h"
#include "purse.h"
#include "purse_store.h"

#include <stdatomic.h>

enum { PURSE_KEEP_MS = 500 }; /* how often purses are looked at */

struct purse {
    struct map_entry entry; /* purse_find() says by what */
    struct purse *next;     /* in the list of who looks at them */
    char id[PURSE_ID_SIZE];
    char budget[BUDGET_ID_SIZE]; /* the account of a key that pays too; "": none */
    int64_t limit;               /* of that key, by which it was filled */
    bool backed;  /* there is a hold in the store; without one only what is free is handed out */
    bool solvent; /* when last looked: what is free is handed out until a call has cost something */
    bool filling; /* somebody is at the store for it */
    bool gone;    /* its hold has expired: it is out of the map, and goes with its last payment */
    int64_t left;
    int64_t due_ms, reset_at_ms, used_ms;
    size_t calls, payments; /* open; not yet in the store */
    char uid[];
};

struct call {
    struct map_entry entry; /* by hold */
    char hold[EIN_HOLD_SIZE];
    struct purse *purse;
    int64_t bound, due_ms, created_us;
};

struct purses {
    pthread_mutex_t lock;
    pthread_cond_t filled, pending; /* a purse; a first payment */
    struct map map;                 /* guarded by lock, as is all below */
    struct map calls;
    struct journal *journal;
    struct payment *first, **last; /* in the journal's active file */
    uint64_t number;               /* of the last call */
    bool stopping;

    pthread_mutex_t flush_lock;
    struct payment *taken; /* guarded by flush_lock: in the journal's other file */
    atomic_size_t count;   /* of payments in both lists */
    atomic_bool works;     /* the store took the last payments */
    pthread_t flusher;
    bool runs; /* the flusher */
};

/* What changes a purse's hold came to R, and may have been written or not: what is in the purse is
 * no longer known.  Its hold, which has it right, expires with its lease. */
static inline bool purse_is_unsure(int r)
{
    return r == EIN_E_UNAVAILABLE || r == EIN_E_TIMEOUT || r == EIN_E_INTERNAL;
}

void payments_free(struct payment *first); /* NULL is fine */
struct account_ids purse_account_ids(const struct purse *purse);
/* These three with the lock held. */
void purse_free_if_gone(struct purse *purse);
void purse_end_call(struct purses *purses, struct call *call, int64_t cost);
/* Its hold has expired, and all of it was given back, or will be: the next one has another id.
 * Takes the lock. */
void purse_lose(struct purses *purses, struct purse *purse);
/* Calls have cost more than their bounds.  Takes the lock. */
bool purse_is_overdrawn(struct purses *purses, const struct purse *purse);
/* What no call has, or what is missing.  The caller is the only one at the store for it. */
void purse_give_back(const struct users *users, struct purse *purse);

void *purse_flusher(void *users); /* a thread */
void purse_keep(void *users);     /* every PURSE_KEEP_MS */
