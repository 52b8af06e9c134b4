/* SPDX-License-Identifier: Apache-2.0 */
#include "base64url.h"
#include "cleanup.h"
#include "clock.h"
#include "html.h"
#include "percent.h"
#include "return_to.h"
#include "state.h"
#include "unit.h"

#include <string.h>

static int64_t present = INT64_C(1800000000000);

int64_t __wrap_clock_wall_us(void);

int64_t __wrap_clock_wall_us(void)
{
    return present * 1000;
}

/* ---- texts ---- */

static void html_has_no_markup_of_the_text(void **state)
{
    static const char *const cases[][2] = {
        { "", "" },
        { "plain é", "plain é" },
        { "<a href=\"x\">&'", "&lt;a href=&quot;x&quot;&gt;&amp;&#39;" },
        { "&lt;", "&amp;lt;" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EIN_FREE char *escaped = html_escape(cases[i][0]);

        assert_string_equal(escaped, cases[i][1]);
    }
}

static void percents_go_there_and_back(void **state)
{
    static const char *const texts[] = {
        "", "a-b_c.d~e", "a b&c=d+e", "%", "%41", "é", "\x01\x7f"
    };
    EIN_FREE char *encoded = percent_encode("/a b?ü", "/?");

    assert_string_equal(encoded, "/a%20b?%C3%BC");
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        EIN_FREE char *text = percent_encode(texts[i], "");

        assert_int_equal(percent_decode(text, strlen(text)), strlen(texts[i]));
        assert_string_equal(text, texts[i]);
    }
}

static void moments_are_written_as_timestamps(void **state)
{
    char text[CLOCK_ISO_SIZE];

    clock_iso_at(text, 0);
    assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
    clock_iso_at(text, INT64_C(1800000000789000));
    assert_string_equal(text, "2027-01-15T08:00:00.789000Z");
}

static void tokens_differ_and_have_one_hash(void **state)
{
    char a[TOKEN_SIZE], b[TOKEN_SIZE], hash[TOKEN_HASH_SIZE];
    static const char url_safe[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    assert_int_equal(token_make(a), 0);
    assert_int_equal(token_make(b), 0);
    assert_int_equal(strspn(a, url_safe), 43);
    assert_int_equal(strlen(a), 43);
    assert_string_not_equal(a, b);
    token_hash("abc", hash);
    assert_string_equal(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* ---- where a login comes out ---- */

static void several_front_ends_may_be_named(void **state)
{
    json_t *frontends = json_pack("[s, s]", "https://a.example/", "http://b.example:3000");
    static const char *const cases[][2] = {
        { "/x", "https://a.example/x" },
        { "https://a.example/x", "https://a.example/x" },
        { "https://a.example", "https://a.example" },
        { "https://A.example?x", "https://A.example?x" },
        { "http://b.example:3000#y", "http://b.example:3000#y" },
        { "http://b.example", "https://a.example/" },
        { "http://b.example:30000/", "https://a.example/" },
        { "https://a.example:443/", "https://a.example/" },
        { "https://a.example.evil/", "https://a.example/" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EIN_FREE char *url = return_to_url(frontends, cases[i][0]);

        assert_string_equal(url, cases[i][1]);
    }
    json_decref(frontends);
}

/* ---- states ---- */

static struct auth_session with_key(unsigned char byte)
{
    struct auth_session self = { 0 };

    memset(self.login_key, byte, sizeof(self.login_key));
    return self;
}

static void a_state_brings_back_what_was_made_with_it(void **state)
{
    const struct auth_session self = with_key(7);
    struct login_secrets made, found;

    assert_int_equal(state_make(&self, "oidc", &made), 0);
    assert_true(state_check(&self, "oidc", made.state, &found));
    assert_string_equal(found.state, made.state);
    assert_string_equal(found.verifier, made.verifier);
    assert_string_equal(found.nonce, made.nonce);
    assert_int_equal(strlen(made.verifier), 43);
    assert_string_not_equal(made.verifier, made.nonce);
    assert_null(strstr(made.state, made.verifier));
}

static void no_two_logins_share_anything(void **state)
{
    const struct auth_session self = with_key(7);
    struct login_secrets a, b;

    assert_int_equal(state_make(&self, "oidc", &a), 0);
    assert_int_equal(state_make(&self, "oidc", &b), 0);
    assert_string_not_equal(a.state, b.state);
    assert_string_not_equal(a.verifier, b.verifier);
    assert_string_not_equal(a.nonce, b.nonce);
}

static void a_state_is_for_one_provider_one_key_and_ten_minutes(void **state)
{
    const struct auth_session self = with_key(7), other = with_key(8);
    struct login_secrets made, found;
    int64_t before = present;

    assert_int_equal(state_make(&self, "oidc", &made), 0);
    assert_false(state_check(&self, "google", made.state, &found));
    assert_false(state_check(&self, "oid", made.state, &found));
    assert_false(state_check(&other, "oidc", made.state, &found));
    present = before + (LOGIN_S - 1) * 1000;
    assert_true(state_check(&self, "oidc", made.state, &found));
    present = before + LOGIN_S * 1000;
    assert_false(state_check(&self, "oidc", made.state, &found));
    present = before;
}

/* Whichever bit is another one. */
static void a_state_cannot_be_changed(void **state)
{
    const struct auth_session self = with_key(7);
    struct login_secrets made, found;
    EIN_FREE unsigned char *bytes = NULL;
    size_t len;

    assert_int_equal(state_make(&self, "oidc", &made), 0);
    bytes = base64url_decode(made.state, strlen(made.state), &len);
    for (size_t bit = 0; bit < 8 * len; bit++) {
        EIN_FREE char *text = NULL;

        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        text = base64url_encode(bytes, len);
        assert_false(state_check(&self, "oidc", text, &found));
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    for (size_t cut = 0; cut < strlen(made.state); cut++) {
        EIN_FREE char *text = strndup(made.state, cut);

        assert_false(state_check(&self, "oidc", text, &found));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(html_has_no_markup_of_the_text),
        cmocka_unit_test(percents_go_there_and_back),
        cmocka_unit_test(moments_are_written_as_timestamps),
        cmocka_unit_test(tokens_differ_and_have_one_hash),
        cmocka_unit_test(several_front_ends_may_be_named),
        cmocka_unit_test(a_state_brings_back_what_was_made_with_it),
        cmocka_unit_test(no_two_logins_share_anything),
        cmocka_unit_test(a_state_is_for_one_provider_one_key_and_ten_minutes),
        cmocka_unit_test(a_state_cannot_be_changed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
