/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "member.h"
#include "scan.h"
#include "unit.h"

#include <string.h>

static const char *const documents[] = {
    "{}",
    "{\"a\":1}",
    "{\"a\":{\"b\":{\"c\":\"deep\"}},\"b\":[1,{\"c\":2}],\"c\":null}",
    "{\"skip\":\"\\\"a\\\":5,\\\\\",\"a\":-1.5e300,\"b\":true}",
    "{\"x\":[[],{},[\"]\",\"}\"],{\"a\":\"{\"}],\"a\":\"\xc3\xa9\\n\",\"b\":false}",
    "{\"\\u0001\":1,\"a\\\"b\":2,\"\\\\\":{\"a\":3},\"a\":{\"\\\\\":4}}",
    "{\"ab\":1,\"a\":\"\",\"abc\":3,\"b\":{\"a\":[1,2,3]}}",
};
static const char *const paths[] = {
    "a",   "b",    "c",  "x",    "ab",   "a.b",  "a.b.c", "b.c",
    "b.a", "a\"b", "\\", "\\.a", "a.\\", "\x01", "skip",  "a.b.c.d"
};

#define COUNT(array) (sizeof(array) / sizeof(array[0]))

static void a_scan_finds_what_parsing_finds(void **state)
{
    for (size_t i = 0; i < COUNT(documents); i++) {
        EIN_JSON json_t *doc = json_loads(documents[i], JSON_ALLOW_NUL, NULL);
        assert_non_null(doc);
        for (size_t p = 0; p < COUNT(paths); p++) {
            struct key parsed, scanned;
            assert_int_equal(key_make(member_at(doc, paths[p]), &parsed), 0);
            assert_int_equal(scan_key(documents[i], strlen(documents[i]), paths[p], &scanned), 0);
            if (key_compare(&parsed, &scanned) != 0)
                fail_msg("'%s' in %s", paths[p], documents[i]);
            key_done(&parsed);
            key_done(&scanned);
        }
    }
}

static void a_scanned_document_has_what_is_asked_for(void **state)
{
    static const char *const none[] = { NULL };

    for (size_t i = 0; i < COUNT(documents); i++) {
        const char *text = documents[i];
        EIN_JSON json_t *whole = json_loads(text, JSON_ALLOW_NUL, NULL);
        EIN_JSON json_t *bare = NULL;
        struct query query = { .fields = none };

        assert_false(scan_needs_text(&query));
        assert_int_equal(scan_document(&query, text, strlen(text), "i", "r", &bare, NULL), 0);
        assert_int_equal(json_object_size(bare), 2);
        for (size_t p = 0; p < COUNT(paths); p++) {
            const char *const fields[] = { paths[p], NULL };
            EIN_JSON json_t *doc = NULL;
            json_t *member = json_object_get(whole, paths[p]);
            const json_t *inside = member_at(whole, paths[p]);

            query.fields = fields;
            assert_true(scan_needs_text(&query));
            assert_int_equal(scan_document(&query, text, strlen(text), "i", "r", &doc, NULL), 0);
            assert_string_equal(json_string_value(json_object_get(doc, "_id")), "i");
            assert_string_equal(json_string_value(json_object_get(doc, "_rev")), "r");
            assert_true(!member || json_equal(json_object_get(doc, paths[p]), member));
            assert_true(!inside || json_equal(member_at(doc, paths[p]), inside));
            assert_true(inside || !member_at(doc, paths[p]));
            if (!strchr(paths[p], '.'))
                assert_int_equal(json_object_size(doc), member ? 3 : 2);
        }
    }
}

static json_t *json_of(const char *text)
{
    EIN_FREE char *quoted = strdup(text);

    for (char *at = quoted; (at = strchr(at, '\''));)
        *at = '"';
    return json_loads(quoted, 0, NULL);
}

static void a_scanned_document_has_members_of_members(void **state)
{
    static const char text[] =
        "{\"x\":1,\"a\":{\"code\":[{\"}\":2}],\"b\":{\"c\":1,\"d\":[2]},\"e\":\"\","
        "\"f\":{}},\"ab\":{\"b\":3},\"a.b\":4,\"z\":{\"b\":5}}";
    static const struct {
        const char *fields[5], *members;
    } asked[] = {
        { { "a.b" }, "{'a': {'b': {'c': 1, 'd': [2]}}, 'a.b': 4}" },
        { { "a.b.c", "a.e", "z" }, "{'a': {'b': {'c': 1}, 'e': ''}, 'z': {'b': 5}}" },
        { { "a.f.x", "a.code.b", "x.y" }, "{'a': {'f': {}}}" },
        { { "a", "a.b" },
          "{'a': {'code': [{'}': 2}], 'b': {'c': 1, 'd': [2]}, 'e': '', 'f': {}}, 'a.b': 4}" },
        { { "a.b.d", "z.none", "ab.b" }, "{'a': {'b': {'d': [2]}}, 'z': {}, 'ab': {'b': 3}}" },
        { { "a..b", ".a", "a." }, "{'a': {}}" },
    };

    for (size_t i = 0; i < COUNT(asked); i++) {
        const struct query query = { .fields = asked[i].fields };
        EIN_JSON json_t *doc = NULL;
        EIN_JSON json_t *expected = json_of(asked[i].members);

        assert_int_equal(scan_document(&query, text, sizeof(text) - 1, "i", "r", &doc, NULL), 0);
        json_object_del(doc, "_id");
        json_object_del(doc, "_rev");
        if (!json_equal(doc, expected))
            fail_msg("%zu: %s", i, json_dumps(doc, 0));
    }
}

/* Copied to the end of a block of its own, so that a sanitizer sees any step too far. */
static void scan_exactly(const char *text, size_t len)
{
    EIN_FREE char *exact = malloc(len ? len : 1);

    memcpy(exact, text, len);
    for (size_t p = 0; p < COUNT(paths); p++) {
        struct key key;
        assert_int_equal(scan_key(exact, len, paths[p], &key), 0);
        assert_true(key.len > 0);
        key_done(&key);

        const char *const fields[] = { paths[p], NULL };
        const struct query query = { .fields = fields };
        json_t *doc = NULL;
        int r = scan_document(&query, exact, len, "i", "r", &doc, NULL);
        assert_true(r == 0 || r == EIN_E_INTERNAL);
        json_decref(doc);
    }
}

static void a_scan_of_damaged_text_stays_inside(void **state)
{
    static const char rubbish[] = "\"\\{}[]:,\0x";

    for (size_t i = 0; i < COUNT(documents); i++) {
        size_t len = strlen(documents[i]);
        EIN_FREE char *text = strdup(documents[i]);
        for (size_t cut = 0; cut <= len; cut++)
            scan_exactly(text, cut);
        for (size_t at = 0; at < len; at++)
            for (size_t c = 0; c < sizeof(rubbish) - 1; c++) {
                text[at] = rubbish[c];
                scan_exactly(text, len);
                text[at] = documents[i][at];
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scan_finds_what_parsing_finds),
        cmocka_unit_test(a_scanned_document_has_what_is_asked_for),
        cmocka_unit_test(a_scanned_document_has_members_of_members),
        cmocka_unit_test(a_scan_of_damaged_text_stays_inside),
    };

    return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
