/* SPDX-License-Identifier: Apache-2.0 */
#include "base64url.h"
#include "cleanup.h"
#include "error.h"
#include "jwt.h"
#include "member.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <string.h>

enum { P256_LEN = 32, RSA_EXPONENT_LEN_MAX = 4, RSA_EXPONENT_MIN = 3 };

struct jwt_key {
    unsigned refs; /* atomic */
    enum jwt_alg alg;
    gnutls_pubkey_t public; /* only read: any number of threads */
};

struct jwt_key *jwt_key_ref(struct jwt_key *key)
{
    (void)__atomic_add_fetch(&key->refs, 1, __ATOMIC_RELAXED);
    return key;
}

void jwt_key_unref(struct jwt_key *key)
{
    if (!key || __atomic_sub_fetch(&key->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    gnutls_pubkey_deinit(key->public);
    free(key);
}

enum jwt_alg jwt_key_alg(const struct jwt_key *key)
{
    return key->alg;
}

static int key_new(enum jwt_alg alg, struct jwt_key **ret_key)
{
    struct jwt_key *key = calloc(1, sizeof(*key));

    if (!key || gnutls_pubkey_init(&key->public) < 0) {
        free(key);
        return EIN_E_NO_MEMORY;
    }
    key->refs = 1;
    key->alg = alg;
    *ret_key = key;
    return 0;
}

static bool is_on_p256(gnutls_pubkey_t public)
{
    gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;

    return gnutls_pubkey_export_ecc_raw2(public, &curve, NULL, NULL, 0) >= 0 &&
           curve == GNUTLS_ECC_CURVE_SECP256R1;
}

/* Keeps `key` if GnuTLS took it (`status`) and it is long enough; else drops it. */
static int key_keep(struct jwt_key *take_key, int status, struct jwt_key **ret_key)
{
    unsigned bits = 0;
    int kind = status < 0 ? status : gnutls_pubkey_get_pk_algorithm(take_key->public, &bits);

    if (take_key->alg == JWT_ALG_RS256
            ? kind == GNUTLS_PK_RSA && bits >= JWT_RSA_BITS_MIN && bits <= JWT_RSA_BITS_MAX
            : kind == GNUTLS_PK_ECDSA && is_on_p256(take_key->public)) {
        *ret_key = take_key;
        return 0;
    }
    jwt_key_unref(take_key);
    return status < 0 ? EIN_E_INVALID : EIN_E_UNSUPPORTED;
}

/* ---- JSON Web Keys ---- */

static bool absent_or(const json_t *jwk, const char *name, const char *wanted)
{
    const json_t *value = json_object_get(jwk, name);

    return !value || (json_is_string(value) && strcmp(json_string_value(value), wanted) == 0);
}

static bool may_verify(const json_t *jwk)
{
    const json_t *ops = json_object_get(jwk, "key_ops"), *op;
    size_t i;

    if (!ops)
        return true;
    json_array_foreach(ops, i, op) if (json_is_string(op) &&
                                       !strcmp(json_string_value(op), "verify")) return true;
    return false;
}

/* A big-endian number of a key, decoded; false: absent or not base64url. */
static bool number(const json_t *jwk, const char *name, unsigned char **ret_bytes,
                   gnutls_datum_t *ret_number)
{
    const json_t *value = json_object_get(jwk, name);
    size_t len;

    if (!json_is_string(value) || json_string_length(value) > JWT_RSA_BITS_MAX)
        return false;
    *ret_bytes = base64url_decode(json_string_value(value), json_string_length(value), &len);
    *ret_number = (gnutls_datum_t){ *ret_bytes, (unsigned)len };
    return *ret_bytes && len > 0;
}

/* An exponent of 1 verifies whatever one likes; an even one nothing; a long one takes long. */
static bool good_exponent(const gnutls_datum_t *e)
{
    uint32_t value = 0;

    if (e->size > RSA_EXPONENT_LEN_MAX)
        return false;
    for (unsigned i = 0; i < e->size; i++)
        value = value << 8 | e->data[i];
    return value >= RSA_EXPONENT_MIN && value % 2 == 1;
}

static int from_rsa(const json_t *jwk, struct jwt_key **ret_key)
{
    EIN_FREE unsigned char *n_bytes = NULL, *e_bytes = NULL;
    gnutls_datum_t n, e;
    struct jwt_key *key = NULL;

    if (!number(jwk, "n", &n_bytes, &n) || !number(jwk, "e", &e_bytes, &e) || !good_exponent(&e))
        return EIN_E_INVALID;
    int r = key_new(JWT_ALG_RS256, &key);
    return r < 0 ? r : key_keep(key, gnutls_pubkey_import_rsa_raw(key->public, &n, &e), ret_key);
}

static int from_ec(const json_t *jwk, struct jwt_key **ret_key)
{
    EIN_FREE unsigned char *x_bytes = NULL, *y_bytes = NULL;
    const char *crv = text_of(jwk, "crv");
    gnutls_datum_t x, y;
    struct jwt_key *key = NULL;

    if (!crv || strcmp(crv, "P-256") != 0)
        return EIN_E_UNSUPPORTED;
    if (!number(jwk, "x", &x_bytes, &x) || !number(jwk, "y", &y_bytes, &y) || x.size != P256_LEN ||
        y.size != P256_LEN)
        return EIN_E_INVALID;
    int r = key_new(JWT_ALG_ES256, &key);
    return r < 0 ? r
                 : key_keep(key,
                            gnutls_pubkey_import_ecc_raw(key->public, GNUTLS_ECC_CURVE_SECP256R1,
                                                         &x, &y),
                            ret_key);
}

static const struct {
    const char *kty, *alg;
    int (*make)(const json_t *jwk, struct jwt_key **ret_key);
} kinds[] = {
    { "RSA", "RS256", from_rsa },
    { "EC", "ES256", from_ec },
};

int jwt_key_from_jwk(const json_t *jwk, struct jwt_key **ret_key)
{
    const char *kty = text_of(jwk, "kty");

    for (size_t i = 0; kty && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kty, kinds[i].kty) != 0)
            continue;
        if (!absent_or(jwk, "alg", kinds[i].alg) || !absent_or(jwk, "use", "sig") ||
            !may_verify(jwk))
            return EIN_E_UNSUPPORTED;
        return kinds[i].make(jwk, ret_key);
    }
    return EIN_E_UNSUPPORTED;
}

/* ---- certificates ---- */

int jwt_key_from_pem(const char *pem, struct jwt_key **ret_key)
{
    const gnutls_datum_t data = { (unsigned char *)pem, (unsigned)strlen(pem) };
    gnutls_x509_crt_t certificate;
    struct jwt_key *key = NULL;
    int r = key_new(JWT_ALG_RS256, &key);

    if (r < 0)
        return r;
    if (gnutls_x509_crt_init(&certificate) < 0) {
        jwt_key_unref(key);
        return EIN_E_NO_MEMORY;
    }
    r = gnutls_x509_crt_import(certificate, &data, GNUTLS_X509_FMT_PEM);
    if (r >= 0)
        r = gnutls_pubkey_import_x509(key->public, certificate, 0);
    if (r >= 0 && gnutls_pubkey_get_pk_algorithm(key->public, NULL) == GNUTLS_PK_ECDSA)
        key->alg = JWT_ALG_ES256;
    gnutls_x509_crt_deinit(certificate);
    return key_keep(key, r, ret_key);
}

/* ---- signatures ---- */

static int verify_rs256(const struct jwt *jwt, const struct jwt_key *key)
{
    const gnutls_datum_t data = { (unsigned char *)jwt->signed_text, (unsigned)jwt->signed_len };
    const gnutls_datum_t signature = { jwt->signature, (unsigned)jwt->signature_len };

    return gnutls_pubkey_verify_data2(key->public, GNUTLS_SIGN_RSA_SHA256, 0, &data, &signature);
}

/* RFC 7518, 3.4: r and s side by side, which GnuTLS wants as DER. */
static int verify_es256(const struct jwt *jwt, const struct jwt_key *key)
{
    const gnutls_datum_t data = { (unsigned char *)jwt->signed_text, (unsigned)jwt->signed_len };
    const gnutls_datum_t r = { jwt->signature, P256_LEN },
                         s = { jwt->signature + P256_LEN, P256_LEN };
    gnutls_datum_t der;

    if (jwt->signature_len != 2 * (size_t)P256_LEN || gnutls_encode_rs_value(&der, &r, &s) < 0)
        return -1;
    int status =
        gnutls_pubkey_verify_data2(key->public, GNUTLS_SIGN_ECDSA_SECP256R1_SHA256, 0, &data, &der);
    gnutls_free(der.data);
    return status;
}

int jwt_verify(const struct jwt *jwt, const struct jwt_key *key, struct ein_error *err)
{
    if (jwt->alg != JWT_ALG_RS256 && jwt->alg != JWT_ALG_ES256)
        return error_set(err, EIN_E_UNSUPPORTED, "The token's algorithm is not one that is taken.");
    if (jwt->alg != key->alg)
        return error_set(err, EIN_E_DENIED, "The token's algorithm is not that of its key.");
    if ((key->alg == JWT_ALG_RS256 ? verify_rs256 : verify_es256)(jwt, key) < 0)
        return error_set(err, EIN_E_DENIED, "The token's signature is wrong.");
    return 0;
}
