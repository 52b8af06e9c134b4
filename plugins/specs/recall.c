/* SPDX-License-Identifier: Apache-2.0 */
#include "recall.h"

#include "cleanup.h"

#include <einion/plugin.h>
#include <string.h>
#include <sys/random.h>

int recall_init(struct recall *recall, size_t count_max, size_t bytes_max)
{
    *recall = (struct recall){ .count_max = count_max, .bytes_max = bytes_max };
    (void)pthread_mutex_init(&recall->lock, NULL);
    if (getrandom(&recall->seed, sizeof(recall->seed), 0) != sizeof(recall->seed))
        return EIN_E_INTERNAL;
    recall->items = calloc(count_max + 1, sizeof(*recall->items));
    return recall->items ? 0 : EIN_E_NO_MEMORY;
}

static void forget(struct recalled *item)
{
    free(item->text);
    json_decref(item->spec);
}

void recall_done(struct recall *recall)
{
    for (size_t i = 0; i < recall->count; i++)
        forget(&recall->items[i]);
    free(recall->items);
    (void)pthread_mutex_destroy(&recall->lock);
}

/* With the lock. */
static struct recalled *find(const struct recall *recall, uint64_t hash, const char *text,
                             size_t len)
{
    for (size_t i = 0; i < recall->count; i++) {
        struct recalled *item = &recall->items[i];

        if (item->hash == hash && item->len == len && memcmp(item->text, text, len) == 0)
            return item;
    }
    return NULL;
}

json_t *recall_get(struct recall *recall, const char *text, size_t len)
{
    uint64_t hash = hash_sip(&recall->seed, text, len);
    EIN_LOCKED(&recall->lock);
    struct recalled *item = find(recall, hash, text, len);

    if (!item)
        return NULL;
    item->used = ++recall->uses;
    return json_incref(item->spec);
}

/* With the lock: makes room for one of so many bytes. */
static void make_room(struct recall *recall, size_t bytes)
{
    while (recall->count > 0 &&
           (recall->count >= recall->count_max || recall->bytes + bytes > recall->bytes_max)) {
        struct recalled *oldest = recall->items;

        for (size_t i = 1; i < recall->count; i++) {
            if (recall->items[i].used < oldest->used)
                oldest = &recall->items[i];
        }
        recall->bytes -= oldest->bytes;
        forget(oldest);
        *oldest = recall->items[--recall->count];
    }
}

void recall_put(struct recall *recall, const char *text, size_t len, json_t *spec, size_t bytes)
{
    struct recalled item = { .len = len, .bytes = bytes };

    if (recall->count_max == 0 || bytes > recall->bytes_max)
        return;
    item.text = malloc(len + 1);
    if (!item.text)
        return;
    memcpy(item.text, text, len);
    item.hash = hash_sip(&recall->seed, text, len);

    EIN_LOCKED(&recall->lock);
    if (find(recall, item.hash, text, len)) { /* another thread was as slow */
        free(item.text);
        return;
    }
    make_room(recall, bytes);
    item.used = ++recall->uses;
    item.spec = json_incref(spec);
    recall->items[recall->count++] = item;
    recall->bytes += bytes;
}
