/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "json_depth.h"
#include "json_quick.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* after the four it needs */
#include <cmocka.h>

enum { DEPTH = 8 };

static json_t *slow(const char *text)
{
    return json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
}

static void what_it_reads_is_what_jansson_reads(void **state)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        " [ 1 , -2 , 3.5 , 1e3 , -0 , 0.25E-2 , 123456789012345678 ] ",
        "{\"a\": {\"b\": [true, false, null]}, \"c\": \"\"}",
        "\"plain\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"",
        "\"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"",
        "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\\nb\"},\"finish_reason\":null}]}",
        "1e-400",
        "[[[[[[[[]]]]]]]]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        EIN_JSON json_t *quick = json_quick(texts[i], strlen(texts[i]), DEPTH);
        EIN_JSON json_t *wanted = slow(texts[i]);

        if (!quick || !json_equal(quick, wanted))
            fail_msg("%s", texts[i]);
    }
}

static void what_is_not_json_it_does_not_read(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":}",
        "{\"a\" 1}",
        "{a:1}",
        "[1 2]",
        "01",
        "1.",
        ".5",
        "-",
        "1e",
        "+1",
        "nul",
        "tru",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"\n\"",
        "\"\xff\"",
        "\"\xc0\x80\"",
        "{} {}",
        "[1]x",
        "1e999",
        "{\"a\":1,\"a\":2}",
        "[[[[[[[[[]]]]]]]]]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (json_quick(texts[i], strlen(texts[i]), DEPTH))
            fail_msg("%s", texts[i]);
    assert_null(json_quick("[1]\0", 4, DEPTH));
}

static void a_long_text_with_escapes_is_whole(void **state)
{
    enum { COUNT = 5000 };
    char *text = malloc(2 * COUNT + 3);
    EIN_JSON json_t *json = NULL;

    (void)state;
    text[0] = '"';
    for (size_t i = 0; i < COUNT; i++)
        memcpy(text + 1 + 2 * i, "\\n", 2);
    strcpy(text + 1 + 2 * (size_t)COUNT, "\"");
    json = json_quick(text, strlen(text), DEPTH);
    assert_int_equal(json_string_length(json), COUNT);
    assert_int_equal(strspn(json_string_value(json), "\n"), COUNT);
    free(text);
}

enum { A = 1, B, C, PLACES };

static const struct json_known item[] = { { "b", B }, { "x" }, { 0 } },
                               list[] = { { "item", .members = item }, { 0 } },
                               known[] = { { "a", A },
                                           { "list", .members = list, .list = true },
                                           { "c", C },
                                           { "object" },
                                           { 0 } };

static void of_what_is_known_it_reads_what_is_wanted(void **state)
{
    static const struct {
        const char *text, *a, *b; /* "": it is not there; a NULL: somebody else should look at it */
    } cases[] = {
        { "{}", "", "" },
        { " { \"a\" : [1,{\"[\":\"]\"}] , \"object\" : \"x y\" } ", "[1,{\"[\":\"]\"}]", "" },
        { "{\"object\":-1.5e3,\"list\":[{\"item\":{\"x\":1,\"b\":\"\\n\"}}]}", "", "\"\\n\"" },
        { "{\"list\":[ ],\"a\":12}", "12", "" },
        { "{\"list\":[ { } ]}", "", "" },
        { "{\"list\":null,\"a\":null,\"what\":null}", "", "" },
        { "{\"c\":1}", "", "" }, /* it has a value */
        { "{\"a\":{1}}", NULL },
        { "{\"c\":[]}", NULL },
        { "{\"a\":[\"]}", NULL },
        { "{\"a\":[[]", NULL },
        { "{\"a\":]}", NULL },
        { "{\"what\":1}", NULL },
        { "{\"list\":[{\"b\":1}]}", NULL },
        { "{\"list\":[{},{}]}", NULL },
        { "{\"list\":[1]}", NULL },
        { "{\"list\":{}}", NULL },
        { "{\"list\":[{\"item\":[]}]}", NULL },
        { "{\"a\":1,\"a\":2}", NULL },
        { "{\"a\":null,\"a\":2}", NULL },
        { "{\"list\":[],\"list\":[]}", NULL },
        { "{\"objects\":2}", NULL },
        { "{\"objec\":2}", NULL },
        { "{\"object\":[1]}", NULL },
        { "{\"object\":}", NULL },
        { "{\"object\":01}", NULL },
        { "{\"object\":\"x}", NULL },
        { "{\"object\":\"\\n\"}", NULL },
        { "{\"object\":nul}", NULL },
        { "{\"object\":1,}", NULL },
        { "{\"object\":1}{", NULL },
        { "{\"object\":1", NULL },
        { "[{\"object\":1}]", NULL },
        { "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_found found[PLACES] = { [C].value = json_true() };
        const char *const wanted[PLACES] = { NULL, cases[i].a, cases[i].b };
        bool read = json_quick_known(cases[i].text, strlen(cases[i].text), known, found);

        if (read != (cases[i].a != NULL))
            fail_msg("%s", cases[i].text);
        for (size_t at = A; at <= B; at++) {
            EIN_JSON json_t *value = found[at].value;
            EIN_JSON json_t *its = read ? slow(wanted[at]) : NULL;

            if (read && (value ? !json_equal(value, its) || found[at].len != strlen(wanted[at]) ||
                                     memcmp(found[at].at, wanted[at], found[at].len) != 0
                               : *wanted[at]))
                fail_msg("%s: %zu", cases[i].text, at);
        }
    }
}

/* Every part of a text, and every text with one byte changed. */
static void a_damaged_text_is_read_as_jansson_reads_it_or_not_at_all(void **state)
{
    static const char text[] =
        "{\"a\":[1,-2.5e3,\"x\\u00e9\\n\",{\"b\":null,\"c\":true}],\"d\":\"\xc3\xa9\"}";
    char damaged[sizeof text];

    (void)state;
    for (size_t at = 0; at < sizeof text - 1; at++)
        for (int byte = 0; byte < 256; byte++) {
            memcpy(damaged, text, sizeof text);
            damaged[at] = (char)byte;
            EIN_JSON json_t *quick = json_quick(damaged, sizeof text - 1, DEPTH);
            EIN_JSON json_t *wanted =
                quick ? json_loadb(damaged, sizeof text - 1,
                                   JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL)
                      : NULL;

            if (quick && (!wanted || !json_equal(quick, wanted)))
                fail_msg("%s", damaged);
            assert_null(json_quick(text, at, DEPTH));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_reads_is_what_jansson_reads),
        cmocka_unit_test(what_is_not_json_it_does_not_read),
        cmocka_unit_test(a_long_text_with_escapes_is_whole),
        cmocka_unit_test(of_what_is_known_it_reads_what_is_wanted),
        cmocka_unit_test(a_damaged_text_is_read_as_jansson_reads_it_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
