/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and tokens a minute, of a user, a key and a model.  Each is a bucket that holds a
 * minute's worth and fills up evenly.  This server's own: several servers each have theirs. */
#pragma once

#include <einion/services.h>
#include <jansson.h>
#include <stdbool.h>

enum { LIMITS_KEPT_MAX = 100000 }; /* users, keys and models at once */

struct limits;

/* What a call counts against; a NULL is not looked at. */
struct limits_who {
    const char *user_id, *key_id;
    const char *provider, *model; /* both or none */
    const json_t *key_rates;      /* {"requests"?, "tokens"?}, in place of what keys have */
};

struct limits_told {
    struct ein_rate requests, tokens; /* of the tightest limit, on failure too */
    uint32_t after_ms;                /* on failure: until it would be granted */
    bool of_model;                    /* on failure: another model might do */
};

/* `config` is the setting "limits", lent until limits_free(). */
int limits_new(const json_t *config, struct limits **ret_limits, struct ein_error *err);
void limits_free(struct limits *limits);

/* Takes one request and so many tokens of each, or of none: BUSY with a sentence.  `told` is to be
 * clear, and filled on failure too. */
int limits_take(struct limits *limits, const struct limits_who *who, uint64_t tokens,
                int64_t now_ms, struct limits_told *told, struct ein_error *err);
/* It were `used` tokens and not the `taken` ones. */
void limits_correct(struct limits *limits, const struct limits_who *who, uint64_t taken,
                    uint64_t used, int64_t now_ms);
/* Forgets those that are full. */
void limits_sweep(struct limits *limits, int64_t now_ms);
