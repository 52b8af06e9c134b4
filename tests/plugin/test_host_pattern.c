/* SPDX-License-Identifier: Apache-2.0 */
#include "host_pattern.h"
#include "unit.h"

#include <regex.h>
#include <string.h>

static void a_url_has_one_place(void **state)
{
    static const struct {
        const char *url, *host;
        unsigned port;
    } cases[] = {
        { "http://a.example", "a.example", 80 },
        { "HTTPS://A.Example/x?y#z", "a.example", 443 },
        { "https://a.example:8443?x", "a.example", 8443 },
        { "http://a.example.#", "a.example", 80 },
        { "http://[2001:DB8::1]:81/", "[2001:db8::1]", 81 },
        { "http://10.0.0.1/", "10.0.0.1", 80 },
    };
    struct url_place place;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(url_place_read(cases[i].url, &place));
        assert_string_equal(place.host, cases[i].host);
        assert_int_equal(place.port, cases[i].port);
    }
}

static void what_readers_could_read_in_two_ways_is_refused(void **state)
{
    static const char *const urls[] = {
        "",
        "a.example",
        "ftp://a.example/",
        "http:/a.example/",
        "http:a.example",
        "http:///a.example/",
        "http://",
        "http://user@a.example/",
        "http://a.example:80@b.example/",
        "http://a.example\\@b.example/",
        "http://a.example%00.b.example/",
        "http://a.example b.example/",
        "http://a.example:/",
        "http://a.example:0/",
        "http://a.example:65536/",
        "http://a.example:8x/",
        "http://a.example:+80/",
        "http://a.example: 80/",
        "http://[::1/",
        "http://[]/",
        "http://[::1%25eth0]/",
        "http://[::1]b.example/",
        "http://b\xc3\xbc.example/",
        " http://a.example/",
        "http://a.example\t/",
    };
    struct url_place place;

    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        assert_false(url_place_read(urls[i], &place));
}

static void a_pattern_is_a_host_or_all_below_one(void **state)
{
    static const struct {
        const char *pattern, *url;
        bool matches;
    } cases[] = {
        { "a.example", "http://a.example/", true },
        { "A.example", "http://a.EXAMPLE/", true },
        { "a.example", "http://b.a.example/", false },
        { "a.example", "http://xa.example/", false },
        { "a.example", "https://a.example:8443/", true },
        { "a.example:443", "https://a.example/", true },
        { "a.example:443", "http://a.example/", false },
        { "a.example:4430", "https://a.example/", false },
        { "*.a.example", "http://b.a.example/", true },
        { "*.a.example", "http://c.b.a.example/", true },
        { "*.a.example", "http://a.example/", false },
        { "*.a.example", "http://xa.example/", false },
        { "*.a.example:81", "http://b.a.example:81/", true },
        { "*", "http://anything.example/", true },
        { "*:443", "http://anything.example/", false },
        { "[2001:db8::1]", "http://[2001:DB8::1]/", true },
        { "[2001:db8::1]:81", "http://[2001:db8::1]:81/", true },
        { "[2001:db8::1]:81", "http://[2001:db8::1]/", false },
        { "", "http://a.example/", false },
        { "a.example:", "http://a.example/", false },
        { "a.example:80x", "http://a.example/", false },
    };
    struct url_place place;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(url_place_read(cases[i].url, &place));
        assert_int_equal(host_pattern_matches(cases[i].pattern, &place), cases[i].matches);
    }
}

static void the_form_of_a_pattern_is_checked_when_it_is_saved(void **state)
{
    static const char *const good[] = { "a.example",      "*.a.example", "*",
                                        "localhost:8080", "[::1]:8080",  "10.0.0.1",
                                        "[::1]",          "*:443",       "xn--bcher-kva" };
    static const char *const bad[] = {
        "",   "http://a.example", "a.example/x", "a b", "*a.example", "a.*.example", "a@b",
        "a:", "a:123456",         "[::1",        "**"
    };
    regex_t form;

    assert_int_equal(regcomp(&form, HOST_PATTERN_FORM, REG_EXTENDED | REG_NOSUB), 0);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(regexec(&form, good[i], 0, NULL, 0), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(regexec(&form, bad[i], 0, NULL, 0), REG_NOMATCH);
    regfree(&form);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_has_one_place),
        cmocka_unit_test(what_readers_could_read_in_two_ways_is_refused),
        cmocka_unit_test(a_pattern_is_a_host_or_all_below_one),
        cmocka_unit_test(the_form_of_a_pattern_is_checked_when_it_is_saved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
