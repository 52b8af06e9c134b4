/* SPDX-License-Identifier: Apache-2.0 */
/* What one user may call. */
#pragma once

#include "snapshot.h"

#include <einion/services.h>

#define DEPLOYED "gofannon" /* the llm_provider/1 whose models are deployed agents */

/* May the user call this provider?  It is there, and there is a key where it needs one. */
bool shown_may(const struct catalog *catalog, const char *user_id, const struct provider *provider);
/* The providers of the snapshot that the user may call: bit i is provider i. */
uint64_t shown_mask(const struct catalog *catalog, const struct snapshot *snapshot,
                    const char *user_id);
/* {"models": {name: entry}} of the deployed agents that the user may call; NULL: none are.  NAME:
 * only this one is asked for, others may be there; NULL: all are. */
int shown_deployed(const struct catalog *catalog, const char *user_id, const json_t *visible,
                   const char *name, json_t **ret_provider, struct ein_error *err);
