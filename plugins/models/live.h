/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "catalog.h"

/* What servers say that list their own models (models() of llm_provider/1), fetched on a thread of
 * its own: no request waits for it.  A list that cannot be had stays as it was. */
struct live;

int live_new(struct catalog *catalog, const json_t *config, struct live **ret_live,
             struct ein_error *err);
int live_start(struct live *live, struct ein_error *err);
void live_stop(struct live *live); /* returns at once */
void live_free(struct live *live); /* waits for the thread; NULL is fine */
