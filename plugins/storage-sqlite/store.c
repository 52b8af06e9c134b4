/* SPDX-License-Identifier: Apache-2.0 */
/* The open store: its parts, in the order in which they need each other. */
#include "sqlite.h"

#include "cache.h"
#include "catalog.h"
#include "error.h"
#include "readers.h"
#include "reserve.h"
#include "writer.h"

#include <string.h>

void sqlite_close(struct sqlite *store)
{
    store->open = store->looking = false;
    readers_free(store->readers);
    writer_free(store->writer); /* the last connection: it leaves one file */
    reserve_free(store->reserve);
    cache_free(store->cache);
    catalog_free(store->catalog);
    file_disown(store);
    store->readers = NULL;
    store->writer = NULL;
    store->reserve = NULL;
    store->cache = NULL;
    store->catalog = NULL;
}

static int open_parts(struct sqlite *store, struct ein_error *err)
{
    struct db *db;
    int r = file_own(store, err);

    if (r < 0)
        return r;
    store->catalog = catalog_new();
    store->cache = cache_new(store->cache_bytes);
    store->readers = readers_new(store, store->reader_count);
    if (!store->catalog || !store->cache || !store->readers)
        return error_no_memory(err);
    r = reserve_new(store, &store->reserve, err);
    if (r >= 0)
        r = file_open(store, &db, err);
    return r < 0 ? r : writer_new(store, db, &store->writer, err);
}

/* Without possession of the file, and so without a memory of what was in it. */
static int look_parts(struct sqlite *store, struct ein_error *err)
{
    EIN_JSON json_t *sets = NULL;
    struct db *db;
    int r = file_look(store, &db, err);

    if (r < 0)
        return r;
    r = catalog_read(db, &sets, err);
    db_close(db);
    if (r < 0)
        return r;
    store->path = strdup(store->wanted_path);
    store->catalog = catalog_new();
    store->cache = cache_new(0);
    store->readers = store->path ? readers_new(store, store->reader_count) : NULL;
    if (!store->catalog || !store->cache || !store->readers)
        return error_no_memory(err);
    catalog_publish(store->catalog, sets);
    store->looking = true;
    return 0;
}

int sqlite_check_readable(struct sqlite *store, struct ein_error *err)
{
    if (store->open)
        return 0;
    EIN_LOCKED(&store->look_lock);
    if (store->looking)
        return 0;
    int r = look_parts(store, err);
    if (r < 0)
        sqlite_close(store);
    return r;
}

int sqlite_open(struct sqlite *store, struct ein_error *err)
{
    sqlite_close(store); /* what was opened to look */
    int r = open_parts(store, err);

    if (r < 0) {
        sqlite_close(store);
        return r;
    }
    store->open = true;
    return 0;
}

static const char damaged[] = "The store is damaged";

void sqlite_note_damage(struct sqlite *store)
{
    if (atomic_exchange(&store->damaged, true))
        return;
    store->host->log_msg(store->ctx, EIN_ERROR,
                         "%s is damaged: stop the server and restore a backup", store->path);
    store->host->unready(store->ctx, damaged);
}

void sqlite_say_well(struct sqlite *store)
{
    store->host->unready(store->ctx, atomic_load(&store->damaged) ? damaged : NULL);
}

int sqlite_check_open(const struct sqlite *store, struct ein_error *err)
{
    return store->open ? 0 : error_set(err, EIN_E_UNAVAILABLE, "The store is not open");
}

/* A transaction that only reads has one snapshot, from its first read on. */
int sqlite_stand_still(void *impl, struct ein_error *err)
{
    struct sqlite *store = impl;
    struct db *db;
    int64_t version;
    int r = store->open ? 0 : sqlite_check_readable(store, err);

    if (r < 0 || store->open) /* nobody else writes */
        return r;
    r = readers_take(store->readers, &db, err);
    if (r < 0)
        return r;
    r = db_run(db, "BEGIN", err);
    if (r >= 0)
        r = db_read_number(db, "PRAGMA user_version", &version, err);
    readers_give_only(store->readers, db);
    return r < 0 ? r : 0;
}
