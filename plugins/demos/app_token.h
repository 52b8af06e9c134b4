/* SPDX-License-Identifier: Apache-2.0 */
/* What the page of a demo calls with: it acts as whoever has opened the page, and opens the APIs of
 * that demo and nothing else. */
#pragma once

#include "bearer.h"
#include "demos.h"
#include "token.h"
#include <jansson.h>

/* `_id` is the token's hash; {"demoId", "apis": [names], "userId", "claims", "expires": ms}. */
#define APP_TOKEN_SET "demo_tokens"

enum { APP_TOKEN_SIZE = sizeof(DEMO_TOKEN_PREFIX) - 1 + TOKEN_SIZE };

/* A new token for the caller of REQ and for DEMO; it ends at *ret_expires, ms since the epoch. */
int app_token_make(const struct demos *demos, const struct ein_req *req, const json_t *demo,
                   char ret_token[APP_TOKEN_SIZE], int64_t *ret_expires, struct ein_error *err);

/* The names of what DEMO selects, each once.  NULL: no memory. */
json_t *app_api_names(const json_t *demo);

void app_token_sweep(void *demos); /* those that have ended */

extern const struct ein_auth_provider app_token_provider; /* its impl is the plugin's */
