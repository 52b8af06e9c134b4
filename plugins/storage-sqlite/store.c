/* SPDX-License-Identifier: Apache-2.0 */
/* The open store: its parts, in the order in which they need each other. */
#include "sqlite.h"

#include "cache.h"
#include "catalog.h"
#include "document.h"
#include "error.h"
#include "readers.h"
#include "writer.h"

void sqlite_close(struct sqlite *store)
{
    store->open = false;
    readers_free(store->readers);
    writer_free(store->writer); /* the last connection: it leaves one file */
    cache_free(store->cache);
    catalog_free(store->catalog);
    file_disown(store);
    store->readers = NULL;
    store->writer = NULL;
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
    store->readers = readers_new(store->path, store->reader_count);
    if (!store->catalog || !store->cache || !store->readers)
        return doc_no_memory(err);
    r = file_open(store, &db, err);
    return r < 0 ? r : writer_new(store, db, &store->writer, err);
}

int sqlite_open(struct sqlite *store, struct ein_error *err)
{
    int r = open_parts(store, err);

    if (r < 0) {
        sqlite_close(store);
        return r;
    }
    store->open = true;
    return 0;
}

int sqlite_check_open(const struct sqlite *store, struct ein_error *err)
{
    return store->open ? 0 : error_set(err, EIN_E_UNAVAILABLE, "The store is not open");
}
