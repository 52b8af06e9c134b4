/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "catalog.h"
#include "catalog_files.h"
#include "snapshot.h"

struct live;

struct catalog {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    const char *folder; /* of the operator's files; "": there is none */
    struct file_limits limits;

    pthread_mutex_t building; /* held while a snapshot is made */
    json_t *shipped;          /* what the server brings along; const */
    json_t *files;            /* the catalog as files have it; guarded by building */
    json_t *lists;            /* {provider: {id: entry}} of live lists; guarded by building */
    uint64_t print;           /* of the folder, when it was read; guarded by building */
    bool wrong;               /* /readyz has been told of a file; guarded by building */

    pthread_mutex_t lock;
    struct snapshot *current; /* guarded by lock */
    struct live *live;
};

/* For snapshot_drop(). */
struct snapshot *catalog_take(struct catalog *catalog);
/* `entries` is {id: entry}; NULL: this provider lists none. */
int catalog_set_list(struct catalog *catalog, const char *provider, const json_t *entries,
                     struct ein_error *err);
