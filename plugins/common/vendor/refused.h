/* SPDX-License-Identifier: Apache-2.0 */
/* What a vendor does not do for an account, which need not be asked of it in every call.  Any
 * thread.  It is kept for a while only, as people prove who they are, and servers become newer. */
#pragma once

#include "schemas.h"

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>

enum { REFUSED_MAX = 256 }; /* things that are kept; one more may take the place of another */

/* The setting that says for how long, a member of a config_schema's "properties". */
/* clang-format off */
#define REFUSED_SETTING(description_) SCHEMA(                                                       \
    "refused_s" : { "type" : "integer", "minimum" : 0, "maximum" : 86400, "default" : 600, "description" : description_ })
/* clang-format on */

struct refused;

int refused_new(const json_t *config, struct refused **ret_refused, struct ein_error *err);
void refused_free(struct refused *refused);

/* KEY may be NULL. */
void refused_add(struct refused *refused, const char *key, const char *model, const char *what);
bool refused_has(struct refused *refused, const char *key, const char *model, const char *what);
