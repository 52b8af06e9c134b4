/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <pthread.h>

/* A lock whose writers are let in although readers follow each other without a gap.  A reader
 * does not take it twice. */
static inline void rwlock_init(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attributes;

    (void)pthread_rwlockattr_init(&attributes);
    (void)pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    (void)pthread_rwlock_init(lock, &attributes);
    (void)pthread_rwlockattr_destroy(&attributes);
}
