/* SPDX-License-Identifier: Apache-2.0 */
#include "sign.h"

#include "cleanup.h"
#include "error.h"
#include "hex.h"
#include "percent.h"
#include "str.h"

#include <gnutls/crypto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ALGORITHM "AWS4-HMAC-SHA256"

enum { HASH = 32, HASH_TEXT = 65 };

static int hash_text(const void *data, size_t len, char ret_text[HASH_TEXT])
{
    unsigned char hash[HASH];

    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, data, len, hash) < 0)
        return EIN_E_INTERNAL;
    hex_encode(hash, HASH, ret_text);
    return 0;
}

/* key = HMAC(key, text) */
static int step(unsigned char key[HASH], size_t key_len, const void *first_key, const char *text)
{
    unsigned char next[HASH];

    if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, first_key ? first_key : key, key_len, text,
                         strlen(text), next) < 0)
        return EIN_E_INTERNAL;
    memcpy(key, next, HASH);
    gnutls_memset(next, 0, HASH);
    return 0;
}

/* The key of a day, a region and a service, and with it the signature. */
static int sign_text(const char *secret, const char *day, const struct sign_request *request,
                     const char *text, char ret_signature[HASH_TEXT])
{
    const char *const steps[] = { request->region, request->service, "aws4_request", text };
    EIN_FREE char *first = str_print("AWS4%s", secret);
    unsigned char key[HASH];
    int r;

    if (!first)
        return EIN_E_NO_MEMORY;
    r = step(key, strlen(first), first, day);
    gnutls_memset(first, 0, strlen(first));
    for (size_t i = 0; r >= 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
        r = step(key, HASH, NULL, steps[i]);
    if (r >= 0)
        hex_encode(key, HASH, ret_signature);
    gnutls_memset(key, 0, HASH);
    return r;
}

static const char *signed_headers(const struct sign_keys *keys)
{
    return keys->token ? "content-type;host;x-amz-date;x-amz-security-token"
                       : "content-type;host;x-amz-date";
}

/* The request as both sides hash it.  Its path is encoded a second time. */
static int hash_request(const struct sign_keys *keys, const struct sign_request *request,
                        const char *date, char ret_hash[HASH_TEXT])
{
    EIN_FREE char *path = percent_encode(request->path, "/");
    char body[HASH_TEXT];
    int r = path ? hash_text(request->body, request->body_len, body) : EIN_E_NO_MEMORY;

    if (r < 0)
        return r;
    EIN_FREE char *text = str_print(
        "POST\n%s\n\ncontent-type:application/json\nhost:%s\nx-amz-date:%s\n"
        "%s%s%s\n%s\n%s",
        path, request->host, date, keys->token ? "x-amz-security-token:" : "",
        keys->token ? keys->token : "", keys->token ? "\n" : "", signed_headers(keys), body);
    if (!text)
        return EIN_E_NO_MEMORY;
    r = hash_text(text, strlen(text), ret_hash);
    gnutls_memset(text, 0, strlen(text));
    return r;
}

static int make_authorization(const struct sign_keys *keys, const struct sign_request *request,
                              const char *date, char **ret_authorization)
{
    char day[9], hash[HASH_TEXT], signature[HASH_TEXT];
    int r;

    (void)snprintf(day, sizeof(day), "%.8s", date);
    r = hash_request(keys, request, date, hash);
    if (r < 0)
        return r;
    EIN_FREE char *scope =
        str_print("%s/%s/%s/aws4_request", day, request->region, request->service);
    EIN_FREE char *text = scope ? str_print(ALGORITHM "\n%s\n%s\n%s", date, scope, hash) : NULL;

    if (!text)
        return EIN_E_NO_MEMORY;
    r = sign_text(keys->secret, day, request, text, signature);
    if (r < 0)
        return r;
    *ret_authorization = str_print(ALGORITHM " Credential=%s/%s, SignedHeaders=%s, Signature=%s",
                                   keys->id, scope, signed_headers(keys), signature);
    return *ret_authorization ? 0 : EIN_E_NO_MEMORY;
}

int sign(const struct sign_keys *keys, const struct sign_request *request,
         struct signature *ret_signature, struct ein_error *err)
{
    time_t seconds = (time_t)(request->time_ms / 1000);
    struct signature made = { 0 };
    struct tm utc;
    int r = EIN_E_INTERNAL;

    if (gmtime_r(&seconds, &utc) &&
        strftime(made.date, sizeof(made.date), "%Y%m%dT%H%M%SZ", &utc) > 0)
        r = make_authorization(keys, request, made.date, &made.authorization);
    if (r < 0)
        return error_set(err, r, "the request to Bedrock could not be signed");
    *ret_signature = made;
    return 0;
}
