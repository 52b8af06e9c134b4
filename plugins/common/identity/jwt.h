/* SPDX-License-Identifier: Apache-2.0 */
/* Signed tokens (RFC 7515, 7519) in the compact form, and the keys that verify them.
 *
 * Errors: INVALID, it is no such token; UNSUPPORTED, its algorithm; DENIED, the signature or a
 * claim is not right; TIMEOUT, it has expired. */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    JWT_MAX = 16384,    /* bytes of a token */
    JWT_DEPTH_MAX = 16, /* of the JSON in it */
    JWT_KID_MAX = 256,  /* bytes */
    JWT_RSA_BITS_MIN = 2048,
    JWT_RSA_BITS_MAX = 8192 /* a longer one costs the verifier too much */
};

enum jwt_alg {                /* the header's `alg` */
               JWT_ALG_OTHER, /* never verified */
               JWT_ALG_NONE,  /* never verified; the signature is empty */
               JWT_ALG_RS256,
               JWT_ALG_ES256
};

struct jwt {
    json_t *header, *claims;
    enum jwt_alg alg;
    const char *kid;         /* lent by the header; NULL: none */
    const char *signed_text; /* lent by the token */
    size_t signed_len;
    unsigned char *signature;
    size_t signature_len;
};

/* Nothing in it is to be believed before jwt_verify().  `token` outlives *ret_jwt. */
int jwt_parse(const char *token, struct jwt *ret_jwt, struct ein_error *err);
void jwt_done(struct jwt *jwt);

/* A public key, shared between threads.  It verifies the one algorithm that it is for, whatever
 * a token says. */
struct jwt_key;

/* From a JSON Web Key (RFC 7517): RSA, or EC on P-256.  UNSUPPORTED: its kty, crv, alg, use or
 * key_ops is for something else. */
int jwt_key_from_jwk(const json_t *jwk, struct jwt_key **ret_key);
/* The key of an X.509 certificate in PEM.  Neither its chain nor its dates are looked at: who
 * hands it out vouches for both. */
int jwt_key_from_pem(const char *pem, struct jwt_key **ret_key);
struct jwt_key *jwt_key_ref(struct jwt_key *key);
void jwt_key_unref(struct jwt_key *key); /* NULL is fine */
enum jwt_alg jwt_key_alg(const struct jwt_key *key);

int jwt_verify(const struct jwt *jwt, const struct jwt_key *key, struct ein_error *err);

enum jwt_audience {                /* what `aud` may be */
                    JWT_AUD_ONE,   /* the audience, and no list */
                    JWT_AUD_PARTY, /* or a list, if `azp` then is the audience (OpenID Connect) */
                    JWT_AUD_AMONG  /* or a list that it is in (RFC 9068) */
};

struct jwt_rules {
    const char *issuer, *audience; /* exactly these */
    enum jwt_audience audience_is;
    int64_t now_s;      /* seconds since 1970 */
    int64_t early_s;    /* what iat and nbf may lie ahead of now_s */
    int64_t late_s;     /* what exp may lie behind */
    size_t subject_max; /* bytes of `sub` */
};

/* iss, aud, sub, exp and iat have to be there; nbf may be.  */
int jwt_check(const json_t *claims, const struct jwt_rules *rules, struct ein_error *err);

/* The claim NAME as seconds since 1970; false: absent, no number, or beyond all sense. */
bool jwt_time(const json_t *claims, const char *name, int64_t *ret_s);
