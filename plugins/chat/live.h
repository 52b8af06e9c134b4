/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets that somebody here works on or waits for: what has come of an answer, and who is to be
 * woken. */
#pragma once

#include "buf.h"
#include "map.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum live_kind { LIVE_NOTHING, LIVE_TEXT, LIVE_THOUGHT, LIVE_TOOL_CALL, LIVE_SOURCE, LIVE_REPLAY };

/* One ticket.  What came is kept as it came, piece behind piece, and never more than a maximum. */
struct live {
    struct map_entry entry;
    unsigned refs; /* guarded by the lives' lock */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool running;      /* guarded by lock, as is all below: a worker of this server is at it */
    unsigned attempt;  /* whose pieces these are; 0: none has begun here */
    uint64_t events;   /* how often it began, ended, or may have changed otherwise */
    uint64_t count;    /* pieces */
    struct buf pieces; /* of each: kind, length, bytes */
    char id[];
};

struct lives {
    pthread_mutex_t lock;
    struct map by_id; /* guarded by lock */
};

int lives_init(struct lives *lives);
void lives_done(struct lives *lives);

/* The one of this ticket, made if need be; for live_leave().  NULL: no memory. */
struct live *live_enter(struct lives *lives, const char *id);
void live_leave(struct lives *lives, struct live *live);
/* Whoever waits for this ticket looks again. */
void live_poke(struct lives *lives, const char *id);

/* ---- who works on it ---- */

void live_begin(struct live *live, unsigned attempt);
/* TOO_LARGE: that would be more than MAX bytes.  CANCELLED: another attempt has begun. */
int live_add(struct live *live, unsigned attempt, enum live_kind kind, const char *bytes,
             size_t len, size_t max);
void live_end(struct live *live, unsigned attempt);

/* Each piece of ATTEMPT from the first, in order; non-zero ends the walk and is returned. */
typedef int live_piece_fn(enum live_kind kind, const char *bytes, size_t len, void *data);
int live_each(struct live *live, unsigned attempt, live_piece_fn *each, void *data);

/* ---- who follows it ---- */

struct live_place { /* up to where somebody has read; all 0: nothing */
    unsigned attempt;
    uint64_t count;
    size_t at;       /* private */
    uint64_t events; /* private */
};
/* Waits up to so long for the next piece, or for something else to change: LIVE_NOTHING.  Pieces
 * of text that wait are joined.  *ret_bytes: free().  `place` moves to behind it; where its
 * attempt is not the one whose pieces there are, it is put before the first of those. */
enum live_kind live_next(struct live *live, struct live_place *place, uint32_t wait_ms,
                         char **ret_bytes, size_t *ret_len);
/* Waits up to so long for its end here, or for a poke. */
void live_wait(struct live *live, struct live_place *place, uint32_t wait_ms);
bool live_runs(struct live *live);
/* Whose pieces there are; 0: nobody's. */
unsigned live_attempt(struct live *live);
