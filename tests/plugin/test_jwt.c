/* SPDX-License-Identifier: Apache-2.0 */
#include "base64url.h"
#include "jwt.h"
#include "tokens.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RS256 "{\"alg\":\"RS256\",\"kid\":\"k1\"}"
#define ES256 "{\"alg\":\"ES256\",\"kid\":\"k1\"}"

static struct token_key *rsa, *other_rsa, *ec;

static int setup(void **state)
{
    rsa = token_key_rsa(2048);
    other_rsa = token_key_rsa(2048);
    ec = token_key_ec();
    return 0;
}

static int teardown(void **state)
{
    token_key_free(rsa);
    token_key_free(other_rsa);
    token_key_free(ec);
    return 0;
}

static json_t *claims(void)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:i}", "iss", "https://issuer", "aud", "me", "sub",
                     "alice", "iat", 1000, "exp", 2000);
}

/* ---- base64url ---- */

static void base64url_knows_one_text_for_any_bytes(void **state)
{
    static const struct {
        const char *text, *bytes;
    } good[] = { { "", "" },        { "Zg", "f" },        { "Zm8", "fo" },
                 { "Zm9v", "foo" }, { "Zm9vYg", "foob" }, { "-_-_", "\xfb\xff\xbf" } };
    static const char *const bad[] = { "Z",    "Zg==", "Zh",    "Zm9",  "Zm9v\n",  "Zm+v",
                                       "Zm/v", "Zm v", "Zm9v=", "Zm8=", "\xc3\xa4" };
    size_t len;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        unsigned char *bytes = base64url_decode(good[i].text, strlen(good[i].text), &len);
        char *text;

        assert_non_null(bytes);
        assert_string_equal((char *)bytes, good[i].bytes);
        assert_int_equal(len, strlen(good[i].bytes));
        text = base64url_encode(bytes, len);
        assert_string_equal(text, good[i].text);
        free(text);
        free(bytes);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (base64url_decode(bad[i], strlen(bad[i]), &len))
            fail_msg("'%s' was decoded", bad[i]);
}

static void base64_is_padded_where_that_is_asked_for(void **state)
{
    static const struct {
        char *(*encode)(const void *, size_t);
        const char *bytes, *text;
    } cases[] = {
        { base64url_encode_padded, "", "" },
        { base64url_encode_padded, "f", "Zg==" },
        { base64url_encode_padded, "fo", "Zm8=" },
        { base64url_encode_padded, "\xfb\xff\xbf", "-_-_" },
        { base64_encode, "f", "Zg==" },
        { base64_encode, "\xfb\xff\xbf", "+/+/" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text = cases[i].encode(cases[i].bytes, strlen(cases[i].bytes));

        assert_string_equal(text, cases[i].text);
        free(text);
    }
}

/* ---- parsing ---- */

static int parse(const char *token)
{
    struct jwt jwt;
    struct ein_error err = { 0 };
    int r = jwt_parse(token, &jwt, &err);

    if (r == 0)
        jwt_done(&jwt);
    else
        assert_true(err.text[0] != '\0');
    return r;
}

static int parse_parts(const char *header, const char *body)
{
    char *first = base64url_encode(header, strlen(header)),
         *second = base64url_encode(body, strlen(body));
    char token[4096];

    (void)snprintf(token, sizeof(token), "%s.%s.c2ln", first, second);
    free(first);
    free(second);
    return parse(token);
}

static void a_token_is_two_objects_and_a_signature(void **state)
{
    assert_int_equal(parse_parts(RS256, "{}"), 0);
    assert_int_equal(parse("abc"), EIN_E_INVALID);
    assert_int_equal(parse(""), EIN_E_INVALID);
    assert_int_equal(parse(".."), EIN_E_INVALID);
    assert_int_equal(parse("e30.e30"), EIN_E_INVALID);
    assert_int_equal(parse("e30.e30.e30.e30"), EIN_E_INVALID);
    assert_int_equal(parse("e30.e30.e30.e30.e30"), EIN_E_INVALID); /* encrypted */
    assert_int_equal(parse_parts("[]", "{}"), EIN_E_INVALID);
    assert_int_equal(parse_parts(RS256, "[]"), EIN_E_INVALID);
    assert_int_equal(parse_parts(RS256, "1"), EIN_E_INVALID);
    assert_int_equal(parse_parts("{}", "{}"), EIN_E_INVALID);
    assert_int_equal(parse_parts("{\"alg\":null}", "{}"), EIN_E_INVALID);
    assert_int_equal(parse_parts("{\"alg\":\"RS256\",\"kid\":7}", "{}"), EIN_E_INVALID);
}

static void a_member_that_comes_twice_is_refused(void **state)
{
    assert_int_equal(parse_parts("{\"alg\":\"RS256\",\"alg\":\"none\"}", "{}"), EIN_E_INVALID);
    assert_int_equal(parse_parts(RS256, "{\"sub\":\"a\",\"sub\":\"b\"}"), EIN_E_INVALID);
}

static void what_must_be_understood_is_refused(void **state)
{
    assert_int_equal(parse_parts("{\"alg\":\"RS256\",\"crit\":[\"b64\"],\"b64\":false}", "{}"),
                     EIN_E_UNSUPPORTED);
}

static void long_and_deep_tokens_are_refused(void **state)
{
    char deep[2 * JWT_DEPTH_MAX + 16] = "{\"a\":", *at = deep + 5;
    char *token = malloc(JWT_MAX + 2), kid[JWT_KID_MAX + 64];

    memset(token, 'a', JWT_MAX + 1);
    token[JWT_MAX + 1] = '\0';
    assert_int_equal(parse(token), EIN_E_INVALID);
    free(token);

    for (int i = 0; i < JWT_DEPTH_MAX; i++)
        *at++ = '[';
    for (int i = 0; i < JWT_DEPTH_MAX; i++)
        *at++ = ']';
    strcpy(at, "}");
    assert_int_equal(parse_parts(RS256, deep), EIN_E_INVALID);

    (void)snprintf(kid, sizeof(kid), "{\"alg\":\"RS256\",\"kid\":\"%0*d\"}", JWT_KID_MAX + 1, 0);
    assert_int_equal(parse_parts(kid, "{}"), EIN_E_INVALID);
}

/* ---- keys ---- */

static int make_key(json_t *take_jwk)
{
    struct jwt_key *key = NULL;
    int r = jwt_key_from_jwk(take_jwk, &key);

    json_decref(take_jwk);
    jwt_key_unref(key);
    return r;
}

static json_t *with(json_t *take_jwk, const char *name, const char *value)
{
    json_object_set_new(take_jwk, name, json_string(value));
    return take_jwk;
}

static void a_key_that_is_for_something_else_is_not_used(void **state)
{
    assert_int_equal(make_key(token_key_jwk(rsa, "k1")), 0);
    assert_int_equal(make_key(token_key_jwk(ec, NULL)), 0);
    assert_int_equal(make_key(with(token_key_jwk(rsa, "k1"), "use", "sig")), 0);
    assert_int_equal(make_key(with(token_key_jwk(rsa, "k1"), "use", "enc")), EIN_E_UNSUPPORTED);
    assert_int_equal(make_key(with(token_key_jwk(rsa, "k1"), "alg", "RS256")), 0);
    assert_int_equal(make_key(with(token_key_jwk(rsa, "k1"), "alg", "PS256")), EIN_E_UNSUPPORTED);
    assert_int_equal(make_key(with(token_key_jwk(rsa, "k1"), "alg", "HS256")), EIN_E_UNSUPPORTED);
    assert_int_equal(make_key(with(token_key_jwk(ec, "k1"), "alg", "RS256")), EIN_E_UNSUPPORTED);
    assert_int_equal(make_key(with(token_key_jwk(ec, "k1"), "crv", "P-384")), EIN_E_UNSUPPORTED);
    assert_int_equal(make_key(with(token_key_jwk(rsa, "k1"), "kty", "oct")), EIN_E_UNSUPPORTED);
    assert_int_equal(make_key(json_object()), EIN_E_UNSUPPORTED);
    assert_int_equal(make_key(json_array()), EIN_E_UNSUPPORTED);

    json_t *ops = token_key_jwk(rsa, "k1");
    json_object_set_new(ops, "key_ops", json_pack("[s]", "encrypt"));
    assert_int_equal(make_key(ops), EIN_E_UNSUPPORTED);
    ops = token_key_jwk(rsa, "k1");
    json_object_set_new(ops, "key_ops", json_pack("[s]", "verify"));
    assert_int_equal(make_key(ops), 0);
}

static void weak_and_broken_keys_are_not_used(void **state)
{
    struct token_key *weak = token_key_rsa(1024);

    assert_int_equal(make_key(token_key_jwk(weak, NULL)), EIN_E_UNSUPPORTED);
    token_key_free(weak);
    assert_int_equal(make_key(with(token_key_jwk(rsa, NULL), "e", "AQ")), EIN_E_INVALID); /* 1 */
    assert_int_equal(make_key(with(token_key_jwk(rsa, NULL), "e", "Ag")), EIN_E_INVALID); /* 2 */
    assert_int_equal(make_key(with(token_key_jwk(rsa, NULL), "e", "AQAAAAAB")), EIN_E_INVALID);
    assert_int_equal(make_key(with(token_key_jwk(rsa, NULL), "n", "")), EIN_E_INVALID);
    assert_int_equal(make_key(with(token_key_jwk(rsa, NULL), "n", "not base64url")), EIN_E_INVALID);
    assert_int_equal(make_key(with(token_key_jwk(ec, NULL), "x", "AQ")), EIN_E_INVALID);
}

static int verify_with(const char *token, struct jwt_key *take_key)
{
    struct jwt jwt;
    int r = jwt_parse(token, &jwt, NULL);

    if (r == 0) {
        r = jwt_verify(&jwt, take_key, NULL);
        jwt_done(&jwt);
    }
    jwt_key_unref(take_key);
    return r;
}

static struct jwt_key *key_of(const struct token_key *from)
{
    json_t *jwk = token_key_jwk(from, NULL);
    struct jwt_key *key;

    assert_int_equal(jwt_key_from_jwk(jwk, &key), 0);
    json_decref(jwk);
    return key;
}

static int verify(const char *token, const struct token_key *from)
{
    return verify_with(token, key_of(from));
}

static void a_signature_is_its_keys_over_this_text(void **state)
{
    json_t *body = claims();
    char *with_rsa = token_sign(rsa, RS256, body), *with_ec = token_sign(ec, ES256, body);

    assert_int_equal(verify(with_rsa, rsa), 0);
    assert_int_equal(verify(with_rsa, other_rsa), EIN_E_DENIED);
    assert_int_equal(verify(with_ec, ec), 0);

    with_rsa[strlen(with_rsa) - 4] = '\0';
    assert_true(verify(with_rsa, rsa) < 0);
    with_ec[strlen(with_ec) - 4] = '\0';
    assert_true(verify(with_ec, ec) < 0);
    free(with_rsa);
    free(with_ec);
    json_decref(body);
}

static void changed_claims_have_another_signature(void **state)
{
    json_t *body = claims();
    char *token = token_sign(rsa, RS256, body), *changed = NULL, *dot = strrchr(token, '.');

    json_object_set_new(body, "sub", json_string("mallory"));
    char *theirs = token_sign(other_rsa, RS256, body);
    *strrchr(theirs, '.') = '\0';
    assert_true(asprintf(&changed, "%s%s", theirs, dot) > 0);
    assert_int_equal(verify(changed, rsa), EIN_E_DENIED);
    free(changed);
    free(theirs);
    free(token);
    json_decref(body);
}

static void the_certificate_of_a_key_verifies_as_the_key(void **state)
{
    json_t *body = claims();
    char *pem = token_key_pem(rsa), *token = token_sign(rsa, RS256, body);
    struct jwt_key *key;

    assert_int_equal(jwt_key_from_pem(pem, &key), 0);
    assert_int_equal(verify_with(token, key), 0);
    assert_int_equal(jwt_key_from_pem("-----BEGIN CERTIFICATE-----\n", &key), EIN_E_INVALID);
    assert_int_equal(jwt_key_from_pem("", &key), EIN_E_INVALID);
    free(pem);
    free(token);
    json_decref(body);
}

static void a_token_cannot_choose_how_it_is_verified(void **state)
{
    json_t *body = claims();
    char *pem = token_key_pem(rsa);
    char *tokens[] = {
        token_sign(rsa, "{\"alg\":\"none\"}", body),  token_sign(rsa, "{\"alg\":\"None\"}", body),
        token_sign(rsa, "{\"alg\":\"rs256\"}", body), token_sign(rsa, "{\"alg\":\"RS512\"}", body),
        token_sign(rsa, "{\"alg\":\"PS256\"}", body), token_hmac(pem, "{\"alg\":\"HS256\"}", body),
        token_hmac("", "{\"alg\":\"HS256\"}", body),
    };

    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        assert_int_equal(verify(tokens[i], rsa), EIN_E_UNSUPPORTED);
        free(tokens[i]);
    }
    char *confused = token_sign(rsa, ES256, body);
    assert_int_equal(verify(confused, rsa), EIN_E_DENIED);
    assert_int_equal(verify(confused, ec), EIN_E_DENIED);
    free(confused);
    free(pem);
    json_decref(body);
}

static void an_ecdsa_signature_of_zeros_is_wrong(void **state)
{
    json_t *body = claims();
    char *token = token_sign(ec, ES256, body);

    memset(strrchr(token, '.') + 1, 'A', strlen(strrchr(token, '.') + 1));
    assert_int_equal(verify(token, ec), EIN_E_DENIED);
    free(token);
    json_decref(body);
}

static void a_key_in_the_token_itself_is_no_key(void **state)
{
    json_t *body = claims(), *jwk = token_key_jwk(other_rsa, "k1");
    json_t *header = json_pack("{s:s, s:s, s:o, s:s}", "alg", "RS256", "kid", "k1", "jwk", jwk,
                               "jku", "http://127.0.0.1:1/keys");
    char *text = json_dumps(header, 0), *token = token_sign(other_rsa, text, body);

    assert_int_equal(verify(token, rsa), EIN_E_DENIED);
    free(token);
    free(text);
    json_decref(header);
    json_decref(body);
}

/* ---- claims ---- */

static const struct jwt_rules rules = {
    .issuer = "https://issuer", .audience = "me", .now_s = 1500, .subject_max = 128
};

static int check(const char *changes, struct jwt_rules by)
{
    json_t *body = claims(), *changed = json_loads(changes, 0, NULL);
    struct ein_error err = { 0 };
    const char *name;
    json_t *value;

    assert_non_null(changed);
    json_object_foreach(changed, name, value)
    {
        if (json_is_null(value))
            json_object_del(body, name);
        else
            json_object_set(body, name, value);
    }
    int r = jwt_check(body, &by, &err);
    assert_int_equal(err.code, r);
    json_decref(changed);
    json_decref(body);
    return r;
}

static void issuer_and_audience_are_compared_exactly(void **state)
{
    assert_int_equal(check("{}", rules), 0);
    assert_int_equal(check("{\"iss\":\"https://issuer/\"}", rules), EIN_E_DENIED);
    assert_int_equal(check("{\"iss\":\"https://ISSUER\"}", rules), EIN_E_DENIED);
    assert_int_equal(check("{\"iss\":null}", rules), EIN_E_DENIED);
    assert_int_equal(check("{\"aud\":\"you\"}", rules), EIN_E_DENIED);
    assert_int_equal(check("{\"aud\":null}", rules), EIN_E_DENIED);
    assert_int_equal(check("{\"aud\":[\"me\"]}", rules), EIN_E_DENIED);
}

static void several_audiences_need_an_authorized_party(void **state)
{
    struct jwt_rules oidc = rules;

    oidc.audience_is = JWT_AUD_PARTY;
    assert_int_equal(check("{\"aud\":[\"me\"]}", oidc), 0);
    assert_int_equal(check("{\"aud\":[]}", oidc), EIN_E_DENIED);
    assert_int_equal(check("{\"aud\":[\"me\",7]}", oidc), EIN_E_DENIED);
    assert_int_equal(check("{\"aud\":[\"me\",\"you\"]}", oidc), EIN_E_DENIED);
    assert_int_equal(check("{\"aud\":[\"me\",\"you\"],\"azp\":\"me\"}", oidc), 0);
    assert_int_equal(check("{\"aud\":[\"me\",\"you\"],\"azp\":\"you\"}", oidc), EIN_E_DENIED);
    assert_int_equal(check("{\"aud\":[\"you\"],\"azp\":\"me\"}", oidc), EIN_E_DENIED);
    assert_int_equal(check("{\"azp\":\"you\"}", oidc), EIN_E_DENIED);
}

static void an_audience_may_be_one_of_several(void **state)
{
    struct jwt_rules access = rules;

    access.audience_is = JWT_AUD_AMONG;
    assert_int_equal(check("{}", access), 0);
    assert_int_equal(check("{\"aud\":[\"you\",\"me\"],\"azp\":\"you\"}", access), 0);
    assert_int_equal(check("{\"azp\":\"you\"}", access), 0);
    assert_int_equal(check("{\"aud\":[]}", access), EIN_E_DENIED);
    assert_int_equal(check("{\"aud\":[\"you\",\"them\"],\"azp\":\"me\"}", access), EIN_E_DENIED);
    assert_int_equal(check("{\"aud\":[\"me\",7]}", access), EIN_E_DENIED);
    assert_int_equal(check("{\"aud\":{\"me\":1}}", access), EIN_E_DENIED);
    assert_int_equal(check("{\"aud\":null}", access), EIN_E_DENIED);
}

static void a_subject_is_text_of_a_sane_length(void **state)
{
    char changes[256];

    assert_int_equal(check("{\"sub\":null}", rules), EIN_E_DENIED);
    assert_int_equal(check("{\"sub\":\"\"}", rules), EIN_E_DENIED);
    assert_int_equal(check("{\"sub\":5}", rules), EIN_E_DENIED);
    (void)snprintf(changes, sizeof(changes), "{\"sub\":\"%0128d\"}", 0);
    assert_int_equal(check(changes, rules), 0);
    (void)snprintf(changes, sizeof(changes), "{\"sub\":\"%0129d\"}", 0);
    assert_int_equal(check(changes, rules), EIN_E_DENIED);
}

static void a_token_has_its_time(void **state)
{
    struct jwt_rules lenient = rules;

    lenient.early_s = 10;
    lenient.late_s = 20;
    assert_int_equal(check("{\"exp\":1501}", rules), 0);
    assert_int_equal(check("{\"exp\":1500}", rules), EIN_E_TIMEOUT);
    assert_int_equal(check("{\"exp\":1481}", lenient), 0);
    assert_int_equal(check("{\"exp\":1480}", lenient), EIN_E_TIMEOUT);
    assert_int_equal(check("{\"iat\":1500}", rules), 0);
    assert_int_equal(check("{\"iat\":1501}", rules), EIN_E_DENIED);
    assert_int_equal(check("{\"iat\":1510}", lenient), 0);
    assert_int_equal(check("{\"iat\":1511}", lenient), EIN_E_DENIED);
    assert_int_equal(check("{\"nbf\":1500.5}", rules), 0);
    assert_int_equal(check("{\"nbf\":1501}", rules), EIN_E_DENIED);
    assert_int_equal(check("{\"nbf\":\"1400\"}", rules), EIN_E_DENIED);
}

static void a_time_is_there_and_is_a_number(void **state)
{
    static const char *const bad[] = { "null", "\"2000\"", "true", "-1", "1e300", "[2000]" };
    char changes[64];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(changes, sizeof(changes), "{\"exp\":%s}", bad[i]);
        assert_int_equal(check(changes, rules), EIN_E_DENIED);
        (void)snprintf(changes, sizeof(changes), "{\"iat\":%s}", bad[i]);
        assert_int_equal(check(changes, rules), EIN_E_DENIED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64url_knows_one_text_for_any_bytes),
        cmocka_unit_test(base64_is_padded_where_that_is_asked_for),
        cmocka_unit_test(a_token_is_two_objects_and_a_signature),
        cmocka_unit_test(a_member_that_comes_twice_is_refused),
        cmocka_unit_test(what_must_be_understood_is_refused),
        cmocka_unit_test(long_and_deep_tokens_are_refused),
        cmocka_unit_test(a_key_that_is_for_something_else_is_not_used),
        cmocka_unit_test(weak_and_broken_keys_are_not_used),
        cmocka_unit_test(a_signature_is_its_keys_over_this_text),
        cmocka_unit_test(changed_claims_have_another_signature),
        cmocka_unit_test(the_certificate_of_a_key_verifies_as_the_key),
        cmocka_unit_test(a_token_cannot_choose_how_it_is_verified),
        cmocka_unit_test(an_ecdsa_signature_of_zeros_is_wrong),
        cmocka_unit_test(a_key_in_the_token_itself_is_no_key),
        cmocka_unit_test(issuer_and_audience_are_compared_exactly),
        cmocka_unit_test(several_audiences_need_an_authorized_party),
        cmocka_unit_test(an_audience_may_be_one_of_several),
        cmocka_unit_test(a_subject_is_text_of_a_sane_length),
        cmocka_unit_test(a_token_has_its_time),
        cmocka_unit_test(a_time_is_there_and_is_a_number),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
