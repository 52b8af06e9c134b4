/* SPDX-License-Identifier: Apache-2.0 */
/* Connections are made when they are first needed, and made anew when they were lost.
 *
 * While one cannot be had, one caller at a time tries again, and not at once: the others use those
 * that there are, or hear that there is none. */
#include "postgres.h"

#include "cleanup.h"
#include "clock.h"
#include "error.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { TRIES_MAX = 50, PAUSE_FIRST_US = 200, PAUSE_MAX_US = 50000, REFUSED_MS = 100 };

static const char unreachable[] = "The database cannot be reached";

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t given;
    /* All of these are guarded by lock. */
    struct conn *idle;   /* the one used last comes first */
    struct conn *unmade; /* not connected */
    int connected;       /* idle or in use */
    int opening;
    bool refused; /* the last attempt to connect has failed */
    int64_t refused_until_ms;
    bool unready; /* /readyz knows that there is no database */
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
        pool->conns[i] = (struct conn){ .store = store, .next = pool->unmade };
        pool->unmade = &pool->conns[i];
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

static struct conn *pop(struct conn **list)
{
    struct conn *conn = *list;

    *list = conn->next;
    return conn;
}

static void push(struct conn **list, struct conn *conn)
{
    conn->next = *list;
    *list = conn;
}

static bool may_open(const struct pool *pool)
{
    return pool->unmade &&
           (!pool->refused || (!pool->opening && clock_mono_ms() >= pool->refused_until_ms));
}

/* *ret_conn is connected, or to be opened. */
static int wait_turn(struct pool *pool, const struct timespec *until, struct conn **ret_conn,
                     struct ein_error *err)
{
    bool in_time = true;

    EIN_LOCKED(&pool->lock);
    while (!pool->idle && !may_open(pool)) {
        if (pool->refused && !pool->connected)
            return error_set(err, EIN_E_UNAVAILABLE, "%s", unreachable);
        if (!in_time)
            return error_set(err, EIN_E_UNAVAILABLE,
                             "All connections to the database are in use: try again later");
        in_time =
            pthread_cond_clockwait(&pool->given, &pool->lock, CLOCK_MONOTONIC, until) != ETIMEDOUT;
    }
    if (!pool->idle)
        pool->opening++;
    *ret_conn = pop(pool->idle ? &pool->idle : &pool->unmade);
    return 0;
}

/* One that was lost is seldom alone: the others are not tried one after the other. */
static void give(struct pool *pool, struct conn *conn)
{
    EIN_LOCKED(&pool->lock);
    push(&pool->idle, conn);
    pool->refused = pool->refused && !conn_lost(conn); /* things have changed */
    while (conn_lost(conn) && pool->idle) {
        struct conn *old = pop(&pool->idle);

        conn_close(old);
        pool->connected--;
        push(&pool->unmade, old);
    }
    pthread_cond_broadcast(&pool->given);
}

/* What came of opening CONN: R, and why.  Whether there are others. */
static bool note_opened(const struct postgres *store, struct conn *conn, int r, const char *why)
{
    struct pool *pool = store->pool;
    bool was_refused, unready, was_unready;

    {
        EIN_LOCKED(&pool->lock);
        was_refused = pool->refused;
        was_unready = pool->unready;
        pool->opening--;
        pool->refused = r < 0;
        pool->refused_until_ms = clock_mono_ms() + REFUSED_MS;
        if (r < 0)
            push(&pool->unmade, conn);
        else
            pool->connected++;
        pool->unready = unready = r < 0 && pool->connected == 0;
        pthread_cond_broadcast(&pool->given);
    }
    if (r < 0 && !was_refused && store->open)
        store->host->log_msg(store->ctx, EIN_ERROR, "%s", why);
    if (r >= 0 && was_refused)
        store->host->log_msg(store->ctx, EIN_INFO, "The database answers again");
    if (unready != was_unready)
        store->host->unready(store->ctx, unready ? unreachable : NULL);
    return !unready;
}

/* 1: there are others to wait for.  Where the database is, and as whom we come, is for the log and
 * for who starts the server. */
static int open_one(const struct postgres *store, struct conn *conn, struct ein_error *err)
{
    struct ein_error why = { 0 };
    int r = store->still
                ? error_set(&why, EIN_E_UNAVAILABLE, "The database has ended the connection")
                : conn_open(conn, &why);

    if (r < 0)
        conn_close(conn);
    bool others = note_opened(store, conn, r, why.text);
    if (r < 0)
        r = others ? 1 : error_set(err, r, "%s", store->open ? unreachable : why.text);
    return r;
}

static int take(struct postgres *store, struct conn **ret_conn, struct ein_error *err)
{
    const struct timespec until = clock_deadline(store->wait_ms);
    struct conn *conn = NULL;
    int r;

    do {
        r = wait_turn(store->pool, &until, &conn, err);
        if (r < 0)
            return r;
        conn->again = false;
        conn->fresh = !conn->pg;
        if (conn->fresh)
            r = open_one(store, conn, err);
    } while (r == 1);
    *ret_conn = conn;
    return r;
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
static bool clean_up(struct conn *conn, struct ein_error *err)
{
    bool again = conn->again;

    if (conn->store->still)
        return false;
    if (conn_lost(conn)) /* it may have been gone since it was last used */
        return !conn->fresh && !conn->committing && !conn->late;
    if (PQtransactionStatus(conn->pg) != PQTRANS_IDLE && conn_script(conn, "ROLLBACK", NULL) < 0)
        return again;
    return again && catalog_load(conn, err) >= 0;
}

int pool_do(struct postgres *store, pool_work *work, void *data, struct ein_error *err)
{
    int64_t until_ms = clock_mono_ms() + store->statement_ms;
    bool again = true;
    int r = 0;

    for (int tries = 0; again && tries < TRIES_MAX && (!tries || clock_mono_ms() < until_ms);
         tries++) {
        struct conn *conn = NULL;

        if (tries > 0)
            pause_before(tries);
        r = take(store, &conn, err);
        if (r < 0)
            return r;
        r = work(conn, data, err);
        again = r < 0 && clean_up(conn, err);
        give(store->pool, conn);
    }
    return r;
}

static int ask(struct conn *conn, void *data, struct ein_error *err)
{
    (void)data;
    return conn_script(conn, "SELECT 1", err);
}

/* A server that is not ready is not asked anything: it has to find out by itself. */
void pool_look(void *data)
{
    struct postgres *store = data;
    bool unready;

    {
        EIN_LOCKED(&store->pool->lock);
        unready = store->pool->unready;
    }
    if (unready)
        (void)pool_do(store, ask, NULL, NULL);
}

/* ---- one moment ---- */

static int begin_reading(struct conn *conn, void *data, struct ein_error *err)
{
    (void)data;
    int r = conn_script(conn,
                        "SET idle_in_transaction_session_timeout TO 0;"
                        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                        err);

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
    struct pool *pool = store->pool;
    EIN_LOCKED(&pool->lock);
    for (struct conn *it = pool->idle->next; it; it = it->next)
        conn_close(it);
    pool->idle->next = pool->unmade = NULL;
    pool->connected = 1;
    return 0;
}
