/* SPDX-License-Identifier: Apache-2.0 */
#include "tokens.h"
#include "base64url.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { P256_LEN = 32, PEM_MAX = 8192, CERTIFICATE_S = 3600 };

struct token_key {
    gnutls_privkey_t private;
    gnutls_x509_privkey_t x509;
    int rsa;
};

static void must(int status)
{
    if (status >= 0)
        return;
    (void)fprintf(stderr, "tokens: %s\n", gnutls_strerror(status));
    abort();
}

static struct token_key *make(gnutls_pk_algorithm_t kind, unsigned bits)
{
    struct token_key *key = calloc(1, sizeof(*key));

    if (!key)
        abort();
    key->rsa = kind == GNUTLS_PK_RSA;
    must(gnutls_x509_privkey_init(&key->x509));
    must(gnutls_x509_privkey_generate(key->x509, kind, bits, 0));
    must(gnutls_privkey_init(&key->private));
    must(gnutls_privkey_import_x509(key->private, key->x509, 0));
    return key;
}

struct token_key *token_key_rsa(unsigned bits)
{
    return make(GNUTLS_PK_RSA, bits);
}

struct token_key *token_key_ec(void)
{
    return make(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));
}

void token_key_free(struct token_key *key)
{
    if (!key)
        return;
    gnutls_privkey_deinit(key->private);
    gnutls_x509_privkey_deinit(key->x509);
    free(key);
}

static void add_number(json_t *jwk, const char *name, gnutls_datum_t *take_number, size_t len)
{
    unsigned char padded[P256_LEN] = { 0 };
    char *text;

    if (len > take_number->size) {
        memcpy(padded + len - take_number->size, take_number->data, take_number->size);
        text = base64url_encode(padded, len);
    } else {
        text = base64url_encode(take_number->data, take_number->size);
    }
    json_object_set_new(jwk, name, json_string(text));
    free(text);
    gnutls_free(take_number->data);
}

json_t *token_key_jwk(const struct token_key *key, const char *kid)
{
    json_t *jwk = json_object();
    gnutls_datum_t a, b;

    if (kid)
        json_object_set_new(jwk, "kid", json_string(kid));
    json_object_set_new(jwk, "kty", json_string(key->rsa ? "RSA" : "EC"));
    if (key->rsa) {
        must(gnutls_privkey_export_rsa_raw2(key->private, &a, &b, NULL, NULL, NULL, NULL, NULL,
                                            NULL, GNUTLS_EXPORT_FLAG_NO_LZ));
        add_number(jwk, "n", &a, 0);
        add_number(jwk, "e", &b, 0);
    } else {
        must(gnutls_privkey_export_ecc_raw2(key->private, NULL, &a, &b, NULL,
                                            GNUTLS_EXPORT_FLAG_NO_LZ));
        json_object_set_new(jwk, "crv", json_string("P-256"));
        add_number(jwk, "x", &a, P256_LEN);
        add_number(jwk, "y", &b, P256_LEN);
    }
    return jwk;
}

char *token_key_pem(const struct token_key *key)
{
    char *pem = calloc(1, PEM_MAX);
    size_t len = PEM_MAX - 1;
    gnutls_x509_crt_t certificate;

    must(gnutls_x509_crt_init(&certificate));
    must(gnutls_x509_crt_set_version(certificate, 3));
    must(gnutls_x509_crt_set_serial(certificate, "\x01", 1));
    must(gnutls_x509_crt_set_activation_time(certificate, time(NULL)));
    must(gnutls_x509_crt_set_expiration_time(certificate, time(NULL) + CERTIFICATE_S));
    must(gnutls_x509_crt_set_key(certificate, key->x509));
    must(gnutls_x509_crt_sign2(certificate, certificate, key->x509, GNUTLS_DIG_SHA256, 0));
    must(gnutls_x509_crt_export(certificate, GNUTLS_X509_FMT_PEM, pem, &len));
    gnutls_x509_crt_deinit(certificate);
    return pem;
}

/* HEADER "." CLAIMS, encoded. */
static char *signed_part(const char *header, const char *claims)
{
    char *first = base64url_encode(header, strlen(header)),
         *second = base64url_encode(claims, strlen(claims)), *both;

    if (asprintf(&both, "%s.%s", first, second) < 0)
        abort();
    free(first);
    free(second);
    return both;
}

static char *with_signature(char *take_part, const void *signature, size_t len)
{
    char *encoded = base64url_encode(signature, len), *token;

    if (asprintf(&token, "%s.%s", take_part, encoded) < 0)
        abort();
    free(take_part);
    free(encoded);
    return token;
}

char *token_sign_text(const struct token_key *key, const char *header, const char *claims)
{
    char *part = signed_part(header, claims);
    const gnutls_datum_t data = { (unsigned char *)part, (unsigned)strlen(part) };
    gnutls_datum_t signature, r, s;
    unsigned char raw[2 * P256_LEN] = { 0 };
    char *token;

    must(gnutls_privkey_sign_data2(
        key->private, key->rsa ? GNUTLS_SIGN_RSA_SHA256 : GNUTLS_SIGN_ECDSA_SECP256R1_SHA256, 0,
        &data, &signature));
    if (key->rsa) {
        token = with_signature(part, signature.data, signature.size);
    } else {
        must(gnutls_decode_rs_value(&signature, &r, &s));
        /* As DER they may be shorter, or have a zero in front. */
        for (unsigned i = 0; i < r.size && i < P256_LEN; i++)
            raw[P256_LEN - 1 - i] = r.data[r.size - 1 - i];
        for (unsigned i = 0; i < s.size && i < P256_LEN; i++)
            raw[2 * P256_LEN - 1 - i] = s.data[s.size - 1 - i];
        gnutls_free(r.data);
        gnutls_free(s.data);
        token = with_signature(part, raw, sizeof(raw));
    }
    gnutls_free(signature.data);
    return token;
}

char *token_sign(const struct token_key *key, const char *header, const json_t *claims)
{
    char *text = json_dumps(claims, JSON_COMPACT), *token = token_sign_text(key, header, text);

    free(text);
    return token;
}

char *token_hmac(const char *secret, const char *header, const json_t *claims)
{
    unsigned char mac[32];
    char *text = json_dumps(claims, JSON_COMPACT), *part = signed_part(header, text);

    free(text);
    must(gnutls_hmac_fast(GNUTLS_MAC_SHA256, secret, strlen(secret), part, strlen(part), mac));
    return with_signature(part, mac, sizeof(mac));
}
