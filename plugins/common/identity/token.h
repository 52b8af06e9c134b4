/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What whoever knows it may do: 32 random bytes, of which only the hash is kept. */
enum {
    TOKEN_BYTES = 32,
    TOKEN_SIZE = 44,     /* as URL-safe text, with the NUL */
    TOKEN_HASH_SIZE = 65 /* SHA-256 in hexadecimal, with the NUL */
};

/* EIN_E_UNAVAILABLE: no random numbers. */
int token_make(char ret_token[TOKEN_SIZE]);
/* Of any text. */
void token_hash(const char *token, char ret_hash[TOKEN_HASH_SIZE]);
