/* SPDX-License-Identifier: Apache-2.0 */
/* Warm, sandboxed children that wait for a job, and the thread that keeps them: it
 * starts zygotes, proves each with the self-test, refills, replaces, and restarts. */
#pragma once

#include "zygote.h"

struct pool;

/* What the pool tells its owner, on the keeper's thread. */
struct pool_listener {
    void (*ready)(void *data, const struct level *level);
    void (*unready)(void *data, const char *reason);
    void (*warn)(void *data, const char *text);
    void *data;
};

struct pool_status {
    bool ready;
    char reason[252]; /* why not */
    struct level level;
    unsigned idle, busy;
    uint64_t generation, spawned;
};

/* Returns at once; the first child is there some 250 ms later. */
int pool_start(const struct settings *settings, const char *folder,
               const struct pool_listener *listener, struct pool **ret_pool, struct ein_error *err);
/* Wakes everybody who waits, kills everything, ends the thread. */
void pool_stop(struct pool *pool);
void pool_free(struct pool *pool);

/* A child that nobody else has or had.  Waits while the sandbox starts, and for a
 * fork if the pool is empty, until `until_ms` of clock_mono_ms().  UNAVAILABLE, BUSY (too many
 * processes). */
int pool_take(struct pool *pool, int64_t until_ms, struct child **ret_child, struct ein_error *err);
/* Kills it; the caller must not touch it again. */
void pool_release(struct pool *pool, struct child *child);
/* Waits for the child's end to be known.  False: not known after `wait_ms`. */
bool pool_wait_exit(struct pool *pool, struct child *child, int wait_ms, int *ret_status,
                    uint32_t *ret_cpu_ms, bool *ret_starved);

void pool_status(struct pool *pool, struct pool_status *ret_status);
