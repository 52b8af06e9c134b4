/* SPDX-License-Identifier: Apache-2.0 */
/* What is known to be secret is not in what is shown and kept, in whatever way it was printed. */
#include "cleanup.h"
#include "scrub.h"
#include "unit.h"

#define MASK "[REDACTED:secret]"

static json_t *needles_of(json_t *take_secrets)
{
    EIN_JSON json_t *secrets = take_secrets;
    json_t *needles = json_array();

    assert_int_equal(scrub_add(needles, secrets), 0);
    return needles;
}

static void secrets_are_found_in_all_their_shapes(void **state)
{
    static const char *const table[][2] = {
        { "a c0rrect-horse b c0rrect-horse", "a " MASK " b " MASK },
        { "c0rrect-horsey", MASK }, /* the longest */
        { "c0rrect-horsey!", MASK },
        { "c0rrect", "c0rrect" },
        { "short", "short" },
        { "longer", MASK },
        { "first line: second line", MASK ": " MASK },
        /* as Python's and our JSON write them */
        { "\"p\\u00e4ss\\\"w\"", "\"" MASK "\"" },
        { "\"p\xc3\xa4ss\\\"w\"", "\"" MASK "\"" },
        { "p\xc3\xa4ss\"w", MASK },
        { "\"C:\\\\u00FCtils\"", "\"" MASK "\"" },
        /* cut off */
        { "see c0rrect-…", "see " MASK "…" },
        { "see c0rrect\n... [truncated, 9 more]", "see " MASK "\n... [truncated, 9 more]" },
        { "c0rre…", "c0rre…" },
        { "c0rrec…", MASK "…" },
        { "a… c0rrect-ho…", "a… " MASK "…" },
        { "c0rrect- …", "c0rrect- …" },
        { "c0rrect…", MASK "…" },
        { "c0rrect-horse…", MASK "…" },
    };
    EIN_JSON json_t *needles = needles_of(
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "a", "c0rrect-horsey", "b",
                  "c0rrect-horse", "g", "c0rrect-horsey!", "h", "longer", "c", "short", "d",
                  "first line\r\nsecond line", "e", "p\xc3\xa4ss\"w", "f", "C:\\u00FCtils"));

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        EIN_JSON json_t *text = json_string(table[i][0]);
        EIN_JSON json_t *clean = scrub_json(needles, text);
        assert_string_equal(json_string_value(clean), table[i][1]);
    }
}

static void secrets_are_found_wherever_they_are(void **state)
{
    EIN_JSON json_t *needles = needles_of(json_pack("{s:s}", "a", "c0rrect-horse"));
    EIN_JSON json_t *value = json_pack("{s:[s, i, {s:s}], s:n}", "c0rrect-horse", "c0rrect-horse",
                                       7, "deep", "c0rrect-horse", "none");
    EIN_JSON json_t *clean = scrub_json(needles, value);
    EIN_JSON json_t *expected =
        json_pack("{s:[s, i, {s:s}], s:n}", MASK, MASK, 7, "deep", MASK, "none");

    assert_true(json_equal(clean, expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_found_in_all_their_shapes),
        cmocka_unit_test(secrets_are_found_wherever_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
