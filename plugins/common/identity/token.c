/* SPDX-License-Identifier: Apache-2.0 */
#include "token.h"
#include "base64url.h"
#include "cleanup.h"
#include "hex.h"

#include <einion/plugin.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

enum { SHA256_BYTES = 32 };

int token_make(char ret_token[TOKEN_SIZE])
{
    unsigned char bytes[TOKEN_BYTES];
    EIN_FREE char *text = NULL;

    if (gnutls_rnd(GNUTLS_RND_KEY, bytes, sizeof(bytes)) < 0)
        return EIN_E_UNAVAILABLE;
    text = base64url_encode(bytes, sizeof(bytes));
    gnutls_memset(bytes, 0, sizeof(bytes));
    if (!text)
        return EIN_E_NO_MEMORY;
    memcpy(ret_token, text, TOKEN_SIZE);
    gnutls_memset(text, 0, TOKEN_SIZE);
    return 0;
}

void token_hash(const char *token, char ret_hash[TOKEN_HASH_SIZE])
{
    unsigned char digest[SHA256_BYTES];

    /* It cannot fail: the algorithm is there, and nothing is allocated. */
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, token, strlen(token), digest) < 0)
        abort();
    hex_encode(digest, sizeof(digest), ret_hash);
}
