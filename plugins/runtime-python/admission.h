/* SPDX-License-Identifier: Apache-2.0 */
/* How many runs at a time, in all and of one user; the rest wait, some are refused. */
#ifndef RUNTIME_ADMISSION_H
#define RUNTIME_ADMISSION_H

#include "settings.h"

#include <pthread.h>
#include <stdbool.h>

struct admission_user;

struct admission {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* guarded by lock */
    struct admission_user *users;
    uint32_t running, waiting;
    bool shut;
};

void admission_init(struct admission *admission);
void admission_done(struct admission *admission);
/* From now on everybody is refused, also those who wait. */
void admission_shut(struct admission *admission);

/* BUSY, CANCELLED (when `cancelled` says so) or UNAVAILABLE. */
int admission_enter(struct admission *admission, const struct limits *limits, const char *user,
                    bool (*cancelled)(const void *data), const void *data, struct ein_error *err);
void admission_leave(struct admission *admission, const char *user);

#endif
