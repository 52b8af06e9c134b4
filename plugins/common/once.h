/* SPDX-License-Identifier: Apache-2.0 */
/* Idempotency-Key: a request that is sent again gets the answer of the first, and does nothing. */
#ifndef ONCE_H
#define ONCE_H

#include <einion/plugin.h>
#include <jansson.h>
#include <stdint.h>

enum { ONCE_KEY_MAX = 255, ONCE_ID_SIZE = 65 };

/* Of one plugin. */
struct once_rules {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    /* Where answers are kept: `_id` is a digest of the caller, what is called and the key;
     * {"inputHash", "until", "outcome": null while the first goes on}.  Indexed by "until". */
    const char *set;
    int64_t kept_ms, running_ms; /* an answer; a key of which no end was heard */
};

struct once {
    const struct once_rules *rules;
    const json_t *input; /* what the request asks for */
    const json_t *more;  /* members that are kept beside the outcome; may be NULL */
    char id[ONCE_ID_SIZE], input_hash[ONCE_ID_SIZE], rev[EIN_REV_SIZE];
};

/* Takes KEY for a call of NAME.  0: it is the caller's, to end with once_end().  1: *ret_answered
 * is what was kept of the first such call.  CONFLICT: that one goes on.  INVALID: it had another
 * input, or this is no key. */
int once_begin(struct once *once, const char *uid, const char *name, const char *key,
               json_t **ret_answered, struct ein_error *err);

/* Keeps OUTCOME, and lets the key go if it is NULL. */
void once_end(struct once *once, const json_t *outcome);

/* The answer is an earlier one. */
int once_tell(const struct ein_http *http, struct ein_req *req);

#endif
