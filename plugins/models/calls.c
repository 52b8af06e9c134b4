/* SPDX-License-Identifier: Apache-2.0 */
#include "calls.h"

#include "cleanup.h"
#include "error.h"

void calls_init(struct calls *calls, const struct ein_host *host, struct ein_ctx *ctx)
{
    calls->host = host;
    calls->ctx = ctx;
    calls->stopping = false;
    calls->head.next = calls->head.prev = &calls->head;
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
    running->prev = calls->head.prev;
    running->next = &calls->head;
    calls->head.prev->next = running;
    calls->head.prev = running;
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
    running->prev->next = running->next;
    running->next->prev = running->prev;
    (void)pthread_mutex_unlock(&calls->lock);
    calls->host->cancel->drop(running->cancel);
    running->cancel = NULL;
}

void calls_stop(struct calls *calls)
{
    EIN_LOCKED(&calls->lock);
    calls->stopping = true;
    for (struct running *it = calls->head.next; it != &calls->head; it = it->next)
        calls->host->cancel->fire(it->cancel);
}

bool calls_stopping(struct calls *calls)
{
    EIN_LOCKED(&calls->lock);
    return calls->stopping;
}
