/* SPDX-License-Identifier: Apache-2.0 */
#include "csrf.h"
#include "fixture.h"

static struct fixture *begin_behind_tls(const char *public_url)
{
    EIN_JSON json_t *http =
        json_pack("{s:[s], s:s}", "trusted_proxies", "127.0.0.1", "public_url", public_url);

    return fixture_of(NULL, http);
}

/* Whether a request of HEADERS that PROOF (NULL: nothing) stands for passes. */
static bool passes(struct fixture *it, const char *method, const char *proof,
                   const char *const *headers)
{
    const struct ein_identity identity = { .uid = "u", .proof = proof };
    struct ein_req *req = fixture_begin(it, method, "/", headers);
    bool passed;

    req->identity = proof ? &identity : NULL;
    passed = csrf_check(req);
    assert_int_equal(req->reply.status, passed ? 0 : 403);
    request_done(req);
    return passed;
}

static void a_cookie_does_not_authorise_a_foreign_page(void **state)
{
    static const struct {
        const char *origin, *site;
        bool passes;
    } cases[] = {
        { "http://h:8000", "same-origin", true },
        { "HTTP://H:8000", NULL, true },
        { "http://front.example:3000", "cross-site", true }, /* on http.origins */
        { "http://front.example:3001", NULL, false },
        { "http://evil.example", NULL, false },
        { "http://h:8000.evil.example", NULL, false },
        { "http://h", NULL, false },
        { "http://evil.example/http://h:8000", NULL, false },
        { "null", NULL, false },
        { "h:8000", NULL, false },
        { NULL, "cross-site", false },
        { "http://h:8000", "cross-site", false },
        { NULL, "same-site", true },
        { NULL, "same-origin", true },
        { NULL, "none", true },
    };
    struct fixture *it = fixture_with(NULL);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *headers[7] = { "Host", "h:8000" };
        size_t count = 2;

        if (cases[i].origin) {
            headers[count++] = "Origin";
            headers[count++] = cases[i].origin;
        }
        if (cases[i].site) {
            headers[count++] = "Sec-Fetch-Site";
            headers[count++] = cases[i].site;
        }
        headers[count] = NULL;
        assert_int_equal(passes(it, "POST", "cookie", headers), cases[i].passes);
        assert_int_equal(passes(it, "DELETE", "loopback", headers), cases[i].passes);
        assert_int_equal(passes(it, "PUT", NULL, headers), cases[i].passes);
        /* of a provider that says nothing of it, or what nobody knows: a proxy may have added it */
        assert_int_equal(passes(it, "PATCH", "", headers), cases[i].passes);
        assert_int_equal(passes(it, "POST", "certificate", headers), cases[i].passes);
        assert_true(passes(it, "GET", "cookie", headers));
        assert_true(passes(it, "POST", "api_key", headers));
        assert_true(passes(it, "POST", "bearer", headers));
        assert_true(passes(it, "POST", "demo", headers));
    }
    fixture_free(it);
}

static void programs_go_on(void **state)
{
    struct fixture *it = fixture_with(NULL);

    assert_true(passes(it, "POST", "cookie", HEADERS("Host", "h")));
    fixture_free(it);
}

static void behind_tls_a_plain_page_of_the_same_name_is_foreign(void **state)
{
    struct fixture *it = begin_behind_tls("");

    assert_true(passes(it, "POST", "cookie",
                       HEADERS("Host", "h", "X-Forwarded-Proto", "https", "Origin", "https://h")));
    assert_false(passes(it, "POST", "cookie",
                        HEADERS("Host", "h", "X-Forwarded-Proto", "https", "Origin", "http://h")));
    fixture_free(it);
    it = begin_behind_tls("https://agents.example");
    assert_true(passes(it, "POST", "cookie",
                       HEADERS("Host", "inner:8000", "Origin", "https://agents.example")));
    assert_false(passes(it, "POST", "cookie",
                        HEADERS("Host", "inner:8000", "Origin", "http://agents.example")));
    fixture_free(it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cookie_does_not_authorise_a_foreign_page),
        cmocka_unit_test(programs_go_on),
        cmocka_unit_test(behind_tls_a_plain_page_of_the_same_name_is_foreign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
