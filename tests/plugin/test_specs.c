/* SPDX-License-Identifier: Apache-2.0 */
/* Texts to documents, relative URLs, $ref and schemas: what POST /specs/operations stands on. */
#include "read.h"
#include "recall.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct spec_limits plenty = { .text_bytes = 1 << 20,
                                           .nodes = 10000,
                                           .depth = 32,
                                           .operations = 100,
                                           .schema_bytes = 10000,
                                           .total_bytes = 100000,
                                           .schema_depth = 16 };

/* ---- texts ---- */

/* What a text is, as compact JSON; what is wrong with it, where it is no document. */
static void says(const char *text, const char *expected)
{
    struct ein_error err = { 0 };
    EIN_JSON json_t *document = NULL;
    EIN_FREE char *found = NULL;

    if (document_read(text, strlen(text), &plenty, &document, &err) == 0)
        found = json_dumps(document, JSON_COMPACT);
    assert_string_equal(found ? found : err.text, expected);
}

static void json_and_yaml_are_read_alike(void **state)
{
    says("{\"a\": [1, 2.5, true, null, \"x\"]}", "{\"a\":[1,2.5,true,null,\"x\"]}");
    says("a: [1, 2.5, true, null, x]", "{\"a\":[1,2.5,true,null,\"x\"]}");
    says("a:\n- 1\n- 2.5\n- true\n- ~\n- x\n", "{\"a\":[1,2.5,true,null,\"x\"]}");
    says("{a: 1, 'b': \"2\"}", "{\"a\":1,\"b\":\"2\"}");
    says("%YAML 1.2\n---\na: 1\n...\n", "{\"a\":1}");
}

static void scalars_are_of_the_core_schema(void **state)
{
    says("a: [yes, no, on, 1_0, 0x1F, 0o17, 017, +1, -0]",
         "{\"a\":[\"yes\",\"no\",\"on\",\"1_0\",31,15,17,1,0]}");
    says("a: [1e3, .5, 1., .inf, 1e400, 2024-01-01, '1', !!str 1]",
         "{\"a\":[1000.0,0.5,1.0,\".inf\",\"1e400\",\"2024-01-01\",\"1\",\"1\"]}");
    says("a: 18446744073709551616", "{\"a\":1.8446744073709552e19}");
}

static void keys_are_texts(void **state)
{
    says("200: a\ntrue: b\n~: c", "{\"200\":\"a\",\"true\":\"b\",\"~\":\"c\"}");
    says("? [a]\n: b", "line 1: a key is not plain text");
    says("? {a: 1}\n: b", "line 1: a key is not plain text");
}

static void aliases_and_merges(void **state)
{
    says("a: &x {b: 1}\nc: *x", "{\"a\":{\"b\":1},\"c\":{\"b\":1}}");
    says("a: &x 1\nb: &x 2\nc: *x", "{\"a\":1,\"b\":2,\"c\":2}");
    says("a: &x {p: 1, q: 1}\nb: {p: 2, <<: *x}",
         "{\"a\":{\"p\":1,\"q\":1},\"b\":{\"p\":2,\"q\":1}}");
    says("b: {<<: [{p: 1}, {p: 2, q: 2}]}", "{\"b\":{\"p\":1,\"q\":2}}");
    says("b: {'<<': 1}", "{\"b\":{\"<<\":1}}");
    says("a: 1\nb: {<<: 1}", "line 2: '<<' is neither a map nor a list of maps");
    says("a: *x", "line 1: an alias without an anchor");
    says("a: &x\n- *x", "line 2: an alias inside what it stands for");
}

static void what_is_no_document(void **state)
{
    says("", "line 1: there is nothing");
    says("[1]", "its outermost value is not an object");
    says("a: 1\n---\nb: 1", "line 2: there is more than one document");
    says("a: \"\\0\"", "line 1: there is a NUL character");
}

/* ---- URLs ---- */

static void resolves(const char *base, const char *text, const char *expected)
{
    EIN_FREE char *found = url_resolve(base, text);

    if (!expected)
        assert_null(found);
    else
        assert_string_equal(found, expected);
}

static void urls_are_resolved(void **state)
{
    static const struct {
        const char *base, *text, *expected;
    } cases[] = {
        { NULL, "https://a/b", "https://a/b" },
        { NULL, "https://a/b/?c#d", "https://a/b" },
        { NULL, "/b", NULL },
        { "a/b", "/b", NULL },
        { "https://a/b/c", "", "https://a/b" },
        { "https://a", "", "https://a" },
        { "https://a", "b", "https://a/b" },
        { "https://a?x=/y", "b", "https://a/b" },
        { "https://a/b/c?x=/y/", "d", "https://a/b/d" },
        { "https://a/b/c", "/d/", "https://a/d" },
        { "https://a/b/c", "../../../d", "https://a/d" },
        { "https://a/b/c", "./d/../e/.", "https://a/b/e" },
        { "https://a/b", "//c:8/d", "https://c:8/d" },
        { "https://a/b", "x:y", "https://a/x:y" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        resolves(cases[i].base, cases[i].text, cases[i].expected);
}

/* ---- $ref and schemas ---- */

/* What becomes of the schema at "S" of a document. */
static void expands(const struct spec_limits *limits, const char *text, const char *expected)
{
    EIN_JSON json_t *root = json_loads(text, 0, NULL), *notes = json_array(), *memo = json_object();
    struct reading reading = { .limits = limits,
                               .root = root,
                               .notes = notes,
                               .memo = memo,
                               .total_left = limits->total_bytes,
                               .steps_left = limits->nodes };
    EIN_JSON json_t *found = NULL, *again = NULL;
    EIN_FREE char *words = NULL;

    assert_non_null(root);
    found = schema_expand(&reading, json_object_get(root, "S"));
    words = json_dumps(found, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_string_equal(words, expected);
    again = schema_expand(&reading, json_object_get(root, "S"));
    assert_true(json_equal(found, again));
}

static void schemas_are_made_whole(void **state)
{
    expands(&plenty,
            "{\"S\":{\"$ref\":\"#/A\"},\"A\":{\"items\":{\"$ref\":\"#/"
            "B\"}},\"B\":{\"type\":\"string\"}}",
            "{\"items\":{\"type\":\"string\"}}");
    expands(&plenty,
            "{\"S\":{\"$ref\":\"#/A/0\"},\"A\":[{\"xml\":{},\"x-y\":1,\"type\":\"string\"}]}",
            "{\"type\":\"string\"}");
    expands(&plenty, "{\"S\":{\"items\":[{\"type\":\"string\"},true]}}",
            "{\"items\":[{\"type\":\"string\"},true]}");
    expands(&plenty, "{\"S\":true}", "true");
    expands(&plenty, "{\"S\":{\"required\":true,\"type\":\"file\"}}",
            "{\"type\":\"string\",\"format\":\"binary\"}");
    expands(&plenty, "{\"S\":{\"properties\":{\"S\":{\"$ref\":\"#/S\"}}}}",
            "{\"properties\":{\"S\":{\"x-cut\":\"S again, which this is inside of\"}}}");
}

static void limits_cut_schemas(void **state)
{
    struct spec_limits few = plenty;

    few.schema_depth = 1;
    expands(&few, "{\"S\":{\"items\":{\"type\":\"string\"}}}",
            "{\"items\":{\"x-cut\":\"deeper than 1 schemas\"}}");
    few = plenty;
    few.schema_bytes = 30;
    expands(&few, "{\"S\":{\"type\":\"object\",\"enum\":[\"a long text\",\"and another\"]}}",
            "{\"type\":\"object\",\"x-cut\":\"the schema is longer than 30 bytes\"}");
    few.total_bytes = 0;
    expands(&few, "{\"S\":{\"type\":\"object\"}}",
            "{\"x-cut\":\"there are too many large schemas before it\"}");
}

/* ---- what is meant again and again ---- */

/* {"openapi", "paths", "S": {"allOf": [{"$ref": "#/B"} many times]}, "B"}: a path for each of
 * `count` operations, which all answer with S. */
static char *document_of(json_t *take_b, size_t count)
{
    EIN_JSON json_t *all = json_array(), *paths = json_object(), *document = NULL;
    char path[32];

    for (size_t i = 0; i < 4000; i++)
        (void)json_array_append_new(all, json_pack("{s:s}", "$ref", "#/B"));
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(path, sizeof(path), "/%zu", i);
        (void)json_object_set_new(paths, path,
                                  json_pack("{s:{s:{s:{s:{s:{s:{s:[{s:s}]}}}}}}}", "get",
                                            "responses", "200", "content", "application/json",
                                            "schema", "allOf", "$ref", "#/S"));
    }
    document = json_pack("{s:s, s:O, s:{s:O}, s:o}", "openapi", "3.1.0", "paths", paths, "S",
                         "allOf", all, "B", take_b);
    return json_dumps(document, JSON_COMPACT);
}

/* Seconds of a processor that the reading of TEXT takes, and how long it is then. */
static double seconds_of(char *take_text, size_t *ret_len)
{
    EIN_FREE char *text = take_text, *read = NULL;
    EIN_JSON json_t *spec = NULL;
    const struct spec_limits usual = { .text_bytes = 10 << 20,
                                       .nodes = 2000000,
                                       .depth = 64,
                                       .operations = 2000,
                                       .schema_bytes = 16384,
                                       .total_bytes = 4 << 20,
                                       .schema_depth = 32 };
    struct ein_error err = { 0 };
    clock_t before = clock();

    assert_int_equal(spec_read(text, strlen(text), NULL, &usual, &spec, NULL, &err), 0);
    before = clock() - before;
    read = json_dumps(spec, JSON_COMPACT);
    *ret_len = strlen(read);
    return (double)before / CLOCKS_PER_SEC;
}

static json_t *many_members(void)
{
    json_t *members = json_object();
    char name[32];

    for (size_t i = 0; i < 200000; i++) {
        (void)snprintf(name, sizeof(name), "x%zu", i);
        (void)json_object_set_new(members, name, json_integer(0));
    }
    return members;
}

static json_t *long_text(size_t len)
{
    char *text = malloc(len + 1);

    memset(text, 'x', len);
    memcpy(text, "#/", 2);
    text[len] = '\0';
    json_t *json = json_string(text);
    free(text);
    return json;
}

/* Each took minutes, or hours. */
static void what_is_meant_often_is_not_read_for_ever(void **state)
{
    const size_t much = 4 << 20;
    json_t *bs[] = { many_members(), json_pack("{s:o}", "$ref", long_text(much)),
                     json_pack("{s:{s:o}}", "example", "a", long_text(much)), json_object() };

    for (size_t i = 0; i < sizeof(bs) / sizeof(bs[0]); i++) {
        size_t len;

        assert_true(seconds_of(document_of(bs[i], 200), &len) < 20);
        assert_true(len < (size_t)8 << 20);
    }
}

/* ---- what is remembered ---- */

static bool knows(struct recall *recall, const char *text)
{
    EIN_JSON json_t *spec = recall_get(recall, text, strlen(text));

    assert_true(!spec || strcmp(json_string_value(spec), text) == 0);
    return spec != NULL;
}

static void learn(struct recall *recall, const char *text, size_t bytes)
{
    EIN_JSON json_t *spec = json_string(text);

    recall_put(recall, text, strlen(text), spec, bytes);
}

static void what_was_not_asked_for_longest_is_forgotten(void **state)
{
    struct recall recall;

    assert_int_equal(recall_init(&recall, 2, 100), 0);
    learn(&recall, "a", 1);
    learn(&recall, "b", 1);
    assert_true(knows(&recall, "a"));
    learn(&recall, "c", 1);
    assert_true(knows(&recall, "a") && knows(&recall, "c"));
    assert_false(knows(&recall, "b"));
    learn(&recall, "d", 99); /* "a" has to go, "c" was asked for later */
    assert_true(knows(&recall, "c") && knows(&recall, "d"));
    learn(&recall, "e", 100);
    assert_true(knows(&recall, "e"));
    assert_int_equal(recall.count, 1);
    learn(&recall, "f", 101);
    assert_false(knows(&recall, "f"));
    learn(&recall, "e", 100);
    assert_int_equal(recall.count, 1);
    assert_int_equal(recall.bytes, 100);
    recall_done(&recall);
}

static void nothing_need_be_remembered(void **state)
{
    struct recall recall;

    assert_int_equal(recall_init(&recall, 0, 100), 0);
    learn(&recall, "a", 1);
    assert_false(knows(&recall, "a"));
    recall_done(&recall);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_and_yaml_are_read_alike),
        cmocka_unit_test(scalars_are_of_the_core_schema),
        cmocka_unit_test(keys_are_texts),
        cmocka_unit_test(aliases_and_merges),
        cmocka_unit_test(what_is_no_document),
        cmocka_unit_test(urls_are_resolved),
        cmocka_unit_test(schemas_are_made_whole),
        cmocka_unit_test(limits_cut_schemas),
        cmocka_unit_test(what_is_meant_often_is_not_read_for_ever),
        cmocka_unit_test(what_was_not_asked_for_longest_is_forgotten),
        cmocka_unit_test(nothing_need_be_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
