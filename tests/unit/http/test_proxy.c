/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"
#include "proxy.h"

static struct fixture *behind(const char *public_url)
{
    EIN_JSON json_t *http = json_pack("{s:[s, s], s:s}", "trusted_proxies", "10.0.0.0/8", "fd00::1",
                                      "public_url", public_url);

    return fixture_of(NULL, http);
}

static void the_client_is_whom_the_last_untrusted_hop_saw(void **state)
{
    static const struct {
        const char *peer, *list, *client;
    } cases[] = {
        { "10.0.0.1", "192.0.2.7", "192.0.2.7" },
        { "fd00::1", "2001:DB8::7", "2001:db8::7" },
        { "10.0.0.1", "6.6.6.6, 192.0.2.7", "192.0.2.7" },
        { "10.0.0.1", "6.6.6.6, 192.0.2.7 , 10.0.0.2,fd00::1", "192.0.2.7" },
        { "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3" },
        { "10.0.0.1", "192.0.2.7:4711", "192.0.2.7" },
        { "10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7" },
        { "10.0.0.1", "[2001:db8::7]", "2001:db8::7" },
        { "10.0.0.1", "::ffff:192.0.2.7", "192.0.2.7" },
        { "10.0.0.1", "192.0.2.7, unknown, 10.0.0.2", "10.0.0.2" },
        { "10.0.0.1", "\xff, 192.0.2.7", "192.0.2.7" },
        /* what is no address is not taken over */
        { "10.0.0.1", "unknown", "10.0.0.1" },
        { "10.0.0.1", "", "10.0.0.1" },
        { "10.0.0.1", "<script>", "10.0.0.1" },
        { "10.0.0.1", "192.0.2.7,", "10.0.0.1" },
        /* nor from whom is not trusted */
        { "11.0.0.1", "192.0.2.7", "11.0.0.1" },
        { "fd00::2", "192.0.2.7", "fd00::2" },
    };
    struct fixture *it = behind("");

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ein_req *req;

        it->client_addr = cases[i].peer;
        req = fixture_begin(it, "GET", "/", HEADERS("X-Forwarded-For", cases[i].list));
        assert_string_equal(request_client_addr(req), cases[i].client);
        request_done(req);
    }
    fixture_free(it);
}

static void the_scheme_is_the_browser_side(void **state)
{
    static const struct {
        const char *peer, *proto, *origin;
    } cases[] = {
        { "10.0.0.1", "https", "https://h" },       { "10.0.0.1", "HTTPS", "https://h" },
        { "10.0.0.1", "https, http", "https://h" }, { "10.0.0.1", "http", "http://h" },
        { "10.0.0.1", "httpsx", "http://h" },       { "10.0.0.1", "proxy", "http://h" },
        { "11.0.0.1", "https", "http://h" },
    };
    struct fixture *it = behind("");

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ein_req *req;

        it->client_addr = cases[i].peer;
        req = fixture_begin(it, "GET", "/",
                            HEADERS("Host", "h", "X-Forwarded-Proto", cases[i].proto));
        assert_string_equal(request_origin(req), cases[i].origin);
        assert_int_equal(reply_set_cookie(req, "a", "b", 1, EIN_COOKIE_HTTP_ONLY), 0);
        assert_int_equal(!!(req->reply.cookies->flags & EIN_COOKIE_SECURE),
                         strncmp(cases[i].origin, "https", 5) == 0);
        request_done(req);
    }
    fixture_free(it);
}

static void the_public_url_is_what_the_operator_says(void **state)
{
    struct fixture *it = behind("https://Agents.example.org/");
    struct ein_req *req = fixture_begin(it, "GET", "/", HEADERS("Host", "evil"));

    assert_string_equal(request_origin(req), "https://agents.example.org");
    assert_int_equal(reply_set_cookie(req, "a", "b", 1, 0), 0);
    assert_true(req->reply.cookies->flags & EIN_COOKIE_SECURE);
    request_done(req);
    fixture_free(it);
}

static void what_is_no_network_is_refused(void **state)
{
    static const char *const bad[] = { "10.0.0.0/33", "proxy.local", "" };
    EIN_JSON json_t *limits = section_with("limits", NULL);

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EIN_JSON json_t *http = json_pack("{s:[], s:[s]}", "origins", "trusted_proxies", bad[i]);
        const struct settings_from from = { .limits = limits, .http = http };
        struct settings *settings;
        struct ein_error err;

        assert_int_equal(settings_new(&from, &settings, &err), EIN_E_INVALID);
        assert_non_null(strstr(err.text, "http.trusted_proxies"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_is_whom_the_last_untrusted_hop_saw),
        cmocka_unit_test(the_scheme_is_the_browser_side),
        cmocka_unit_test(the_public_url_is_what_the_operator_says),
        cmocka_unit_test(what_is_no_network_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
