/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "map.h"

#include <einion/services.h>
#include <jansson.h>
#include <pthread.h>

#define QUOTA_SET "disk_quotas" /* `_id` is the owner; {"maxMib"}: another than the setting */

/* One instance of the plugin. */
struct quota {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    int64_t max_mib, recount_ms; /* the settings */
    pthread_mutex_t lock;
    struct map owners; /* guarded by lock; who has written or asked since the start, for ever */
};

/* What an owner keeps. */
struct kept {
    int64_t bytes;     /* when it was counted, and what has been taken and given back since */
    int64_t max_bytes; /* 0: as much as they like */
    json_t *sets;      /* {set: bytes} when it was counted */
};

int quota_new(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
              struct quota **ret_quota, struct ein_error *err);
void quota_free(void *quota);

/* json_decref() of its sets. */
int quota_kept(struct quota *quota, const char *owner, struct kept *ret_kept,
               struct ein_error *err);
/* What OWNER may keep from now on; NULL: the setting again. */
int quota_set(struct quota *quota, const char *owner, const json_t *max_mib, struct ein_error *err);

extern const struct ein_disk_quota quota_service;

ein_handler quota_get, quota_put;
