/* SPDX-License-Identifier: Apache-2.0 */
#include "readers.h"

struct readers {
    struct sqlite *store;
    pthread_mutex_t lock;
    pthread_cond_t freed;
    int idle_count; /* guarded by lock */
    int to_open;    /* guarded by lock */
    struct db *idle[];
};

struct readers *readers_new(struct sqlite *store, int count)
{
    struct readers *readers = calloc(1, sizeof(*readers) + (size_t)count * sizeof(struct db *));

    if (!readers)
        return NULL;
    readers->store = store;
    readers->to_open = count;
    pthread_mutex_init(&readers->lock, NULL);
    pthread_cond_init(&readers->freed, NULL);
    return readers;
}

void readers_free(struct readers *readers)
{
    if (!readers)
        return;
    for (int i = 0; i < readers->idle_count; i++)
        db_close(readers->idle[i]);
    pthread_cond_destroy(&readers->freed);
    pthread_mutex_destroy(&readers->lock);
    free(readers);
}

static struct db *wait_for_one(struct readers *readers)
{
    EIN_LOCKED(&readers->lock);
    while (!readers->idle_count && !readers->to_open)
        pthread_cond_wait(&readers->freed, &readers->lock);
    if (readers->idle_count)
        return readers->idle[--readers->idle_count];
    readers->to_open--;
    return NULL;
}

static void give_back_chance(struct readers *readers)
{
    EIN_LOCKED(&readers->lock);
    readers->to_open++;
    pthread_cond_signal(&readers->freed);
}

int readers_take(struct readers *readers, struct db **ret_db, struct ein_error *err)
{
    struct db *db = wait_for_one(readers);

    if (!db) {
        int r = db_open(readers->store->path, SQLITE_OPEN_READONLY, &db, err);
        if (r < 0) {
            give_back_chance(readers);
            return r;
        }
    }
    *ret_db = db;
    return 0;
}

void readers_give(struct readers *readers, struct db *db)
{
    if (db->damaged)
        sqlite_note_damage(readers->store);
    EIN_LOCKED(&readers->lock);
    readers->idle[readers->idle_count++] = db;
    pthread_cond_signal(&readers->freed);
}

void readers_give_only(struct readers *readers, struct db *db)
{
    EIN_LOCKED(&readers->lock);
    while (readers->idle_count)
        db_close(readers->idle[--readers->idle_count]);
    readers->to_open = 0;
    readers->idle[readers->idle_count++] = db;
}
