/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/services.h>
#include <jansson.h>
#include <stdbool.h>

struct retry { /* settings */
    uint32_t retries;
    uint32_t base_ms, max_ms; /* of our own pauses, doubled each time */
    uint32_t after_max_ms;    /* of a vendor's: who wants more is not asked again */
};

void retry_read(const json_t *config, struct retry *ret_retry);

/* Would the same again have a chance, by what the vendor documents? */
bool retry_helps(const char *provider, const struct ein_llm_outcome *outcome);
/* How long to wait before attempt number `attempt` (1: the first repetition). */
uint32_t retry_pause_ms(const struct retry *retry, uint32_t attempt, uint32_t asked_ms,
                        double random);
