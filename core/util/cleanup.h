/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* What a function borrows from itself is released when it returns.  errno survives. */

static inline void cleanup_free(void *p)
{
    int saved = errno;

    free(*(void **)p);
    errno = saved;
}

static inline void cleanup_json(json_t **p)
{
    json_decref(*p);
}

static inline void cleanup_close(const int *p)
{
    int saved = errno;

    if (*p >= 0)
        (void)close(*p);
    errno = saved;
}

static inline void cleanup_unlock(pthread_mutex_t **p)
{
    if (*p)
        (void)pthread_mutex_unlock(*p);
}

static inline pthread_mutex_t *cleanup_lock(pthread_mutex_t *mutex)
{
    (void)pthread_mutex_lock(mutex);
    return mutex;
}

#define EIN_FREE  __attribute__((cleanup(cleanup_free)))
#define EIN_JSON  __attribute__((cleanup(cleanup_json)))
#define EIN_CLOSE __attribute__((cleanup(cleanup_close)))

/* Hands a borrowed pointer on: the cleanup finds NULL. */
#define EIN_TAKE(p)                                                                                \
    __extension__({                                                                                \
        __typeof__(p) taken_ = p;                                                                  \
        (p) = NULL;                                                                                \
        taken_;                                                                                    \
    })

#define EIN_JOIN_(a, b) a##b
#define EIN_JOIN(a, b)  EIN_JOIN_(a, b)

/* Holds MUTEX until the end of the scope. */
#define EIN_LOCKED(mutex)                                                                          \
    __attribute__((cleanup(cleanup_unlock), unused)) pthread_mutex_t *EIN_JOIN(                    \
        locked_, __LINE__) = cleanup_lock(mutex)
