/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "catalog.h"
#include "completion.h"
#include "member.h"

#include <einion/services.h>
#include <jansson.h>

/* One instance of the plugin; const after start, but for what its parts guard themselves. */
struct models {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    struct catalog *catalog;
    uint32_t watch_ms;
    struct completion completion;
};

/* The routes. */
ein_handler providers_get, providers_get_one, providers_get_models, providers_get_model;

/* completion/1: what the user may call, as `find` and `catalog` of struct ein_completion. */
int models_find(void *impl, const char *user_id, const char *model, const json_t *visible,
                json_t **ret_found, struct ein_error *err);
int models_catalog(void *impl, const char *user_id, const json_t *visible, json_t **ret_catalog,
                   struct ein_error *err);
