/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this plugin share. */
#pragma once

#include "list.h"
#include "map.h"

#include <einion/plugin.h>
#include <jansson.h>
#include <pthread.h>
#include <stddef.h>

struct site {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    char *folder, *index, *policy; /* settings; policy "": none is sent */
    json_t *reserved, *immutable;  /* arrays of paths */
    size_t file_max, cached_file_max, cache_max, compress_min;
    struct ein_route *routes;

    pthread_mutex_t lock;
    struct map files;   /* guarded by lock, as is all below; path -> struct site_file */
    struct list by_use; /* the one used longest ago first */
    size_t cached;      /* bytes */
};

/* The routes of the pages and files; freed by pages_free(). */
int pages_add(struct site *site, const json_t *pages, struct ein_error *err);
void pages_free(struct site *site);

/* Handlers: of a page that the API has a route for, too, and of all that nobody has a route for. */
int site_page(struct ein_req *req, void *self);
int site_rest(struct ein_req *req, void *self);
