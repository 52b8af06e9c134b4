/* SPDX-License-Identifier: Apache-2.0 */
/* Idempotency-Key: a request that is sent again gets the answer of the first, and runs nothing. */
#ifndef ONCE_H
#define ONCE_H

#include "deployments.h"
#include <jansson.h>

/* `_id` is a digest of the caller, the deployment and the key; {"inputHash", "until", "version",
 * "outcome": null while it runs}. */
#define ONCE_SET "rest_answers"

enum { ONCE_KEY_MAX = 255, ONCE_ID_SIZE = 65 };

struct once {
    const struct deployments *self;
    char id[ONCE_ID_SIZE], input_hash[ONCE_ID_SIZE], rev[EIN_REV_SIZE];
    const json_t *input, *agent;
};

/* Takes KEY for a call of NAME.  0: it is the caller's, to end with once_end().  1: *ret_answered
 * is what was kept of the first such call.  CONFLICT: that one still runs.  INVALID: it had another
 * input, or this is no key. */
int once_begin(struct once *once, const char *uid, const char *name, const char *key,
               json_t **ret_answered, struct ein_error *err);

/* Keeps OUTCOME, and lets the key go if it is NULL. */
void once_end(struct once *once, const json_t *outcome);

#endif
