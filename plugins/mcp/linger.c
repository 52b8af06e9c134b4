/* SPDX-License-Identifier: Apache-2.0 */
#include "linger.h"

#include "clock.h"

struct linger {
    struct mcp *mcp;
    struct ein_cancel *cancel; /* the caller's own until linger_end() */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned users; /* guarded by lock */
    bool over;      /* likewise: `cancel` is no more */
};

struct linger *linger_new(struct mcp *mcp, struct ein_cancel *parent)
{
    struct linger *linger = calloc(1, sizeof(*linger));

    if (!linger)
        return NULL;
    linger->mcp = mcp;
    linger->users = 1;
    linger->cancel = mcp->host->cancel->make(mcp->ctx, parent);
    if (!linger->cancel) {
        free(linger);
        return NULL;
    }
    (void)pthread_mutex_init(&linger->lock, NULL);
    (void)pthread_cond_init(&linger->changed, NULL);
    return linger;
}

struct ein_cancel *linger_cancel(const struct linger *linger)
{
    return linger->cancel;
}

static void leave(void *data)
{
    struct linger *linger = data;
    bool last;

    {
        EIN_LOCKED(&linger->lock);
        last = --linger->users == 0;
    }
    if (!last)
        return;
    (void)pthread_cond_destroy(&linger->changed);
    (void)pthread_mutex_destroy(&linger->lock);
    free(linger);
}

static void wait_and_fire(void *data)
{
    struct linger *linger = data;
    struct timespec until = clock_deadline(linger->mcp->linger_ms);
    int r = 0;

    EIN_LOCKED(&linger->lock);
    while (!linger->over && r == 0)
        r = pthread_cond_clockwait(&linger->changed, &linger->lock, CLOCK_MONOTONIC, &until);
    if (!linger->over)
        linger->mcp->host->cancel->fire(linger->cancel);
}

bool linger_begin(struct linger *linger)
{
    if (!linger || linger->mcp->linger_ms == 0)
        return false;
    {
        EIN_LOCKED(&linger->lock);
        linger->users++;
    }
    return linger->mcp->host->submit(linger->mcp->ctx, wait_and_fire, leave, linger) >= 0;
}

void linger_end(struct linger *linger)
{
    if (!linger)
        return;
    {
        EIN_LOCKED(&linger->lock);
        linger->over = true;
        (void)pthread_cond_signal(&linger->changed);
    }
    linger->mcp->host->cancel->drop(linger->cancel);
    leave(linger);
}
