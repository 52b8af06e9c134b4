/* SPDX-License-Identifier: Apache-2.0 */
/* An issuer of signed tokens, with keys made on the spot. */
#pragma once

#include <jansson.h>

struct token_key;

struct token_key *token_key_rsa(unsigned bits);
struct token_key *token_key_ec(void); /* on P-256 */
void token_key_free(struct token_key *key);

/* The public half as a JSON Web Key with this kid (NULL: none), or as a self-signed certificate. */
json_t *token_key_jwk(const struct token_key *key, const char *kid);
char *token_key_pem(const struct token_key *key);

/* HEADER.CLAIMS.SIGNATURE; free(). */
char *token_sign(const struct token_key *key, const char *header, const json_t *claims);
char *token_sign_text(const struct token_key *key, const char *header, const char *claims);
/* The same with an HMAC of `secret` instead. */
char *token_hmac(const char *secret, const char *header, const json_t *claims);
