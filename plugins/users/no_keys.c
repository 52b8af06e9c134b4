/* SPDX-License-Identifier: Apache-2.0 */
#include "no_keys.h"

#include "cleanup.h"
#include "clock.h"
#include "hash.h"
#include "model_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 256 }; /* two names that want the same one take turns */

struct slot {
    char name[MODEL_KEY_NAME_SIZE];
    int64_t until_ms;
    uint64_t ticket;
};

struct no_keys {
    uint32_t ms;
    pthread_mutex_t lock;
    uint64_t ticket;          /* guarded by lock; another one each time that all is forgotten */
    struct slot slots[SLOTS]; /* guarded by lock */
};

struct no_keys *no_keys_new(uint32_t ms)
{
    struct no_keys *no_keys = calloc(1, sizeof(*no_keys));

    if (!no_keys)
        return NULL;
    no_keys->ms = ms;
    (void)pthread_mutex_init(&no_keys->lock, NULL);
    return no_keys;
}

void no_keys_free(struct no_keys *no_keys)
{
    if (!no_keys)
        return;
    (void)pthread_mutex_destroy(&no_keys->lock);
    free(no_keys);
}

static struct slot *slot_of(struct no_keys *no_keys, const char *name)
{
    return &no_keys->slots[hash_fnv(HASH_FNV_START, name, strlen(name)) % SLOTS];
}

bool no_keys_has(struct no_keys *no_keys, const char *name, uint64_t *ret_ticket)
{
    const struct slot *slot = slot_of(no_keys, name);
    int64_t now = clock_mono_ms();
    EIN_LOCKED(&no_keys->lock);

    *ret_ticket = no_keys->ticket;
    return slot->ticket == no_keys->ticket && now < slot->until_ms && strcmp(slot->name, name) == 0;
}

void no_keys_put(struct no_keys *no_keys, const char *name, uint64_t ticket)
{
    struct slot *slot = slot_of(no_keys, name);
    int64_t until_ms = clock_mono_ms() + no_keys->ms;
    EIN_LOCKED(&no_keys->lock);

    (void)snprintf(slot->name, sizeof(slot->name), "%s", name);
    slot->until_ms = until_ms;
    slot->ticket = ticket;
}

void no_keys_forget(struct no_keys *no_keys)
{
    EIN_LOCKED(&no_keys->lock);

    no_keys->ticket++;
}
