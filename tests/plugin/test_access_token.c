/* SPDX-License-Identifier: Apache-2.0 */
/* What of an issuer's tokens is an access token, what it may do, and how long it is known. */
#include "access_token.h"
#include "cleanup.h"
#include "scopes.h"
#include "seen.h"
#include "unit.h"

#include <string.h>

static int kind(const char *header, const char *claims)
{
    struct jwt jwt = { .header = json_loads(header, 0, NULL),
                       .claims = json_loads(claims, 0, NULL) };
    int r;

    assert_non_null(jwt.header);
    assert_non_null(jwt.claims);
    r = access_token_check(&jwt, NULL);
    jwt_done(&jwt);
    return r;
}

static void the_type_says_that_it_is_one(void **state)
{
    assert_int_equal(kind("{\"typ\":\"at+jwt\"}", "{}"), 0);
    assert_int_equal(kind("{\"typ\":\"AT+JWT\"}", "{}"), 0);
    assert_int_equal(kind("{\"typ\":\"application/at+jwt\"}", "{}"), 0);
    assert_int_equal(kind("{\"typ\":\"at+jwtx\"}", "{\"scope\":\"\"}"), EIN_E_DENIED);
    assert_int_equal(kind("{\"typ\":\"application/\"}", "{\"scope\":\"\"}"), EIN_E_DENIED);
    assert_int_equal(kind("{\"typ\":\"dpop+jwt\"}", "{\"scope\":\"\"}"), EIN_E_DENIED);
    assert_int_equal(kind("{\"typ\":null}", "{\"scope\":\"\"}"), EIN_E_DENIED);
}

static void without_its_type_it_has_to_show(void **state)
{
    static const char *const headers[] = { "{}", "{\"typ\":\"JWT\"}",
                                           "{\"typ\":\"application/jwt\"}" };

    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        assert_int_equal(kind(headers[i], "{\"scope\":\"\"}"), 0);
        assert_int_equal(kind(headers[i], "{\"scp\":[],\"typ\":\"Bearer\"}"), 0);
        assert_int_equal(kind(headers[i], "{\"scp\":[],\"token_use\":\"access\"}"), 0);
        assert_int_equal(kind(headers[i], "{}"), EIN_E_DENIED);
        assert_int_equal(kind(headers[i], "{\"typ\":\"Bearer\"}"), EIN_E_DENIED);
        assert_int_equal(kind(headers[i], "{\"scope\":\"\",\"typ\":\"Refresh\"}"), EIN_E_DENIED);
        assert_int_equal(kind(headers[i], "{\"scope\":\"\",\"typ\":null}"), EIN_E_DENIED);
        assert_int_equal(kind(headers[i], "{\"scope\":\"\",\"nonce\":\"\"}"), EIN_E_DENIED);
        assert_int_equal(kind(headers[i], "{\"scope\":\"\",\"c_hash\":\"\"}"), EIN_E_DENIED);
    }
}

static void who_is_no_person_has_no_login(void **state)
{
    static const char header[] = "{\"typ\":\"at+jwt\"}";

    assert_int_equal(
        kind(header, "{\"sub\":\"a\",\"client_id\":\"b\",\"azp\":\"b\",\"oid\":\"c\"}"), 0);
    assert_int_equal(kind(header, "{\"sub\":\"a\",\"azp\":\"a\"}"), EIN_E_DENIED);
    assert_int_equal(kind(header, "{\"sub\":\"a\",\"cid\":\"a\"}"), EIN_E_DENIED);
    assert_int_equal(kind(header, "{\"sub\":\"a\",\"appid\":\"a\"}"), EIN_E_DENIED);
    assert_int_equal(kind(header, "{\"sub\":\"a\",\"oid\":\"a\"}"), EIN_E_DENIED);
    assert_int_equal(kind(header, "{\"sub\":\"a\",\"idtyp\":\"app\"}"), EIN_E_DENIED);
    assert_int_equal(kind(header, "{\"sub\":\"a\",\"cnf\":{}}"), EIN_E_DENIED);
}

static void its_scopes_are_those_of_ours(void **state)
{
    EIN_JSON json_t *claims =
        json_pack("{s:s, s:[s,s,i,s,n]}", "scope", " openid  agents:run admin ", "scp", "use:a b",
                  "models", 7, "admin:read");
    EIN_JSON json_t *scopes = access_token_scopes(claims);
    EIN_JSON json_t *expected = json_pack("[s, s]", "agents:run", "models");

    assert_true(json_equal(scopes, expected));
}

static void a_scope_is_read_to_the_letter(void **state)
{
    static const char *const ours[] = { "models",           "agents:read", "deployments:run",
                                        "admin:write",      "use:payroll", "use:0a_.-",
                                        "deployments:write" };
    static const char *const not_ours[] = { "",           "model",   "modelsx", "agents:",
                                            "agents:all", "use",     "use:",    "use:-a",
                                            "use:A",      "use:a:b", "Agents",  "agents:r",
                                            ":read" };
    char longest[4 + 65 + 1] = "use:";

    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        assert_true(scope_is_ours(ours[i]));
    for (size_t i = 0; i < sizeof(not_ours) / sizeof(not_ours[0]); i++)
        assert_false(scope_is_ours(not_ours[i]));
    memset(longest + 4, 'a', 64);
    assert_true(scope_is_ours(longest));
    memset(longest + 4, 'a', 65);
    assert_false(scope_is_ours(longest));
}

static void a_token_is_known_until_it_expires(void **state)
{
    static const unsigned char one[SEEN_HASH_SIZE] = "1", two[SEEN_HASH_SIZE] = "2";
    EIN_JSON json_t *claims = json_object();
    struct seen *seen;

    assert_int_equal(seen_new(1, &seen, NULL), 0);
    seen_add(seen, one, claims, 100, 50, 90);
    for (int i = 0; i < 2; i++) {
        EIN_JSON json_t *known = seen_get(seen, one, 99);
        assert_ptr_equal(known, claims);
    }
    assert_null(seen_get(seen, one, 100));
    assert_null(seen_get(seen, one, 99)); /* it was forgotten */
    seen_add(seen, one, claims, 100, 50, 90);
    seen_add(seen, two, claims, 100, 50, 90); /* takes its place */
    assert_null(seen_get(seen, one, 0));
    seen_free(seen);
}

static void a_token_is_known_no_longer_than_its_key(void **state)
{
    static const unsigned char one[SEEN_HASH_SIZE] = "1", two[SEEN_HASH_SIZE] = "2";
    EIN_JSON json_t *claims = json_object();
    struct seen *seen;

    assert_int_equal(seen_new(2, &seen, NULL), 0);
    seen_add(seen, one, claims, INT64_C(1) << 52, 60, 100);
    {
        EIN_JSON json_t *known = seen_get(seen, one, 159);
        assert_ptr_equal(known, claims);
    }
    assert_null(seen_get(seen, one, 160));
    seen_add(seen, two, claims, 200, 0, 100); /* no key at all */
    assert_null(seen_get(seen, two, 100));
    seen_free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_type_says_that_it_is_one),
        cmocka_unit_test(without_its_type_it_has_to_show),
        cmocka_unit_test(who_is_no_person_has_no_login),
        cmocka_unit_test(its_scopes_are_those_of_ours),
        cmocka_unit_test(a_scope_is_read_to_the_letter),
        cmocka_unit_test(a_token_is_known_until_it_expires),
        cmocka_unit_test(a_token_is_known_no_longer_than_its_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
