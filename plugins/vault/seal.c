/* SPDX-License-Identifier: Apache-2.0 */
#include "seal.h"

#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "hex.h"

#include <gnutls/crypto.h>
#include <stdio.h>
#include <string.h>

enum { NONCE_LEN = 12, TAG_LEN = 16, NAME_MAX_LEN = 400, LABEL_SIZE = NAME_MAX_LEN + 16 };

void seal_wipe(char *take_secret)
{
    if (take_secret)
        gnutls_memset(take_secret, 0, strlen(take_secret));
    free(take_secret);
}

const char *seal_key_id(const json_t *doc)
{
    return json_string_value(json_object_get(doc, "keyId"));
}

static int open_cipher(const struct ring_key *key, gnutls_aead_cipher_hd_t *ret_cipher,
                       struct ein_error *err)
{
    const gnutls_datum_t datum = { (unsigned char *)key->key, RING_KEY_LEN };

    if (gnutls_aead_cipher_init(ret_cipher, GNUTLS_CIPHER_AES_256_GCM, &datum) < 0)
        return error_set(err, EIN_E_INTERNAL, "The vault's cipher cannot be initialised");
    return 0;
}

/* What is authenticated beside the secret. */
static size_t make_label(const char *name, char label[LABEL_SIZE])
{
    return (size_t)snprintf(label, LABEL_SIZE, "vault/1 %s", name);
}

static int encrypt(const struct ring_key *key, const char *name, const char *secret,
                   const unsigned char nonce[NONCE_LEN], unsigned char *sealed, size_t sealed_len,
                   struct ein_error *err)
{
    gnutls_aead_cipher_hd_t cipher;
    char label[LABEL_SIZE];
    size_t len = make_label(name, label);
    int r = open_cipher(key, &cipher, err);

    if (r < 0)
        return r;
    r = gnutls_aead_cipher_encrypt(cipher, nonce, NONCE_LEN, label, len, TAG_LEN, secret,
                                   strlen(secret), sealed, &sealed_len);
    gnutls_aead_cipher_deinit(cipher);
    return r < 0 ? error_set(err, EIN_E_INTERNAL, "A secret could not be sealed") : 0;
}

int seal_close(const struct ring_key *key, const char *name, const char *secret, json_t **ret_doc,
               struct ein_error *err)
{
    size_t len = strlen(secret) + TAG_LEN;
    EIN_FREE unsigned char *sealed = malloc(len);
    EIN_FREE char *text = malloc(2 * len + 1);
    unsigned char nonce[NONCE_LEN];
    char nonce_text[2 * NONCE_LEN + 1], now[CLOCK_ISO_SIZE];

    if (!sealed || !text)
        return error_no_memory(err);
    if (gnutls_rnd(GNUTLS_RND_NONCE, nonce, sizeof(nonce)) < 0)
        return error_set(err, EIN_E_INTERNAL, "The system has no random bytes for a nonce");
    int r = encrypt(key, name, secret, nonce, sealed, len, err);
    if (r < 0)
        return r;

    hex_encode(nonce, sizeof(nonce), nonce_text);
    hex_encode(sealed, len, text);
    clock_iso(now);
    *ret_doc = json_pack("{s:s, s:s, s:s, s:s}", "keyId", key->id, "nonce", nonce_text, "sealed",
                         text, "updatedAt", now);
    return *ret_doc ? 0 : error_no_memory(err);
}

static int decrypt(const struct ring_key *key, const char *name,
                   const unsigned char nonce[NONCE_LEN], const unsigned char *sealed,
                   size_t sealed_len, char *secret, struct ein_error *err)
{
    gnutls_aead_cipher_hd_t cipher;
    char label[LABEL_SIZE];
    size_t label_len = make_label(name, label), len = sealed_len - TAG_LEN;
    int r = open_cipher(key, &cipher, err);

    if (r < 0)
        return r;
    r = gnutls_aead_cipher_decrypt(cipher, nonce, NONCE_LEN, label, label_len, TAG_LEN, sealed,
                                   sealed_len, secret, &len);
    gnutls_aead_cipher_deinit(cipher);
    return r < 0 ? EIN_E_INVALID : 0;
}

static int open_text(const struct ring_key *key, const char *name, const json_t *doc,
                     const char *text, size_t len, char *secret, struct ein_error *err)
{
    EIN_FREE unsigned char *sealed = malloc(len + 1);
    const char *nonce_text = json_string_value(json_object_get(doc, "nonce"));
    unsigned char nonce[NONCE_LEN];

    if (!sealed)
        return EIN_E_NO_MEMORY;
    if (len < TAG_LEN || !hex_decode(text, sealed, len) ||
        !hex_decode(nonce_text, nonce, sizeof(nonce)))
        return EIN_E_INVALID;
    return decrypt(key, name, nonce, sealed, len, secret, err);
}

int seal_open(const struct ring_key *key, const char *name, const json_t *doc, char **ret_secret,
              struct ein_error *err)
{
    const char *text = json_string_value(json_object_get(doc, "sealed"));
    size_t len = text ? strlen(text) / 2 : 0;
    char *secret = calloc(1, len + 1);
    int r = secret ? open_text(key, name, doc, text, len, secret, err) : EIN_E_NO_MEMORY;

    if (r == 0) {
        *ret_secret = secret;
        return 0;
    }
    if (secret) /* what does not belong to the name was opened before that showed */
        gnutls_memset(secret, 0, len + 1);
    free(secret);
    if (r == EIN_E_INVALID)
        return error_set(err, r, "The secret '%s' is damaged", name);
    return error_set(err, r, "The secret '%s' cannot be opened", name);
}
