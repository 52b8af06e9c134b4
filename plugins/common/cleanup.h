/* SPDX-License-Identifier: Apache-2.0 */
/* What a function borrows is released when it returns, unless it is taken. */
#ifndef PLUGIN_CLEANUP_H
#define PLUGIN_CLEANUP_H

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *pointer)
{
    free(*(void **)pointer);
}

static inline void cleanup_json(json_t **json)
{
    json_decref(*json);
}

static inline void cleanup_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void cleanup_unlock(pthread_mutex_t **lock)
{
    pthread_mutex_unlock(*lock);
}

#define EIN_FREE  __attribute__((cleanup(cleanup_free)))
#define EIN_JSON  __attribute__((cleanup(cleanup_json)))
#define EIN_CLOSE __attribute__((cleanup(cleanup_close)))

/* Holds `mutex` until the end of the block. */
#define EIN_LOCK(mutex)                                                                            \
    __attribute__((cleanup(cleanup_unlock), unused)) pthread_mutex_t *ein_locked = (mutex);        \
    pthread_mutex_lock(ein_locked)

/* The value of `variable`, which is left empty: what it held is now the caller's. */
#define EIN_TAKE(variable)                                                                         \
    __extension__({                                                                                \
        __typeof__(variable) *ein_from = &(variable);                                              \
        __typeof__(variable) ein_taken = *ein_from;                                                \
        *ein_from = NULL;                                                                          \
        ein_taken;                                                                                 \
    })

#endif
