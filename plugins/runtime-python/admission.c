/* SPDX-License-Identifier: Apache-2.0 */
#include "admission.h"
#include "cleanup.h"
#include "error.h"

#include <string.h>
#include <time.h>

enum { LOOK_MS = 50 /* how often who waits looks whether it is still wanted */ };

struct admission_user {
    struct admission_user *next;
    uint32_t running;
    char name[];
};

void admission_init(struct admission *admission)
{
    *admission = (struct admission){ 0 };
    pthread_mutex_init(&admission->lock, NULL);
    pthread_cond_init(&admission->changed, NULL);
}

void admission_done(struct admission *admission)
{
    pthread_cond_destroy(&admission->changed);
    pthread_mutex_destroy(&admission->lock);
}

void admission_shut(struct admission *admission)
{
    EIN_LOCKED(&admission->lock);

    admission->shut = true;
    pthread_cond_broadcast(&admission->changed);
}

static struct admission_user **find(struct admission *admission, const char *name)
{
    struct admission_user **link = &admission->users;

    while (*link && strcmp((*link)->name, name) != 0)
        link = &(*link)->next;
    return link;
}

static bool has_room(struct admission *admission, const struct limits *limits, const char *name)
{
    const struct admission_user *user = *find(admission, name);

    return admission->running < limits->running &&
           (!user || user->running < limits->running_per_user);
}

static int take_place(struct admission *admission, const char *name, struct ein_error *err)
{
    struct admission_user **link = find(admission, name);

    if (!*link) {
        struct admission_user *user = calloc(1, sizeof(*user) + strlen(name) + 1);
        if (!user)
            return error_set(err, EIN_E_NO_MEMORY, "no memory");
        strcpy(user->name, name);
        *link = user;
    }
    (*link)->running++;
    admission->running++;
    return 0;
}

static void wait_a_little(struct admission *admission)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LOOK_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(&admission->changed, &admission->lock, &until);
}

int admission_enter(struct admission *admission, const struct limits *limits, const char *user,
                    bool (*cancelled)(const void *data), const void *data, struct ein_error *err)
{
    EIN_LOCKED(&admission->lock);
    uint32_t waited_ms = 0;

    if (!has_room(admission, limits, user) && admission->waiting >= limits->queue)
        return error_set(err, EIN_E_BUSY, "too many agents are running (%u, and %u wait)",
                         admission->running, admission->waiting);
    admission->waiting++;
    while (!admission->shut && !cancelled(data) && waited_ms <= limits->queue_ms &&
           !has_room(admission, limits, user)) {
        wait_a_little(admission);
        waited_ms += LOOK_MS;
    }
    admission->waiting--;
    if (admission->shut)
        return error_set(err, EIN_E_UNAVAILABLE, "the agent runtime is stopping");
    if (cancelled(data))
        return error_set(err, EIN_E_CANCELLED, "the run was cancelled before it began");
    if (!has_room(admission, limits, user))
        return error_set(err, EIN_E_BUSY, "too many agents are running (%u)", admission->running);
    return take_place(admission, user, err);
}

void admission_leave(struct admission *admission, const char *user)
{
    EIN_LOCKED(&admission->lock);
    struct admission_user **link = find(admission, user);
    struct admission_user *left = *link;

    admission->running--;
    if (--left->running == 0) {
        *link = left->next;
        free(left);
    }
    pthread_cond_broadcast(&admission->changed);
}
