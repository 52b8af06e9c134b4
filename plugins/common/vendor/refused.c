/* SPDX-License-Identifier: Apache-2.0 */
#include "refused.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "hash.h"
#include "member.h"

#include <string.h>
#include <sys/random.h>

struct refused {
    pthread_mutex_t lock;
    struct hash_seed seed;
    int64_t for_ms;
    bool any;     /* atomic; hardly anybody is refused anything, and a call asks twice */
    struct slot { /* guarded by lock */
        uint64_t id;
        int64_t until_ms;
    } slots[REFUSED_MAX];
};

int refused_new(const json_t *config, struct refused **ret_refused, struct ein_error *err)
{
    struct refused *refused = calloc(1, sizeof(*refused));

    if (!refused)
        return error_no_memory(err);
    if (getrandom(&refused->seed, sizeof(refused->seed), 0) != sizeof(refused->seed)) {
        free(refused);
        return error_set(err, EIN_E_INTERNAL, "no random numbers");
    }
    (void)pthread_mutex_init(&refused->lock, NULL);
    refused->for_ms = 1000 * integer_of(config, "refused_s");
    *ret_refused = refused;
    return 0;
}

void refused_free(struct refused *refused)
{
    if (!refused)
        return;
    (void)pthread_mutex_destroy(&refused->lock);
    free(refused);
}

/* The key itself is not kept. */
static uint64_t id_of(const struct refused *refused, const char *key, const char *model,
                      const char *what)
{
    const char *const texts[] = { key ? key : "", model ? model : "", what };
    uint64_t hashes[3];

    for (size_t i = 0; i < 3; i++)
        hashes[i] = hash_sip(&refused->seed, texts[i], strlen(texts[i]));
    return hash_sip(&refused->seed, hashes, sizeof(hashes));
}

void refused_add(struct refused *refused, const char *key, const char *model, const char *what)
{
    uint64_t id = id_of(refused, key, model, what);
    EIN_LOCKED(&refused->lock);

    refused->slots[id % REFUSED_MAX] = (struct slot){ id, clock_mono_ms() + refused->for_ms };
    __atomic_store_n(&refused->any, true, __ATOMIC_RELAXED);
}

bool refused_has(struct refused *refused, const char *key, const char *model, const char *what)
{
    if (!__atomic_load_n(&refused->any, __ATOMIC_RELAXED))
        return false;

    uint64_t id = id_of(refused, key, model, what);
    const struct slot *slot = &refused->slots[id % REFUSED_MAX];
    EIN_LOCKED(&refused->lock);

    return slot->id == id && slot->until_ms > clock_mono_ms();
}
