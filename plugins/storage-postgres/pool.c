/* SPDX-License-Identifier: Apache-2.0 */
/* Connections are made when they are first needed, and made anew when they were lost. */
#include "postgres.h"

#include "cleanup.h"
#include "clock.h"
#include "error.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { TRIES_MAX = 50, PAUSE_FIRST_US = 200, PAUSE_MAX_US = 50000 };

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t given;
    struct conn *idle; /* guarded by lock; the one used last comes first */
    bool unready;      /* guarded by lock: /readyz knows that there is no database */
    struct conn conns[];
};

int pool_new(struct postgres *store, struct pool **ret_pool, struct ein_error *err)
{
    struct pool *pool =
        calloc(1, sizeof(*pool) + (size_t)store->connections * sizeof(pool->conns[0]));

    if (!pool)
        return error_no_memory(err);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->given, NULL);
    for (int i = store->connections - 1; i >= 0; i--) {
        pool->conns[i] = (struct conn){ .store = store, .next = pool->idle };
        pool->idle = &pool->conns[i];
    }
    *ret_pool = pool;
    return 0;
}

/* Nobody has a connection any more. */
void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    for (struct conn *conn = pool->idle; conn; conn = conn->next)
        conn_close(conn);
    pthread_cond_destroy(&pool->given);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static struct conn *wait_idle(struct pool *pool, uint32_t wait_ms)
{
    const struct timespec until = clock_deadline(wait_ms);
    struct conn *conn;

    EIN_LOCKED(&pool->lock);
    while (!pool->idle)
        if (pthread_cond_clockwait(&pool->given, &pool->lock, CLOCK_MONOTONIC, &until) == ETIMEDOUT)
            return NULL;
    conn = pool->idle;
    pool->idle = conn->next;
    return conn;
}

static void give(struct pool *pool, struct conn *conn)
{
    EIN_LOCKED(&pool->lock);
    conn->next = pool->idle;
    pool->idle = conn;
    pthread_cond_signal(&pool->given);
}

/* REASON NULL: the database is there. */
static void tell_health(const struct postgres *store, const char *reason)
{
    struct pool *pool = store->pool;
    bool was;

    {
        EIN_LOCKED(&pool->lock);
        was = pool->unready;
        pool->unready = reason != NULL;
    }
    if (was == (reason != NULL))
        return;
    store->host->unready(store->ctx, reason);
    if (reason)
        store->host->log_msg(store->ctx, EIN_ERROR, "%s", reason);
    else
        store->host->log_msg(store->ctx, EIN_INFO, "The database answers again");
}

static int take(struct postgres *store, struct conn **ret_conn, struct ein_error *err)
{
    struct conn *conn = wait_idle(store->pool, store->wait_ms);
    struct ein_error why = { 0 };
    int r;

    if (!conn)
        return error_set(err, EIN_E_BUSY,
                         "All %d connections to the database are in use: try again later",
                         store->connections);
    conn->again = false;
    if (store->still && conn_lost(conn)) {
        give(store->pool, conn);
        return error_set(err, EIN_E_UNAVAILABLE, "The database has ended the connection");
    }
    if (conn_lost(conn)) {
        r = conn_open(conn, &why);
        tell_health(store, r < 0 ? why.text : NULL);
        if (r < 0) {
            conn_close(conn);
            give(store->pool, conn);
            return error_set(err, r, "%s", why.text);
        }
    }
    *ret_conn = conn;
    return 0;
}

static void pause_before(int tries)
{
    long us = PAUSE_FIRST_US << (tries < 8 ? tries : 8);

    if (us > PAUSE_MAX_US)
        us = PAUSE_MAX_US;
    us = us / 2 + random() % us; /* so that those who met do not meet again */
    (void)nanosleep(&(struct timespec){ 0, us * 1000 }, NULL);
}

/* Whether to try again. */
static bool clean_up(struct conn *conn, bool fresh, struct ein_error *err)
{
    bool again = conn->again;

    if (conn->store->still)
        return false;
    if (conn_lost(conn)) {
        bool unknown = conn->committing;
        conn_close(conn);
        return !fresh && !unknown; /* it may have been gone since it was last used */
    }
    if (PQtransactionStatus(conn->pg) != PQTRANS_IDLE && conn_script(conn, "ROLLBACK", NULL) < 0)
        conn_close(conn);
    else if (again && catalog_load(conn, err) < 0)
        return false;
    return again;
}

int pool_do(struct postgres *store, pool_work *work, void *data, struct ein_error *err)
{
    bool again = true;
    int r = 0;

    for (int tries = 0; again && tries < TRIES_MAX; tries++) {
        struct conn *conn = NULL;

        if (tries > 0)
            pause_before(tries);
        r = take(store, &conn, err);
        if (r < 0)
            return r;
        bool fresh = json_object_size(conn->statements) == 0;
        r = work(conn, data, err);
        again = r < 0 && clean_up(conn, fresh, err);
        give(store->pool, conn);
    }
    return r;
}

/* ---- one moment ---- */

static int begin_reading(struct conn *conn, void *data, struct ein_error *err)
{
    (void)data;
    int r = conn_script(conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err);

    if (r == 0)
        r = catalog_load(conn, err); /* the first that is read: all else is of the same moment */
    conn->store->still = r == 0;
    return r;
}

/* Whoever comes back last is taken first: the others are left out. */
int postgres_stand_still(void *impl, struct ein_error *err)
{
    struct postgres *store = impl;
    int r = postgres_check_open(store, err);

    if (r == 0)
        r = pool_do(store, begin_reading, NULL, err);
    if (r < 0)
        return r;
    EIN_LOCKED(&store->pool->lock);
    struct conn *conn = store->pool->idle;
    for (struct conn *it = conn->next; it; it = it->next)
        conn_close(it);
    conn->next = NULL;
    return 0;
}
