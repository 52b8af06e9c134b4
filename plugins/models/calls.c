/* SPDX-License-Identifier: Apache-2.0 */
#include "calls.h"

#include "cleanup.h"
#include "error.h"

void calls_init(struct calls *calls, const struct ein_host *host, struct ein_ctx *ctx)
{
    calls->host = host;
    calls->ctx = ctx;
    calls->stopping = false;
    list_init(&calls->running);
    (void)pthread_mutex_init(&calls->lock, NULL);
}

void calls_done(struct calls *calls)
{
    (void)pthread_mutex_destroy(&calls->lock);
}

static bool enlist(struct calls *calls, struct running *running)
{
    EIN_LOCKED(&calls->lock);
    if (calls->stopping)
        return false;
    list_append(&calls->running, &running->link);
    return true;
}

int calls_enter(struct calls *calls, struct running *running, struct ein_cancel *parent,
                struct ein_error *err)
{
    running->cancel = calls->host->cancel->make(calls->ctx, parent);
    if (!running->cancel)
        return error_no_memory(err);
    if (enlist(calls, running))
        return 0;
    calls->host->cancel->drop(running->cancel);
    running->cancel = NULL;
    return error_set(err, EIN_E_UNAVAILABLE, "The models are being taken away");
}

void calls_leave(struct calls *calls, struct running *running)
{
    if (!running->cancel)
        return;
    (void)pthread_mutex_lock(&calls->lock);
    list_remove(&running->link);
    (void)pthread_mutex_unlock(&calls->lock);
    calls->host->cancel->drop(running->cancel);
    running->cancel = NULL;
}

void calls_stop(struct calls *calls)
{
    EIN_LOCKED(&calls->lock);
    calls->stopping = true;
    list_each(it, &calls->running)
        calls->host->cancel->fire(list_entry(it, struct running, link)->cancel);
}

bool calls_stopping(struct calls *calls)
{
    EIN_LOCKED(&calls->lock);
    return calls->stopping;
}
