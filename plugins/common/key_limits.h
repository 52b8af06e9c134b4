/* SPDX-License-Identifier: Apache-2.0 */
/* What the key that a call comes from may, by api_keys/1. */
#pragma once

#include <einion/services.h>
#include <jansson.h>
#include <stdbool.h>

/* *ret_limits is NULL where KEY_ID (may be NULL) has none, or nobody knows it. */
int key_limits_of(const struct ein_host *host, struct ein_ctx *ctx, const char *key_id,
                  json_t **ret_limits, struct ein_error *err);
/* LIMITS may be NULL. */
bool key_limits_allow(const json_t *limits, const char *provider, const char *model);
