/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that somebody publishes at a URL, as a JSON Web Key Set (RFC 7517, 5) or as an object
 * {kid: certificate in PEM}, kept for as long as the reply's Cache-Control says. */
#pragma once

#include "jwt.h"

enum {
    JWKS_BYTES_MAX = 512 * 1024,
    JWKS_KEYS_MAX = 100,
    JWKS_AGE_MIN_S = 60,      /* keys are good for so long, whatever the reply says */
    JWKS_AGE_DEFAULT_S = 300, /* where it says nothing */
    JWKS_AGE_MAX_S = 86400,   /* and never longer */
    JWKS_STALE_S = 3600,      /* how much longer while they cannot be fetched again */
    JWKS_UNKNOWN_MS = 30000,  /* between two fetches for the sake of an unknown kid */
    JWKS_RETRY_MS = 5000,     /* between two after a failure */
    JWKS_WAITERS_MAX = 64     /* callers that wait for one fetch */
};

struct jwks_set; /* what one reply held; immutable */

/* INVALID: neither form, or no key in it is of use.  Keys that are not are passed over. */
int jwks_set_parse(const char *text, size_t len, struct jwks_set **ret_set, struct ein_error *err);
void jwks_set_free(struct jwks_set *set);
/* Lent; kid NULL: the one key that is for `alg`, if it is the only one. */
struct jwt_key *jwks_set_find(const struct jwks_set *set, const char *kid, enum jwt_alg alg);

/* A source of keys.  Any thread. */
struct jwks;

/* Fetches nothing yet; a fetch may take timeout_ms.  `url` is from the configuration, or vouched
 * for by what is. */
int jwks_new(const struct ein_host *host, struct ein_ctx *ctx, const char *url, uint32_t timeout_ms,
             struct jwks **ret_jwks, struct ein_error *err);
struct jwks *jwks_ref(struct jwks *jwks);
void jwks_unref(struct jwks *jwks); /* the last one frees it; NULL is fine */
/* The key that `kid` names, for jwt_key_unref(), and for how many seconds nobody need ask whether
 * it still is one.  DENIED: there is none, as of a moment ago.  UNAVAILABLE: the keys cannot be
 * had, or BUSY: too many wait for them. */
int jwks_find(struct jwks *jwks, const char *kid, enum jwt_alg alg, struct jwt_key **ret_key,
              int64_t *ret_good_s, struct ein_error *err);

/* How many seconds a reply with these headers (lower-case names) is good for, within the limits
 * above. */
int64_t jwks_age(const json_t *headers);
