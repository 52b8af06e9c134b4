/* SPDX-License-Identifier: Apache-2.0 */
#include "file_text.h"
#include "percent.h"
#include "steps.h"
#include "str.h"
#include "unit.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void null_equals_only_null(void **state)
{
    assert_true(str_eq(NULL, NULL));
    assert_false(str_eq(NULL, ""));
    assert_false(str_eq("", NULL));
    assert_true(str_eq_case("Content-TYPE", "content-type"));
    assert_false(str_eq_case("a", "ab"));
    assert_false(str_eq_case("@", "`"));
    assert_true(str_eq_case(NULL, NULL));
}

static void beginnings_and_ends(void **state)
{
    assert_true(str_starts("abc", ""));
    assert_true(str_starts("abc", "ab"));
    assert_false(str_starts("a", "ab"));
    assert_true(str_ends("abc", "bc"));
    assert_false(str_ends("c", "bc"));
}

static void a_text_is_made_of_some_characters_only(void **state)
{
    assert_true(str_only("cab", "abc"));
    assert_false(str_only("cab!", "abc"));
    assert_false(str_only("", "abc"));
    assert_false(str_has_control("a b\xc3\xa9~"));
    assert_true(str_has_control("a\tb"));
    assert_true(str_has_control("a\x7f"));
}

static void white_space_around_a_text_is_none_of_it(void **state)
{
    static const char text[] = " \t a b\r\n";
    size_t len = sizeof(text) - 1;

    assert_ptr_equal(str_trim(text, &len), text + 3);
    assert_int_equal(len, 3);
    len = 3;
    (void)str_trim(text, &len);
    assert_int_equal(len, 0);
}

static void secrets_are_compared_whole(void **state)
{
    assert_true(str_eq_secret("hunter2", "hunter2"));
    assert_false(str_eq_secret("hunter2", "hunter3"));
    assert_false(str_eq_secret("hunter2", "hunter"));
    assert_false(str_eq_secret("aaaa", "aa"));
    assert_false(str_eq_secret("x", ""));
    assert_true(str_eq_secret("", ""));
}

static void text_is_printed_as_long_as_it_is(void **state)
{
    char *text = str_print("%s%0300d", "a", 7);

    assert_int_equal(strlen(text), 301);
    assert_true(str_starts(text, "a000"));
    assert_true(str_ends(text, "007"));
    free(text);
}

static const char kept[] = "correct horse battery staple";

static void compare(void *given)
{
    (void)str_eq_secret(kept, given);
}

static void compare_in_haste(void *given)
{
    const char *text = given;

    for (size_t i = 0; kept[i] && kept[i] == ((const volatile char *)text)[i]; i++)
        ;
}

/* How much of a guess is right is not to be seen in how long it takes. */
static void secrets_are_compared_in_as_many_steps_wherever_they_differ(void **state)
{
    /* each as far from the beginning of a page: strlen() takes other steps at its end */
    static const _Alignas(64) char given[][64] = {
        "correct horse battery staple", "xorrect horse battery staple",
        "correct horse xattery staple", "correct horse battery staplx",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    };
    long steps = steps_of(compare, (void *)given[0]);

    if (steps < 0)
        skip();
    for (size_t i = 1; i < sizeof(given) / sizeof(given[0]); i++)
        assert_int_equal(steps_of(compare, (void *)given[i]), steps);
    assert_true(steps_of(compare_in_haste, (void *)given[3]) >
                steps_of(compare_in_haste, (void *)given[1]));
}

static void percent_decoding(void **state)
{
    static const struct {
        const char *in, *out; /* NULL: refused */
    } cases[] = {
        { "plain", "plain" }, { "a%20b", "a b" }, { "%C3%a9", "é" }, { "a+b", "a+b" },
        { "%2F%2f", "//" },   { "100%", NULL },   { "%4", NULL },    { "%zz", NULL },
        { "%00", NULL },      { "%ff", NULL },    { "%C3", NULL },   { "%ED%A0%80", NULL },
        { "", "" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[32];
        long len;

        (void)strcpy(text, cases[i].in);
        len = percent_decode(text, strlen(text));
        assert_int_equal(len, cases[i].out ? (long)strlen(cases[i].out) : -1);
        if (cases[i].out)
            assert_string_equal(text, cases[i].out);
    }
}

static void utf8_is_that_of_rfc_3629(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        bool is_utf8;
    } cases[] = {
        { "abc", 3, true },
        { "abcdefghijklmnop", 16, true },
        { "abcdefgh\0jklmnop", 16, false },
        { "abcdefg\xc3\xa9hijklmnop", 18, true },
        { "\xf0\x9f\x98\x80", 4, true },
        { "\xf0\x9f\x98", 3, false },
        { "\xc0\xaf", 2, false },
        { "\xe0\x80\xaf", 3, false },
        { "\xf0\x80\x80\x80", 4, false },
        { "\xed\xa0\x80", 3, false },
        { "\xf4\x90\x80\x80", 4, false },
        { "\xf4\x8f\xbf\xbf", 4, true },
        { "\x80", 1, false },
        { "\xff", 1, false },
        { "a\0b", 3, false },
        { "", 0, true },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(str_is_utf8(cases[i].text, cases[i].len), cases[i].is_utf8);
    assert_int_equal(str_utf8_len("é!", 3), 2);
    assert_int_equal(str_utf8_len("", 0), 0);
}

static void characters_are_read_as_they_were_written(void **state)
{
    static const uint32_t characters[] = { 0x7f,   0x80,   0x7ff,   0x800,
                                           0xd7ff, 0xffff, 0x10000, 0x10ffff };
    char bytes[4];

    for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++) {
        size_t len = str_utf8_write(characters[i], bytes);

        assert_int_equal(str_utf8_len(bytes, len), len);
        assert_int_equal(str_utf8_read(bytes, len), characters[i]);
    }
}

static void what_stands_for_itself_in_json_ends_with_the_first_byte_that_does_not(void **state)
{
    char text[24];

    for (size_t at = 0; at < sizeof(text); at++)
        for (int byte = 0; byte < 256; byte++) {
            bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';

            for (size_t i = 0; i < sizeof(text); i++)
                text[i] = i > at && i % 2 ? (char)(byte ^ 1) : ' ';
            text[at] = (char)byte;
            assert_int_equal(str_plain_len(text, at), at);
            assert_int_equal(str_plain_len(text, at + 1), plain ? at + 1 : at);
            if (!plain)
                assert_int_equal(str_plain_len(text, sizeof(text)), at);
        }
}

static void spellings(void **state)
{
    static const struct {
        const char *camel, *snake;
    } names[] = { { "inputDict", "input_dict" },
                  { "monthlyAllowance", "monthly_allowance" },
                  { "gofannonAgents", "gofannon_agents" } };
    char out[32];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_true(str_to_snake(names[i].camel, out, sizeof(out)));
        assert_string_equal(out, names[i].snake);
        assert_true(str_to_camel(names[i].snake, out, sizeof(out)));
        assert_string_equal(out, names[i].camel);
    }
    assert_false(str_to_snake("name", out, sizeof(out)));
    assert_false(str_to_camel("name", out, sizeof(out)));
    assert_false(str_to_camel("_id", out, sizeof(out)));
    assert_false(str_to_snake("inputDict", out, 10));
    assert_true(str_to_snake("inputDict", out, 11));
    assert_false(str_to_camel("a_b", out, 2));
    assert_false(str_to_camel("a_b", out, 0));
}

static void nearest_word_is_one_that_may_be_meant(void **state)
{
    static const char *const words[] = { "address", "port", "path", "origins", "", NULL };

    assert_string_equal(str_nearest("adress", words), "address");
    assert_string_equal(str_nearest("prot", words), "port");
    assert_string_equal(str_nearest("PATH", words), "path");
    assert_string_equal(str_nearest("origin", words), "origins");
    assert_null(str_nearest("workers", words));
    assert_null(str_nearest("", words));
    assert_null(str_nearest("x", words));
    assert_null(
        str_nearest("a name that is much longer than any that could have been meant here", words));
}

static void numbers_are_whole_texts(void **state)
{
    uint64_t value = 7;

    assert_true(str_to_u64("18446744073709551615", &value));
    assert_true(value == UINT64_MAX);
    assert_true(str_to_u64("007", &value));
    assert_true(value == 7);
    assert_false(str_to_u64("18446744073709551616", &value));
    assert_false(str_to_u64("", &value));
    assert_false(str_to_u64("1 ", &value));
    assert_false(str_to_u64("-1", &value));
    assert_true(value == 7);
}

static void a_bearer_token_is_what_is_behind_the_scheme(void **state)
{
    assert_string_equal(str_bearer("Bearer a.b"), "a.b");
    assert_string_equal(str_bearer("bEARER   a"), "a");
    assert_null(str_bearer(NULL));
    assert_null(str_bearer("Bearer"));
    assert_null(str_bearer("Bearer  "));
    assert_null(str_bearer("Bearera"));
    assert_null(str_bearer("Basic a"));
    assert_null(str_bearer("Bearer null"));
}

static void a_hash_depends_on_all_of_a_text(void **state)
{
    assert_true(str_hash("gen_ai_client_token_usage") == str_hash("gen_ai_client_token_usage"));
    assert_true(str_hash("gen_ai_client_token_usage") != str_hash("gen_ai_client_token_usagf"));
    assert_true(str_hash("12345678") != str_hash("1234567"));
    assert_true(str_hash("") != str_hash("a"));
}

static void what_is_shown_ends_with_a_whole_character(void **state)
{
    assert_int_equal(str_cut("abc", 2), 2);
    assert_int_equal(str_cut("abc", 3), 3);
    assert_int_equal(str_cut("a\xc3\xbc", 2), 1);
    assert_int_equal(str_cut("a\xc3\xbc", 3), 3);
    assert_int_equal(str_cut("\xf0\x9f\x98\x80", 3), 0);
}

static void characters_are_counted(void **state)
{
    assert_int_equal(str_count("", 0), 0);
    assert_int_equal(str_count("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 10), 4);
    assert_int_equal(str_count("a\xc3\xa4", 1), 1);
}

static void a_file_is_read_whole_or_not_at_all(void **state)
{
    char path[] = "/tmp/einion-test.XXXXXX", *text;
    int fd = mkstemp(path);
    size_t len;

    assert_int_equal(write(fd, "a\0b", 3), 3);
    text = file_text(path, 3, &len);
    assert_int_equal(len, 3);
    assert_memory_equal(text, "a\0b", 4);
    free(text);
    assert_null(file_text(path, 2, &len));
    assert_int_equal(errno, EFBIG);
    text = file_text_of(fd, 9, &len); /* at its end */
    assert_string_equal(text, "");
    free(text);
    (void)close(fd);
    (void)unlink(path);
    assert_null(file_text(path, 3, &len));
    assert_int_equal(errno, ENOENT);
    assert_null(file_text("/", 3, &len));
    assert_int_equal(errno, EISDIR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_are_counted),
        cmocka_unit_test(a_file_is_read_whole_or_not_at_all),
        cmocka_unit_test(what_is_shown_ends_with_a_whole_character),
        cmocka_unit_test(null_equals_only_null),
        cmocka_unit_test(beginnings_and_ends),
        cmocka_unit_test(text_is_printed_as_long_as_it_is),
        cmocka_unit_test(secrets_are_compared_whole),
        cmocka_unit_test(secrets_are_compared_in_as_many_steps_wherever_they_differ),
        cmocka_unit_test(percent_decoding),
        cmocka_unit_test(utf8_is_that_of_rfc_3629),
        cmocka_unit_test(characters_are_read_as_they_were_written),
        cmocka_unit_test(a_text_is_made_of_some_characters_only),
        cmocka_unit_test(white_space_around_a_text_is_none_of_it),
        cmocka_unit_test(what_stands_for_itself_in_json_ends_with_the_first_byte_that_does_not),
        cmocka_unit_test(spellings),
        cmocka_unit_test(nearest_word_is_one_that_may_be_meant),
        cmocka_unit_test(numbers_are_whole_texts),
        cmocka_unit_test(a_bearer_token_is_what_is_behind_the_scheme),
        cmocka_unit_test(a_hash_depends_on_all_of_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
