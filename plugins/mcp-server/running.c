/* SPDX-License-Identifier: Apache-2.0 */
#include "running.h"

#include "cleanup.h"
#include "error.h"

#include <string.h>

void running_init(struct running *running, const struct ein_host *host)
{
    running->host = host;
    (void)pthread_mutex_init(&running->lock, NULL);
}

void running_done(struct running *running)
{
    (void)pthread_mutex_destroy(&running->lock);
}

int running_enter(struct running *running, struct ein_ctx *ctx, struct running_call *call,
                  struct ein_error *err)
{
    const struct ein_cancels *cancels = running->host->cancel;

    call->cancel = cancels->make(ctx, NULL);
    if (!call->cancel)
        return error_no_memory(err);
    EIN_LOCKED(&running->lock);
    if (running->stopping) {
        cancels->drop(EIN_TAKE(call->cancel));
        return error_set(err, EIN_E_UNAVAILABLE, "The server is stopping.");
    }
    call->next = running->first;
    running->first = call;
    return 0;
}

void running_leave(struct running *running, struct running_call *call)
{
    struct running_call **at = &running->first;
    EIN_LOCKED(&running->lock);

    while (*at && *at != call)
        at = &(*at)->next;
    if (*at)
        *at = call->next;
    running->host->cancel->drop(call->cancel);
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

void running_cancel(struct running *running, const char *uid, const char *session, const json_t *id)
{
    EIN_LOCKED(&running->lock);

    for (struct running_call *call = running->first; call; call = call->next) {
        if (strcmp(call->uid, uid) == 0 && is_same(call->session, session) &&
            (!id || json_equal(call->id, id)))
            running->host->cancel->fire(call->cancel);
    }
}

bool running_any(struct running *running)
{
    EIN_LOCKED(&running->lock);

    return running->first != NULL;
}

void running_sweep(struct running *running)
{
    const struct ein_cancels *cancels = running->host->cancel;
    EIN_LOCKED(&running->lock);

    for (struct running_call *call = running->first; call; call = call->next) {
        if (cancels->fired(call->left))
            cancels->fire(call->cancel);
    }
}

void running_stop(struct running *running)
{
    EIN_LOCKED(&running->lock);

    running->stopping = true;
    for (struct running_call *call = running->first; call; call = call->next)
        running->host->cancel->fire(call->cancel);
}
