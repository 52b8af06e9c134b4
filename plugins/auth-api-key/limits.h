/* SPDX-License-Identifier: Apache-2.0 */
/* What a single key may: models, a budget, rates. */
#pragma once

#include "api_keys.h"

/* What BODY says of them, as members of the key's document: null takes away. */
int limits_read(const json_t *body, json_t *members, struct ein_error *err);
/* As api_keys/1 has them; *ret_limits is NULL where KEY has none. */
int limits_of(const json_t *key, json_t **ret_limits, struct ein_error *err);
/* As its owner is shown them, into *shown. */
int limits_show(const struct api_keys *self, const json_t *key, json_t *shown,
                struct ein_error *err);

extern const struct ein_api_keys limits_service;
