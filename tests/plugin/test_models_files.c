/* SPDX-License-Identifier: Apache-2.0 */
/* Files of models: what they add up to, and the numbers of an entry. */
#include "catalog_files.h"
#include "cleanup.h"
#include "entry.h"
#include "resolve.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static json_t *added(const json_t *catalog, const char *text)
{
    struct ein_error err = { 0 };
    json_t *result = NULL;

    if (files_add_text("/etc/models/x.yaml", text, strlen(text), catalog, &result, &err) < 0)
        fail_msg("%s", err.text);
    return result;
}

static json_t *model_of(const json_t *catalog, const json_t *live, const char *provider,
                        const char *id)
{
    struct check check = { .err = NULL };
    EIN_JSON json_t *resolved = NULL;

    assert_int_equal(catalog_resolve(&check, catalog, live, &resolved), 0);
    return json_incref(json_object_get(
        json_object_get(json_object_get(json_object_get(resolved, "providers"), provider),
                        "models"),
        id));
}

static void assert_json(const json_t *json, const char *expected)
{
    EIN_JSON json_t *wanted = json_loads(expected, JSON_DECODE_ANY, NULL);
    EIN_FREE char *text = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);

    assert_non_null(wanted);
    if (!json_equal(json, wanted))
        fail_msg("%s is not %s", text ? text : "nothing", expected);
}

/* ---- files ---- */

#define BASE                                                                                       \
    "parameters: {n: {description: How many.}}\n"                                                  \
    "providers:\n"                                                                                 \
    "  p:\n"                                                                                       \
    "    built_in_tools: {saw: {description: Cuts., tool_config: {t: 1}}}\n"                       \
    "    defaults: {context_window: 10}\n"                                                         \
    "    models:\n"                                                                                \
    "      a: {parameters: {n: {type: integer, max: 9}}, built_in_tools: [saw],\n"                 \
    "          price: {input: 1, output: 2, cache_read: 0.5, source: them, date: 2026-01-01}}\n"   \
    "      b: {like: a, context_window: 5}\n"

static void a_model_is_served_whole(void **state)
{
    EIN_JSON json_t *base = added(NULL, BASE);
    EIN_JSON json_t *model = model_of(base, NULL, "p", "b");

    assert_json(
        model, "{\"context_window\": 5, \"parameters\": {\"n\": {\"type\": \"integer\", \"max\": 9,"
               " \"default\": null, \"description\": \"How many.\"}}, \"built_in_tools\": [{\"id\":"
               " \"saw\", \"description\": \"Cuts.\", \"tool_config\": {\"t\": 1}}], \"price\":"
               " {\"input\": 1, \"output\": 2, \"cache_read\": 0.5, \"source\": \"them\", \"date\":"
               " \"2026-01-01\"}}");
}

static void a_price_is_replaced_as_a_whole(void **state)
{
    EIN_JSON json_t *base = added(NULL, BASE);
    EIN_JSON json_t *more =
        added(base, "providers: {p: {models: {a: {price: {input: 3, output: 4}}}}}");
    EIN_JSON json_t *a = model_of(more, NULL, "p", "a");
    EIN_JSON json_t *b = model_of(more, NULL, "p", "b");

    assert_json(json_object_get(a, "price"),
                "{\"input\": 3, \"output\": 4, \"source\": \"x.yaml\"}");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(b, "price"), "input")), 1);
}

static void what_was_there_is_left_as_it_was(void **state)
{
    EIN_JSON json_t *base = added(NULL, BASE);
    EIN_JSON json_t *before = json_deep_copy(base);
    EIN_JSON json_t *more = added(base, "providers: {p: {models: {a: null, c: {like: b}}}, q: {}}");
    EIN_JSON json_t *a = model_of(more, NULL, "p", "a");
    EIN_JSON json_t *b = model_of(more, NULL, "p", "b");

    assert_true(json_equal(base, before));
    assert_null(a);
    assert_non_null(json_object_get(b, "price")); /* from a, when it was there */
}

static void a_live_list_counts_for_what_files_do_not_say(void **state)
{
    EIN_JSON json_t *base = added(NULL, BASE);
    EIN_JSON json_t *live = json_loads(
        "{\"p\": {\"a\": {\"context_window\": 7, \"price\": {\"input\": 8, \"output\": 8}},"
        " \"new\": {\"id\": \"new\", \"object\": \"model\", \"modalities\": {\"input\": "
        "[\"smell\"]},"
        " \"price\": {\"input\": 1}, \"description\": \"New.\"}}, \"other\": {\"m\": {}}}",
        0, NULL);
    EIN_JSON json_t *a = model_of(base, live, "p", "a");
    EIN_JSON json_t *b = model_of(base, live, "p", "new");
    EIN_JSON json_t *m = model_of(base, live, "other", "m");

    assert_int_equal(json_integer_value(json_object_get(a, "context_window")), 7);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(a, "price"), "input")), 1);
    /* What it says wrongly is left out, and the rest is taken. */
    assert_json(b, "{\"context_window\": 10, \"description\": \"New.\", \"parameters\": {}}");
    assert_json(m, "{\"parameters\": {}}");
}

static void exclusions_and_windows_are_derived(void **state)
{
    EIN_JSON json_t *base =
        added(NULL, "providers: {p: {models: {m: {context_window: 8, parameters:\n"
                    "  {t: {type: float, default: 1, mutually_exclusive_with: [k]},\n"
                    "   k: {type: float, mutually_exclusive_with: [t]}}}, n: {}}}}");
    struct check check = { .err = NULL };
    EIN_JSON json_t *resolved = NULL;

    assert_int_equal(catalog_resolve(&check, base, NULL, &resolved), 0);
    EIN_JSON json_t *exclusive = catalog_exclusive(resolved);
    EIN_JSON json_t *windows = catalog_context_windows(resolved);
    assert_json(exclusive, "[[\"p\", \"m\", \"t\", \"k\"]]");
    assert_json(windows, "{\"p/m\": 8}");
}

static void a_fault_has_its_line(void **state)
{
    static const struct {
        const char *text, *fault;
    } wrong[] = {
        { "providers:\n  p:\n    modles: {}\n", "x:3: providers.p.modles: is not known here" },
        { "providers: {p: {models: {m: {limits:\n  {output: 0}}}}}",
          "x:2: providers.p.models.m.limits.output: is not a number of tokens from 1 to "
          "1000000000" },
        { "providers: {p: {models: {m: {context_window: 1.5}}}}",
          "x:1: providers.p.models.m.context_window: is not a number of tokens from 1 to "
          "1000000000" },
        { "providers: {p: {models: {m: {can_reasoning: 1}}}}",
          "x:1: providers.p.models.m.can_reasoning: is neither true nor false" },
        { "providers: {p: {models: {m: {parameters: {c: {type: choice}}}}}}",
          "x:1: providers.p.models.m.parameters.c: has no choices" },
        { "providers: {p: {models: {m: {parameters: {c: {type: float, min: 2, max: 1}}}}}}",
          "x:1: providers.p.models.m.parameters.c: has a min above its max" },
        { "providers: {p: {models: {m: {price: {input: 1, output: 1, date: soon}}}}}",
          "x:1: providers.p.models.m.price.date: is not a date such as 2026-07-02" },
        { "a: \"\\0\"", "x:1: a: has a NUL character in it" },
        { "a: !!str 1", "x:1: a: YAML tags are not supported" },
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct ein_error err = { 0 };
        json_t *catalog;

        assert_int_equal(
            files_add_text("x", wrong[i].text, strlen(wrong[i].text), NULL, &catalog, &err),
            EIN_E_INVALID);
        assert_string_equal(err.text, wrong[i].fault);
    }
}

/* ---- entries ---- */

static void numbers_are_read_exactly(void **state)
{
    EIN_JSON json_t *json = json_loads(
        "{\"limits\": {\"context\": 5000, \"input\": 4000, \"output\": 1000},"
        " \"can_reasoning\": false, \"price\": {\"input\": 1.75, \"output\": 14, \"cache_read\":"
        " 0.00875, \"input_above_200k\": 3.5, \"request\": 5000, \"cache_write\": 0.02288}}",
        0, NULL);
    struct model model;

    model_read(&model, "p", "m", json);
    assert_int_equal(model.context_window, 5000);
    assert_int_equal(model.max_input, 4000);
    assert_int_equal(model.max_output, 1000);
    assert_int_equal(model.can, 0);
    assert_int_equal(model.cannot, MODEL_REASONING);
    assert_int_equal(model.time_percent, 100);
    assert_true(model.priced);
    assert_int_equal(model.price[PRICE_INPUT], INT64_C(1750000000));
    assert_int_equal(model.price[PRICE_OUTPUT], INT64_C(14000000000));
    assert_int_equal(model.price[PRICE_CACHE_READ], INT64_C(8750000));
    assert_int_equal(model.price[PRICE_CACHE_WRITE], INT64_C(22880000));
    assert_int_equal(model.price[PRICE_REQUEST], INT64_C(5000000000000));
    assert_int_equal(model.price[PRICE_REASONING], -1);
    assert_int_equal(model.long_price[PRICE_INPUT], INT64_C(3500000000));
    assert_int_equal(model.long_price[PRICE_OUTPUT], -1);
}

static void a_model_that_thinks_has_more_time(void **state)
{
    static const struct {
        const char *entry;
        uint32_t percent;
    } models[] = {
        { "{}", 100 },
        { "{\"can_reasoning\": true}", 300 },
        { "{\"supports_thinking\": true}", 300 },
        { "{\"limits\": {\"output\": 64000}}", 150 },
        { "{\"can_reasoning\": true, \"time_percent\": 120}", 120 },
    };

    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        EIN_JSON json_t *json = json_loads(models[i].entry, 0, NULL);
        struct model model;

        model_read(&model, "p", "m", json);
        assert_int_equal(model.time_percent, models[i].percent);
        assert_false(model.priced);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_is_served_whole),
        cmocka_unit_test(a_price_is_replaced_as_a_whole),
        cmocka_unit_test(what_was_there_is_left_as_it_was),
        cmocka_unit_test(a_live_list_counts_for_what_files_do_not_say),
        cmocka_unit_test(exclusions_and_windows_are_derived),
        cmocka_unit_test(a_fault_has_its_line),
        cmocka_unit_test(numbers_are_read_exactly),
        cmocka_unit_test(a_model_that_thinks_has_more_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
