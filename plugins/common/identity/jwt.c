/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt.h"
#include "base64url.h"
#include "cleanup.h"
#include "error.h"
#include "json_depth.h"
#include "member.h"

#include <string.h>

static const struct {
    const char *name;
    enum jwt_alg alg;
} algorithms[] = {
    { "none", JWT_ALG_NONE },
    { "RS256", JWT_ALG_RS256 },
    { "ES256", JWT_ALG_ES256 },
};

static enum jwt_alg alg_of(const char *name)
{
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
        if (strcmp(name, algorithms[i].name) == 0)
            return algorithms[i].alg;
    return JWT_ALG_OTHER;
}

/* ---- three parts ---- */

struct parts {
    const char *text[3];
    size_t len[3];
};

static bool split(const char *token, struct parts *ret_parts)
{
    const char *first = strchr(token, '.');
    const char *second = first ? strchr(first + 1, '.') : NULL;

    if (!second || strchr(second + 1, '.'))
        return false;
    *ret_parts = (struct parts){
        .text = { token, first + 1, second + 1 },
        .len = { (size_t)(first - token), (size_t)(second - first - 1), strlen(second + 1) },
    };
    return true;
}

static json_t *part_object(const struct parts *parts, int which)
{
    size_t len;
    EIN_FREE unsigned char *text = base64url_decode(parts->text[which], parts->len[which], &len);

    return text ? json_object_read((const char *)text, len, JWT_DEPTH_MAX) : NULL;
}

/* What the header asks of the verifier. */
static int read_header(struct jwt *jwt, struct ein_error *err)
{
    const json_t *kid = json_object_get(jwt->header, "kid");
    const char *alg = text_of(jwt->header, "alg");

    if (!alg)
        return error_set(err, EIN_E_INVALID, "The token names no algorithm.");
    if (kid && (!json_is_string(kid) || json_string_length(kid) > JWT_KID_MAX))
        return error_set(err, EIN_E_INVALID, "The token's key id is no text of at most %d bytes.",
                         JWT_KID_MAX);
    /* RFC 7515, 4.1.11: extensions that must be understood, and none is.  Members that name or
     * carry a key (jku, jwk, x5u, x5c) are not looked at. */
    if (json_object_get(jwt->header, "crit"))
        return error_set(err, EIN_E_UNSUPPORTED, "The token demands extensions.");
    jwt->alg = alg_of(alg);
    jwt->kid = json_string_value(kid);
    return 0;
}

static int read_parts(const struct parts *parts, struct jwt *jwt, struct ein_error *err)
{
    jwt->header = part_object(parts, 0);
    jwt->claims = part_object(parts, 1);
    jwt->signature = base64url_decode(parts->text[2], parts->len[2], &jwt->signature_len);
    jwt->signed_text = parts->text[0];
    jwt->signed_len = parts->len[0] + 1 + parts->len[1];
    if (!jwt->header || !jwt->claims || !jwt->signature)
        return error_set(err, EIN_E_INVALID,
                         "The token is not two JSON objects and a signature in base64url.");
    return read_header(jwt, err);
}

int jwt_parse(const char *token, struct jwt *ret_jwt, struct ein_error *err)
{
    struct jwt jwt = { 0 };
    struct parts parts;
    int r;

    if (strnlen(token, JWT_MAX + 1) > JWT_MAX)
        return error_set(err, EIN_E_INVALID, "The token is longer than %d bytes.", JWT_MAX);
    if (!split(token, &parts))
        return error_set(err, EIN_E_INVALID, "The token does not have three parts.");
    r = read_parts(&parts, &jwt, err);
    if (r < 0) {
        jwt_done(&jwt);
        return r;
    }
    *ret_jwt = jwt;
    return 0;
}

void jwt_done(struct jwt *jwt)
{
    json_decref(jwt->header);
    json_decref(jwt->claims);
    free(jwt->signature);
    *jwt = (struct jwt){ 0 };
}

/* ---- claims ---- */

enum { SECONDS_MAX_LOG2 = 53 }; /* up to here a double counts exactly */

bool jwt_time(const json_t *claims, const char *name, int64_t *ret_s)
{
    const json_t *value = json_object_get(claims, name);
    double seconds = json_number_value(value);
    const double limit = (double)(INT64_C(1) << SECONDS_MAX_LOG2);

    if (!json_is_number(value) || !(seconds >= 0 && seconds < limit))
        return false;
    *ret_s = (int64_t)seconds;
    return true;
}

static bool is(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

/* A list of texts that has it. */
static bool is_among(const json_t *aud, const char *audience)
{
    const json_t *item;
    bool found = false;
    size_t i;

    json_array_foreach(aud, i, item)
    {
        if (!json_is_string(item))
            return false;
        found = found || is(item, audience);
    }
    return found;
}

static bool is_for(const json_t *claims, const struct jwt_rules *rules)
{
    const json_t *aud = json_object_get(claims, "aud"), *azp = json_object_get(claims, "azp");
    bool party = rules->audience_is == JWT_AUD_PARTY;

    if (party && azp && !is(azp, rules->audience))
        return false;
    if (rules->audience_is == JWT_AUD_ONE || !json_is_array(aud))
        return is(aud, rules->audience);
    return is_among(aud, rules->audience) && (!party || azp || json_array_size(aud) == 1);
}

static int check_times(const json_t *claims, const struct jwt_rules *rules, struct ein_error *err)
{
    int64_t exp, iat, nbf = 0;

    if (!jwt_time(claims, "exp", &exp) || !jwt_time(claims, "iat", &iat))
        return error_set(err, EIN_E_DENIED, "The token does not say when it was made and expires.");
    if (json_object_get(claims, "nbf") && !jwt_time(claims, "nbf", &nbf))
        return error_set(err, EIN_E_DENIED, "The token's nbf is not a time.");
    if (rules->now_s - rules->late_s >= exp)
        return error_set(err, EIN_E_TIMEOUT, "The token has expired.");
    if (iat - rules->early_s > rules->now_s || nbf - rules->early_s > rules->now_s)
        return error_set(err, EIN_E_DENIED, "The token is from the future.");
    return 0;
}

int jwt_check(const json_t *claims, const struct jwt_rules *rules, struct ein_error *err)
{
    const json_t *sub = json_object_get(claims, "sub");
    size_t len = json_string_length(sub);

    if (!is(json_object_get(claims, "iss"), rules->issuer))
        return error_set(err, EIN_E_DENIED, "The token is from another issuer.");
    if (!is_for(claims, rules))
        return error_set(err, EIN_E_DENIED, "The token is for somebody else.");
    if (!json_is_string(sub) || len == 0 || len > rules->subject_max)
        return error_set(err, EIN_E_DENIED, "The token's subject is no text of 1 to %zu bytes.",
                         rules->subject_max);
    return check_times(claims, rules, err);
}
