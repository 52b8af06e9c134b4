/* SPDX-License-Identifier: Apache-2.0 */
/* Idempotency-Key: a request that is sent again gets the answer of the first, and does nothing. */
#pragma once

#include "buf.h"
#include "list.h"
#include <einion/plugin.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http;
struct reply_header;
struct store;

enum { ONCE_ID_SIZE = 65, ONCE_NAME_SIZE = 40, ONCE_SWEEP_MS = 60 * 1000, ONCE_TELL_MS = 2000 };

/* The process, as other servers of one store know it: while something runs for a key, it says from
 * time to time that it is there. */
struct once_here {
    char name[ONCE_NAME_SIZE];
    pthread_mutex_t lock;
    struct list running; /* of struct once; guarded by lock, as is what follows */
    int64_t until_ms;    /* so long it has said so; clock_wall_ms() */
};
void once_here_init(struct once_here *here, struct http *http);
void once_here_done(struct once_here *here);

/* A request to a route with EIN_ROUTE_ONCE that has a key, from once_begin() to once_end(). */
struct once {
    struct list link;
    struct once_here *here;
    struct store *store;
    char id[ONCE_ID_SIZE], input[ONCE_ID_SIZE]; /* digests: whose key it is, what is asked for */
    char rev[EIN_REV_SIZE];
    const struct reply_header *before; /* headers that the server set before the handler */
    struct buf streamed;
    bool cut; /* the stream: the server is stopping */
};

/* True: the handler is to run; then req->once is ONCE where there is a key, and once_end() is due.
 * False: the request has been replied to. */
bool once_begin(struct ein_req *req, struct once *once);

/* A piece of a stream that is sent. */
void once_streamed(struct ein_req *req, const void *data, size_t len);

/* RESULT is what the handler returned.  Before the client can know that it has all of the answer:
 * it may ask again at once. */
void once_end(struct ein_req *req, int result);

/* After the storage backend has started: what find() will look for; and, from time to time, away
 * with what is over. */
int once_index(struct store *store, struct ein_error *err);
void once_sweep(void *store);
/* Deletes answers that are kept of UID, or will be, some at a time: how many there were, or an
 * error. */
int once_erase(struct store *store, const char *uid, struct ein_error *err);
void once_tell(void *http);
