/* SPDX-License-Identifier: Apache-2.0 */
/* What completion/1 is made of: prices, parameters, pauses, limits. */
#include "cleanup.h"
#include "limits.h"
#include "parameters.h"
#include "price.h"
#include "retry.h"
#include "unit.h"
#include "vendor.h"

#include <stdio.h>
#include <string.h>

#define NANO INT64_C(1000000000)

/* ---- prices ---- */

static struct model priced(double input, double output)
{
    struct model model = { .provider = "openai",
                           .id = "gpt-5.2",
                           .priced = true,
                           .context_window = 400000,
                           .max_output = 128000 };

    for (size_t i = 0; i < PRICE_KINDS; i++)
        model.price[i] = model.long_price[i] = -1;
    model.price[PRICE_INPUT] = (int64_t)(input * 1e9);
    model.price[PRICE_OUTPUT] = (int64_t)(output * 1e9);
    return model;
}

static int64_t cost(const struct model *model, struct usage usage)
{
    return price_cost(model, &usage);
}

static void prices_of_input_and_output(void **state)
{
    struct model model = priced(1.75, 14);

    assert_int_equal(cost(&model, (struct usage){ .input = 1000, .output = 100 }),
                     1000 * 1750 + 100 * 14000);
    assert_int_equal(cost(&model, (struct usage){ 0 }), 0);
    assert_int_equal(cost(&model, (struct usage){ .input = 1000000 }), 1750000000);
}

static void costs_are_rounded_up_once(void **state)
{
    struct model model = priced(0, 0);

    model.price[PRICE_INPUT] = 1; /* a millionth of a nano-dollar a token */
    model.price[PRICE_OUTPUT] = 1;
    assert_int_equal(cost(&model, (struct usage){ .input = 1, .output = 1 }), 1);
    assert_int_equal(cost(&model, (struct usage){ .input = 500000, .output = 500000 }), 1);
    assert_int_equal(cost(&model, (struct usage){ .input = 500000, .output = 500001 }), 2);
}

static void prices_of_the_cache(void **state)
{
    struct model model = priced(3, 15);
    struct usage usage = { .input = 1000, .cached = 600, .cache_write = 300 };

    assert_int_equal(cost(&model, usage), 1000 * 3000); /* no prices of its own */
    model.price[PRICE_CACHE_READ] = 300000000;
    model.price[PRICE_CACHE_WRITE] = 3750000000;
    assert_int_equal(cost(&model, usage), 100 * 3000 + 600 * 300 + 300 * 3750);
    usage.cache_hour = 200;
    assert_int_equal(cost(&model, usage), 100 * 3000 + 600 * 300 + 300 * 3750);
    model.price[PRICE_CACHE_HOUR] = 6000000000;
    assert_int_equal(cost(&model, usage), 100 * 3000 + 600 * 300 + 100 * 3750 + 200 * 6000);
    usage.cache_hour = 0;
    model.price[PRICE_CACHE_READ] = 0; /* free is a price */
    assert_int_equal(cost(&model, usage), 100 * 3000 + 300 * 3750);
    usage.cached = 5000; /* a vendor that counts otherwise pays nobody back */
    assert_int_equal(cost(&model, usage), 300 * 3750);
}

static void prices_above_200k(void **state)
{
    struct model model = priced(2, 12);

    model.long_price[PRICE_INPUT] = 4 * NANO;
    model.long_price[PRICE_OUTPUT] = 18 * NANO;
    model.price[PRICE_CACHE_READ] = NANO / 5;
    assert_int_equal(cost(&model, (struct usage){ .input = 200000, .output = 10 }),
                     INT64_C(200000) * 2000 + 10 * 12000);
    assert_int_equal(cost(&model, (struct usage){ .input = 200001, .output = 10 }),
                     INT64_C(200001) * 4000 + 10 * 18000);
    assert_int_equal(cost(&model, (struct usage){ .input = 200001, .cached = 200000 }),
                     INT64_C(200000) * 200 + 4000);
}

static void prices_of_reasoning_and_requests(void **state)
{
    struct model model = priced(2, 8);
    struct usage usage = { .input = 10, .output = 100, .reasoning = 60 };

    assert_int_equal(cost(&model, usage), 10 * 2000 + 100 * 8000);
    model.price[PRICE_REASONING] = 3 * NANO;
    assert_int_equal(cost(&model, usage), 10 * 2000 + 40 * 8000 + 60 * 3000);
    model.price[PRICE_REQUEST] = 5000 * NANO; /* 5 dollars a thousand */
    assert_int_equal(cost(&model, usage), 10 * 2000 + 40 * 8000 + 60 * 3000 + 5000000);
}

static void no_number_of_tokens_overflows(void **state)
{
    struct model model = priced(100, 100);

    assert_int_equal(cost(&model, (struct usage){ .input = UINT64_MAX, .output = UINT64_MAX }),
                     PRICE_MAX);
    assert_int_equal(price_bound(&model, UINT64_MAX, UINT64_MAX, 0), PRICE_MAX);
}

/* It is not known before whether so much is sent. */
static void a_bound_is_of_the_dearer_tier(void **state)
{
    struct model model = priced(2, 8);

    model.long_price[PRICE_INPUT] = NANO;
    model.long_price[PRICE_OUTPUT] = 9 * NANO;
    assert_int_equal(price_bound(&model, 300000, 10, 0), 300000 * 2000 + 10 * 9000);
}

/* For any usage within the tokens of the bound. */
static void the_bound_is_never_below_the_cost(void **state)
{
    struct model model = priced(2, 8);

    model.price[PRICE_CACHE_READ] = NANO / 5;
    model.price[PRICE_CACHE_WRITE] = 5 * NANO / 2;
    model.price[PRICE_REASONING] = 9 * NANO;
    model.price[PRICE_REQUEST] = 5000 * NANO;
    model.price[PRICE_SEARCH] = 10000 * NANO;
    model.long_price[PRICE_INPUT] = 4 * NANO;
    model.long_price[PRICE_OUTPUT] = 18 * NANO;
    for (uint64_t i = 0; i < 2000; i++) {
        uint64_t input = i * 173, output = i * 37;
        int64_t bound = price_bound(&model, input, output, i % 7);
        assert_true(cost(&model, (struct usage){ input, 0, 0, output, .searches = i % 7 }) <=
                    bound);
        assert_true(cost(&model, (struct usage){ input, input, 0, output, output }) <= bound);
        assert_true(cost(&model, (struct usage){ input, 0, input, output, output / 2 }) <= bound);
        assert_true(cost(&model, (struct usage){ input / 2, 0, input / 2, output, 0 }) <= bound);
    }
}

static void what_has_no_price_is_free(void **state)
{
    struct model model = priced(0, 0);

    assert_true(price_is_free(&model));
    model.price[PRICE_REQUEST] = 1;
    assert_false(price_is_free(&model));
    model.priced = false;
    assert_true(price_is_free(&model));
}

/* ---- sizes ---- */

static struct size size_of(const char *messages)
{
    EIN_JSON json_t *json = json_loads(messages, 0, NULL);
    struct size size = { 0 };

    assert_non_null(json);
    size_messages(json, &size);
    return size;
}

static void a_token_is_at_least_a_byte(void **state)
{
    struct size size = size_of("[{\"role\": \"user\", \"content\": \"0123456789\"}]");

    assert_int_equal(size.bytes, 10);
    assert_int_equal(size_bound(&size, 100, 0), 10 + 2 * 16);
    assert_int_equal(size_bound(&size, 100, 20), 20); /* the model takes no more */
    assert_int_equal(size_estimate(&size), 3);
}

static void images_and_files_count_for_themselves(void **state)
{
    struct size size =
        size_of("[{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"hi\"},"
                "{\"type\": \"image\", \"media_type\": \"image/png\", \"data\": \"AAAAAAAA\"}]}]");

    assert_int_equal(size.images, 1);
    assert_true(size.bytes < 30); /* not the image's own */
    assert_in_range(size_bound(&size, 5000, 0), 5000, 5100);

    size = size_of("[{\"role\": \"user\", \"content\": [{\"type\": \"file\", \"data\": \"AA\"}]}]");
    assert_int_equal(size_bound(&size, 0, 128000), 128000);
    size = size_of("[{\"role\": \"user\", \"content\": [{\"type\": \"tool_result\", \"id\": \"1\","
                   "\"content\": [{\"type\": \"image\", \"data\": \"AAAA\"}]}]}]");
    assert_int_equal(size.images, 1);
}

/* What a model has called, and what came of it, is sent again with each turn. */
static void calls_of_tools_and_their_results_count(void **state)
{
    struct size size =
        size_of("[{\"role\": \"assistant\", \"content\": [{\"type\": \"tool_call\", \"arguments\":"
                "{\"queries\": [\"0123456789012345678901234567890123456789\"]}}]}]");

    assert_true(size.bytes >= 40);
    size = size_of("[{\"role\": \"tool\", \"content\": [{\"type\": \"tool_result\", \"content\":"
                   "\"0123456789012345678901234567890123456789\"}]}]");
    assert_true(size.bytes >= 40);
}

/* ---- parameters ---- */

static const char rows[] =
    "{\"parameters\": {"
    "\"temperature\": {\"type\": \"float\", \"min\": 0.0, \"max\": 1.0,"
    "  \"mutually_exclusive_with\": [\"top_p\"]},"
    "\"top_p\": {\"type\": \"float\", \"min\": 0.0, \"max\": 1.0,"
    "  \"mutually_exclusive_with\": [\"temperature\"]},"
    "\"max_tokens\": {\"type\": \"integer\", \"min\": 1, \"max\": 8192},"
    "\"reasoning_effort\": {\"type\": \"choice\", \"choices\": [\"disable\", \"low\", \"high\"]},"
    "\"sources\": {\"type\": \"list_choice\", \"choices\": [\"web\", \"academic\"]},"
    "\"show_thinking\": {\"type\": \"boolean\"}}}";

struct checked {
    int r;
    char kept[512], notes[1024], error[252];
};

static struct checked check_as(const char *provider, const char *entry, const char *given,
                               bool refuse)
{
    EIN_JSON json_t *json = json_loads(entry, 0, NULL);
    EIN_JSON json_t *sent = json_loads(given, 0, NULL);
    EIN_JSON json_t *pass = json_pack("[s]", "provider");
    EIN_JSON json_t *kept = NULL;
    EIN_JSON json_t *notes = NULL;
    struct model model = { .provider = provider, .id = "m", .json = json };
    const struct parameter_rules rules = {
        .model = &model, .pass = pass, .refuse = refuse, .max_notes = 64
    };
    struct ein_error err = { 0 };
    struct checked checked = { 0 };

    assert_non_null(json);
    assert_non_null(sent);
    checked.r = parameters_check(&rules, sent, &kept, &notes, &err);
    char *text = json_dumps(kept, JSON_COMPACT), *words = json_dumps(notes, JSON_COMPACT);
    snprintf(checked.kept, sizeof(checked.kept), "%s", text ? text : "");
    snprintf(checked.notes, sizeof(checked.notes), "%s", words ? words : "");
    snprintf(checked.error, sizeof(checked.error), "%s", err.text);
    free(text);
    free(words);
    return checked;
}

static void assert_kept(const char *given, const char *kept, const char *note)
{
    struct checked checked = check_as("openai", rows, given, false);

    assert_int_equal(checked.r, 0);
    assert_string_equal(checked.kept, kept);
    if (note)
        assert_non_null(strstr(checked.notes, note));
    else
        assert_string_equal(checked.notes, "");
}

static void numbers_may_be_text(void **state)
{
    assert_kept("{\"temperature\": \"0.5\", \"max_tokens\": \"4096\"}",
                "{\"temperature\":0.5,\"max_tokens\":4096}", NULL);
    assert_kept("{\"max_tokens\": 4096.0}", "{\"max_tokens\":4096}", NULL);
    assert_kept("{\"show_thinking\": \"true\"}", "{\"show_thinking\":true}", NULL);
    assert_kept("{\"show_thinking\": \"False\"}", "{\"show_thinking\":false}", NULL);
    assert_kept("{\"temperature\": 1}", "{\"temperature\":1}", NULL);
}

static void empty_and_null_are_unset(void **state)
{
    assert_kept("{\"temperature\": \"\", \"max_tokens\": null}", "", NULL);
    assert_kept("{}", "", NULL);
}

static void what_is_no_number_is_left_out(void **state)
{
    static const char *const wrong[] = { "\"many\"",      "\"0x10\"", "\"nan\"", "\"inf\"",
                                         "\"12 apples\"", "[1]",      "{}",      "1.5",
                                         "\"1e400\"",     "true" };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char given[64];
        snprintf(given, sizeof(given), "{\"max_tokens\": %s}", wrong[i]);
        assert_kept(given, "", "'max_tokens' was left out: openai/m takes integer there");
    }
}

static void ranges_are_kept(void **state)
{
    assert_kept("{\"temperature\": 1.5}", "",
                "'temperature' was left out: openai/m takes it from 0 to 1");
    assert_kept("{\"max_tokens\": 0}", "", "takes it from 1 to 8192");
    assert_kept("{\"max_tokens\": 8193}", "{\"max_tokens\":8192}",
                "'max_tokens' was made 8192: openai/m takes it from 1 to 8192");
    assert_kept("{\"max_output_tokens\": \"1e9\"}", "{\"max_tokens\":8192}", "was made 8192");
    assert_int_equal(check_as("openai", rows, "{\"max_tokens\": 8193}", true).r, EIN_E_INVALID);
    assert_kept("{\"max_tokens\": 8192}", "{\"max_tokens\":8192}", NULL);
}

static void choices_are_kept(void **state)
{
    assert_kept("{\"reasoning_effort\": \"low\"}", "{\"reasoning_effort\":\"low\"}", NULL);
    assert_kept("{\"reasoning_effort\": \"none\"}", "{\"reasoning_effort\":\"disable\"}", NULL);
    assert_kept("{\"reasoning_effort\": \"huge\"}", "", "takes one of disable, low, high");
    assert_kept("{\"reasoning_effort\": 7}", "", "takes one of disable, low, high");
    assert_kept("{\"reasoning_effort\": \"minimal\"}", "{\"reasoning_effort\":\"low\"}",
                "'reasoning_effort' was made 'low': openai/m takes one of disable, low, high");
    assert_kept("{\"reasoning_effort\": \"medium\"}", "{\"reasoning_effort\":\"low\"}",
                "was made 'low'");
    assert_kept("{\"reasoning_effort\": \"max\"}", "{\"reasoning_effort\":\"high\"}",
                "was made 'high'");
    assert_int_equal(check_as("openai", rows, "{\"reasoning_effort\": \"max\"}", true).r,
                     EIN_E_INVALID);
    assert_kept("{\"sources\": [\"web\"]}", "{\"sources\":[\"web\"]}", NULL);
    assert_kept("{\"sources\": \"web\"}", "{\"sources\":[\"web\"]}", NULL);
    assert_kept("{\"sources\": [\"web\", \"pub\"]}", "", "takes one of web, academic");
}

static void the_first_of_an_exclusive_pair_is_kept(void **state)
{
    assert_kept("{\"top_p\": 0.5, \"temperature\": 0.5}", "{\"top_p\":0.5}",
                "'temperature' was left out: openai/m takes it not together with 'top_p'");
    assert_kept("{\"top_p\": \"\", \"temperature\": 0.5}", "{\"temperature\":0.5}", NULL);
    assert_kept("{\"top_p\": 7, \"temperature\": 0.5}", "{\"temperature\":0.5}", "from 0 to 1");
}

static void unknown_parameters_are_left_out(void **state)
{
    assert_kept("{\"color\": \"red\"}", "", "'color' was left out: openai/m has no such parameter");
    assert_kept("{\"0123456789012345678901234567890123456789012345678901234567890äöü\": 5}", "",
                "'0123456789012345678901234567890123456789012345678901234567890ä' was left out");
    assert_kept("{\"top_k\": 5}", "", "'top_k' was left out");
    assert_kept("{\"prompt_cache_key\": \"k\"}", "", NULL); /* nobody misses it */
    assert_string_equal(
        check_as("openai", "{\"api_style\": \"responses\"}", "{\"prompt_cache_key\": \"k\"}", false)
            .kept,
        "{\"prompt_cache_key\":\"k\"}");
    assert_kept("{\"provider\": {\"order\": []}}", "{\"provider\":{\"order\":[]}}", NULL);
}

static void common_parameters_need_no_row(void **state)
{
    assert_kept("{\"stop\": \"END\", \"seed\": 7}", "{\"stop\":[\"END\"],\"seed\":7}", NULL);
    assert_kept("{\"stop_sequences\": [\"a\", \"b\"]}", "{\"stop\":[\"a\",\"b\"]}", NULL);
    assert_kept("{\"stop\": [1]}", "", "'stop' was left out");
    assert_kept("{\"max_completion_tokens\": 5}", "{\"max_tokens\":5}", NULL);
    assert_kept("{\"max_tokens\": 5, \"max_output_tokens\": 6}", "{\"max_tokens\":5}",
                "'max_tokens'");
    assert_kept("{\"presence_penalty\": \"-2\"}", "{\"presence_penalty\":-2.0}", NULL);
    assert_kept("{\"presence_penalty\": -2.5}", "", "from -2 to 2");
}

static void a_tier_without_a_price_is_left_out(void **state)
{
    assert_kept("{\"service_tier\": \"flex\"}", "{\"service_tier\":\"flex\"}", NULL);
    assert_kept("{\"service_tier\": \"priority\"}", "",
                "'service_tier' was left out: openai/m has no price here for that");
    assert_string_equal(
        check_as("openai",
                 "{\"parameters\": {\"service_tier\": {\"type\": \"choice\", \"choices\":"
                 " [\"priority\"]}}}",
                 "{\"service_tier\": \"priority\"}", false)
            .kept,
        "{\"service_tier\":\"priority\"}");
}

static void a_wire_without_a_parameter_is_told(void **state)
{
    struct checked checked =
        check_as("anthropic", rows, "{\"seed\": 1, \"stop\": \"x\", \"max_tokens\": 5}", false);

    assert_string_equal(checked.kept, "{\"stop\":[\"x\"],\"max_tokens\":5}");
    assert_non_null(
        strstr(checked.notes, "'seed' was left out: anthropic/m has no such parameter"));
    checked = check_as("openai", "{\"api_style\": \"responses\", \"parameters\": {\"a\": {}}}",
                       "{\"stop\": \"x\", \"temperature\": 1}", false);
    assert_string_equal(checked.kept, "");
    assert_non_null(strstr(checked.notes, "'stop'"));
    assert_non_null(strstr(checked.notes, "'temperature'"));
}

static void who_thinks_is_sent_no_temperature(void **state)
{
    static const char thinking[] = "{\"temperature\": 0.5, \"reasoning_effort\": \"low\"}";
    struct checked checked = check_as("anthropic", rows, thinking, false);

    assert_string_equal(checked.kept, "{\"reasoning_effort\":\"low\"}");
    assert_string_equal(checked.notes,
                        "[\"'temperature' was left out: anthropic/m does not take it "
                        "while it thinks\"]");
    assert_string_equal(check_as("openai", rows, thinking, false).notes, "");
    checked = check_as("anthropic", rows,
                       "{\"temperature\": 0.5, \"reasoning_effort\": \"disable\"}", false);
    assert_string_equal(checked.notes, "");
    assert_int_equal(check_as("anthropic", rows, thinking, true).r, EIN_E_INVALID);
}

/* What is kept, and that there is a word about it or none. */
static void assert_thinks(const char *entry, const char *parameters, const char *tool_choice,
                          const char *expected, const char *word)
{
    EIN_JSON json_t *json = json_loads(entry, 0, NULL), *kept = NULL, *notes = NULL;
    EIN_JSON json_t *given = json_loads(parameters, 0, NULL),
                    *wanted = json_loads(expected, 0, NULL);
    EIN_JSON json_t *choice = json_loads(tool_choice, JSON_DECODE_ANY, NULL);
    const bool never = json_is_false(json_object_get(json, "supports_thinking"));
    const struct model model = {
        .provider = "anthropic", .id = "m", .json = json, .cannot = never ? MODEL_THINKING : 0
    };
    const struct parameter_rules rules = { .model = &model,
                                           .tool_choice = choice,
                                           .max_notes = 64 };
    struct parameter_rules strict = rules;
    EIN_JSON json_t *none = NULL;
    const char *note;

    assert_int_equal(parameters_check(&rules, given, &kept, &notes, NULL), 0);
    assert_true(json_equal(kept, wanted) || (!kept && json_object_size(wanted) == 0));
    note = json_string_value(json_array_get(notes, 0));
    assert_true(word ? note && strstr(note, word) : !note);
    json_decref(kept);
    strict.refuse = true;
    assert_int_equal(parameters_check(&strict, given, &kept, &none, NULL),
                     word ? EIN_E_INVALID : 0);
}

static void thinking_that_cannot_be_is_told(void **state)
{
    static const char budgets[] = "{\"supports_thinking\": true}";
    static const char efforts[] = "{\"supports_thinking\": true, \"supports_effort\": true}";
    static const char thinks[] = "{\"thinking_budget\": 2000, \"temperature\": 1}";
    static const char low[] = "{\"reasoning_effort\": \"low\"}";

    assert_thinks(budgets, thinks, "\"auto\"", thinks, NULL);
    assert_thinks(budgets, thinks, "\"required\"", "{\"temperature\": 1}",
                  "'thinking_budget' was left out: anthropic/m does not think where it has to");
    assert_thinks(budgets, low, "{\"name\": \"f\"}", "{}", "does not think where it has to");
    assert_thinks(budgets, "{\"thinking_budget\": 2000, \"max_tokens\": 1024}", "null",
                  "{\"max_tokens\": 1024}", "has no max_tokens left to think with");
    assert_thinks(budgets, "{\"thinking_budget\": 9000, \"max_tokens\": 2000}", "null",
                  "{\"thinking_budget\": 1999, \"max_tokens\": 2000}",
                  "'thinking_budget' was made 1999: anthropic/m takes it from 1024 to below max_");
    assert_thinks("{\"supports_thinking\": false}", low, "null", "{}",
                  "anthropic/m does not think");
    assert_thinks(efforts, low, "\"required\"", low, NULL);
    assert_thinks(efforts, "{\"reasoning_effort\": \"low\", \"max_tokens\": 9}", "null",
                  "{\"reasoning_effort\": \"low\", \"max_tokens\": 9}", NULL);
}

static void nobody_thinks_more_than_the_model_can(void **state)
{
    EIN_JSON json_t *json = json_pack("{}"), *kept = NULL, *notes = NULL, *said = NULL;
    EIN_JSON json_t *given = json_pack("{s:i}", "thinking_budget", 99999), *any = NULL;
    const struct model model = {
        .provider = "gemini", .id = "m", .json = json, .max_output = 65536, .max_thinking = 24576
    };
    const struct model unsaid = {
        .provider = "gemini", .id = "m", .json = json, .max_output = 65536
    };

    assert_int_equal(parameters_check(&(struct parameter_rules){ .model = &model, .max_notes = 64 },
                                      given, &kept, &notes, NULL),
                     0);
    assert_int_equal(json_integer_value(json_object_get(kept, "thinking_budget")), 24576);
    assert_string_equal(json_string_value(json_array_get(notes, 0)),
                        "'thinking_budget' was made 24576: gemini/m takes it from -1 to 24576");
    assert_int_equal(
        parameters_check(&(struct parameter_rules){ .model = &unsaid, .max_notes = 64 }, given,
                         &any, &said, NULL),
        0);
    assert_int_equal(json_integer_value(json_object_get(any, "thinking_budget")), 65536);
}

static void what_the_vendor_refuses_is_left_out_whatever_the_row_says(void **state)
{
    EIN_JSON json_t *json = json_loads(rows, 0, NULL), *kept = NULL, *notes = NULL;
    EIN_JSON json_t *given =
        json_pack("{s:f, s:f, s:i}", "temperature", 0.5, "top_p", 0.5, "max_tokens", 5000);
    const struct model model = {
        .provider = "openai", .id = "o3", .json = json, .can = MODEL_REASONING, .max_output = 4096
    };
    EIN_JSON json_t *pass = json_pack("[s]", "top_p"), *freely = json_pack("{s:f}", "top_p", 0.5);
    EIN_JSON json_t *passed = NULL, *none = NULL;
    const struct parameter_rules rules = { .model = &model, .max_notes = 64 };
    const struct parameter_rules but = { .model = &model, .pass = pass };

    assert_int_equal(parameters_check(&but, freely, &passed, &none, NULL), 0);
    assert_true(json_equal(passed, freely));
    assert_int_equal(parameters_check(&rules, given, &kept, &notes, NULL), 0);
    assert_int_equal(json_object_size(kept), 1);
    assert_int_equal(json_integer_value(json_object_get(kept, "max_tokens")), 4096);
    assert_int_equal(json_array_size(notes), 3);
    assert_string_equal(json_string_value(json_array_get(notes, 2)),
                        "'max_tokens' was made 4096: openai/o3 takes it from 1 to 4096");
    assert_string_equal(check_as("gemini", rows, "{\"presence_penalty\": 1}", false).kept, "");
}

/* Each of them is kept or told of. */
static void assert_kept_of(const struct parameter_rules *rules, const char *expected)
{
    EIN_JSON json_t *kept = NULL, *notes = NULL, *wanted = json_loads(expected, 0, NULL);
    EIN_JSON json_t *given =
        json_pack("{s:s, s:i, s:f, s:i}", "stop", "END", "seed", 7, "top_p", 0.5, "top_k", 3);

    assert_int_equal(parameters_check(rules, given, &kept, &notes, NULL), 0);
    assert_int_equal(json_object_size(kept) + json_array_size(notes), json_object_size(given));
    assert_true(json_equal(kept, wanted) || (!kept && json_object_size(wanted) == 0));
}

static void what_one_of_openais_apis_has_is_for_models_that_have_both(void **state)
{
    EIN_JSON json_t *json =
        json_pack("{s:s, s:{s:{}}}", "api_style", "responses", "parameters", "temperature");
    const struct model plain = {
        .provider = "openai", .id = "m", .json = json, .cannot = MODEL_REASONING
    };
    const struct model unknown = { .provider = "openai", .id = "m", .json = json };
    const struct model others = {
        .provider = "ours", .id = "m", .json = json, .cannot = MODEL_REASONING
    };
    const struct parameter_rules with_both = { .max_notes = 64, .model = &plain };
    const struct parameter_rules with_one[] = {
        { .max_notes = 64, .model = &plain, .vendors_tools = true },
        { .max_notes = 64, .model = &unknown },
        { .max_notes = 64, .model = &others }
    };

    assert_kept_of(&with_both, "{\"stop\": [\"END\"], \"seed\": 7, \"top_p\": 0.5}");
    for (size_t i = 0; i < sizeof(with_one) / sizeof(with_one[0]); i++)
        assert_kept_of(&with_one[i], "{}");
}

static void a_model_that_nobody_has_listed_takes_what_is_common(void **state)
{
    struct checked checked = check_as("vllm", "{\"parameters\": {}}",
                                      "{\"temperature\": \"0.25\", \"top_k\": 4}", false);

    assert_string_equal(checked.kept, "{\"temperature\":0.25,\"top_k\":4}");
    checked = check_as("ollama", "{\"parameters\": {\"num_predict\": {\"type\": \"integer\"}}}",
                       "{\"max_tokens\": \"9\"}", false);
    assert_string_equal(checked.kept, "{\"num_predict\":9}");
}

static void agents_are_given_what_was_sent(void **state)
{
    struct checked checked =
        check_as("gofannon", "{\"parameters\": {}}", "{\"city\": \"\", \"n\": \"4\"}", false);

    assert_string_equal(checked.kept, "{\"city\":\"\",\"n\":\"4\"}");
}

static void parameters_can_be_refused(void **state)
{
    struct checked checked = check_as("openai", rows, "{\"color\": 1}", true);

    assert_int_equal(checked.r, EIN_E_INVALID);
    assert_string_equal(checked.error,
                        "The parameter 'color' cannot be: openai/m has no such parameter");
    assert_string_equal(checked.notes, "");
    assert_int_equal(check_as("openai", rows, "{\"color\": null}", true).r, 0);
    assert_int_equal(check_as("openai", rows, "{\"top_p\": 1, \"temperature\": 1}", true).r,
                     EIN_E_INVALID);
}

/* ---- retries ---- */

static bool helps(const char *provider, int32_t fault, int32_t status)
{
    const struct ein_llm_outcome outcome = { .fault = fault, .vendor_status = status };

    return retry_helps(provider, &outcome);
}

static void each_vendor_is_asked_again_as_it_says(void **state)
{
    static const struct {
        const char *provider;
        int16_t yes[10], no[10];
    } rules[] = {
        { "openai", { 408, 409, 429, 500, 502, 503, 529 }, { 400, 401, 403, 404, 422 } },
        { "anthropic", { 408, 409, 429, 500, 504, 529 }, { 400, 401, 402, 403, 404, 413 } },
        { "gemini", { 408, 429, 500, 502, 503, 504 }, { 400, 403, 404, 409, 501 } },
        { "bedrock", { 408, 424, 429, 500, 503 }, { 400, 403, 404 } },
        { "openrouter",
          { 408, 429, 502, 503, 524, 529 },
          { 400, 401, 402, 403, 404, 413, 422, 500 } },
        { "ollama", { 429, 502 }, { 400, 404, 500 } },
        { "my-vllm", { 408, 409, 429, 500, 503 }, { 400, 401, 404 } },
    };

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        for (size_t k = 0; k < 10 && rules[i].yes[k]; k++)
            assert_true(helps(rules[i].provider, EIN_LLM_FAULT_OVERLOADED, rules[i].yes[k]));
        for (size_t k = 0; k < 10 && rules[i].no[k]; k++)
            assert_false(helps(rules[i].provider, vendor_fault_of(rules[i].no[k]), rules[i].no[k]));
        assert_true(helps(rules[i].provider, EIN_LLM_FAULT_OVERLOADED, 400)); /* it says so */
        assert_true(helps(rules[i].provider, EIN_LLM_FAULT_UNREACHABLE, 0));
        assert_true(helps(rules[i].provider, EIN_LLM_FAULT_OVERLOADED, 200));
    }
}

static void some_faults_never_help(void **state)
{
    static const int32_t faults[] = { EIN_LLM_FAULT_NONE, EIN_LLM_FAULT_BAD_KEY,
                                      EIN_LLM_FAULT_REFUSED, EIN_LLM_FAULT_NO_CREDIT,
                                      EIN_LLM_FAULT_CONTEXT_TOO_LONG };

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        assert_false(helps("openai", faults[i], 429));
        assert_false(helps("openai", faults[i], 0));
    }
    assert_false(helps("openai", EIN_LLM_FAULT_BAD_REQUEST, 400));
    assert_false(helps("openai", EIN_LLM_FAULT_BAD_REQUEST, 200));
    assert_true(helps("openai", EIN_LLM_FAULT_BAD_REQUEST, 409));
    assert_false(helps("openai", EIN_LLM_FAULT_BAD_REQUEST, 500));
}

static void pauses_grow_to_a_maximum(void **state)
{
    const struct retry retry = { .retries = 9, .base_ms = 500, .max_ms = 7000 };
    static const uint32_t longest[] = { 500, 1000, 2000, 4000, 7000, 7000, 7000 };

    for (uint32_t i = 0; i < 7; i++) {
        assert_int_equal(retry_pause_ms(&retry, i + 1, 0, 0), longest[i]);
        assert_int_equal(retry_pause_ms(&retry, i + 1, 0, 1), longest[i] * 3 / 4);
    }
    assert_int_equal(retry_pause_ms(&retry, 1, 1234, 0.5), 1234); /* what the vendor wants */
    assert_int_equal(retry_pause_ms(&retry, UINT32_MAX, 0, 0), 7000);
}

/* ---- limits ---- */

struct taken {
    int r;
    uint32_t after_ms;
    struct ein_rate requests, tokens;
    struct limits_told told;
    char error[252];
};

static struct taken take(struct limits *limits, struct limits_who who, uint64_t tokens, int64_t now)
{
    struct taken taken = { 0 };
    struct ein_error err = { 0 };

    taken.r = limits_take(limits, &who, tokens, now, &taken.told, &err);
    taken.requests = taken.told.requests;
    taken.tokens = taken.told.tokens;
    taken.after_ms = taken.told.after_ms;
    snprintf(taken.error, sizeof(taken.error), "%s", err.text);
    return taken;
}

static struct limits *limits_of(json_t *config)
{
    struct limits *limits = NULL;

    assert_non_null(config);
    assert_int_equal(limits_new(config, &limits, NULL), 0);
    return limits;
}

static const struct limits_who alice = { .user_id = "alice", .provider = "openai", .model = "m" };
static const struct limits_who bob = { .user_id = "bob", .provider = "openai", .model = "m" };

static void without_limits_nothing_is_counted(void **state)
{
    EIN_JSON json_t *config = json_object();
    struct limits *limits = limits_of(config);
    struct taken taken = take(limits, alice, 1, 0);

    assert_int_equal(taken.r, 0);
    assert_int_equal(taken.requests.limit, 0);
    limits_free(limits);
}

static void requests_a_minute_are_counted_by_user(void **state)
{
    EIN_JSON json_t *config = json_pack("{s:{s:i}}", "user", "requests", 3);
    struct limits *limits = limits_of(config);

    for (int i = 3; i-- > 0;) {
        struct taken taken = take(limits, alice, 1, 1000);
        assert_int_equal(taken.r, 0);
        assert_int_equal(taken.requests.limit, 3);
        assert_int_equal(taken.requests.remaining, i);
        assert_int_equal(taken.requests.reset_ms, (3 - i) * 20000);
    }
    struct taken taken = take(limits, alice, 1, 1000);
    assert_int_equal(taken.r, EIN_E_BUSY);
    assert_int_equal(taken.after_ms, 20000);
    assert_int_equal(taken.requests.remaining, 0);
    assert_string_equal(taken.error, "The limit of this user of 3 requests a minute is reached: "
                                     "try again in 20 s");
    assert_int_equal(take(limits, bob, 1, 1000).r, 0);
    assert_int_equal(take(limits, alice, 1, 20999).after_ms, 1); /* to the millisecond */
    assert_int_equal(take(limits, alice, 1, 21000).r, 0);
    assert_int_equal(take(limits, alice, 1, 21000).after_ms, 20000);
    limits_free(limits);
}

static void what_is_refused_takes_nothing(void **state)
{
    EIN_JSON json_t *config =
        json_pack("{s:{s:i}, s:{s:i}}", "user", "requests", 1, "model", "requests", 5);
    struct limits *limits = limits_of(config);

    assert_int_equal(take(limits, alice, 1, 0).r, 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(take(limits, alice, 1, 0).r, EIN_E_BUSY);
    struct taken taken = take(limits, bob, 1, 0);
    assert_int_equal(taken.r, 0);
    assert_int_equal(taken.requests.limit, 1); /* bob's own is the tightest */
    limits_free(limits);
}

static void tokens_are_corrected_afterwards(void **state)
{
    EIN_JSON json_t *config = json_pack("{s:{s:i}}", "user", "tokens", 6000);
    struct limits *limits = limits_of(config);

    assert_int_equal(take(limits, alice, 100, 0).tokens.remaining, 5900);
    limits_correct(limits, &alice, 100, 6100, 0); /* 100 more than there were */
    struct taken taken = take(limits, alice, 50, 0);
    assert_int_equal(taken.r, EIN_E_BUSY);
    assert_int_equal(taken.after_ms, 1500); /* 150 of 100 a second */
    assert_int_equal(take(limits, alice, 50, 1500).r, 0);
    limits_correct(limits, &alice, 50, 0, 1500); /* it never happened */
    assert_int_equal(take(limits, alice, 50, 1500).r, 0);
    limits_free(limits);
}

static void what_is_above_the_limit_waits_for_all_of_it(void **state)
{
    EIN_JSON json_t *config = json_pack("{s:{s:i}}", "user", "tokens", 60);
    struct limits *limits = limits_of(config);

    assert_int_equal(take(limits, alice, 600, 0).r, 0);
    struct taken taken = take(limits, alice, 1, 0);
    assert_int_equal(taken.r, EIN_E_BUSY);
    assert_int_equal(taken.after_ms, 541000); /* it has used ten minutes' worth */
    limits_correct(limits, &alice, 0, UINT64_MAX, 0);
    assert_int_equal(take(limits, alice, 1, 0).r, EIN_E_BUSY);
    limits_free(limits);
}

static void one_model_may_have_its_own_limit(void **state)
{
    EIN_JSON json_t *config = json_pack("{s:{s:i}, s:{s:{s:i}}}", "model", "requests", 1, "models",
                                        "openai/m", "requests", 2);
    struct limits *limits = limits_of(config);
    const struct limits_who other = { .provider = "openai", .model = "n" };

    assert_int_equal(take(limits, alice, 1, 0).r, 0);
    assert_int_equal(take(limits, bob, 1, 0).r, 0);
    struct taken taken = take(limits, bob, 1, 0);
    assert_true(taken.told.of_model);
    assert_string_equal(taken.error, "The limit of this model of 2 requests a minute is reached: "
                                     "try again in 30 s");
    assert_int_equal(take(limits, other, 1, 0).r, 0);
    assert_int_equal(take(limits, other, 1, 0).r, EIN_E_BUSY);
    limits_free(limits);
}

static void a_key_may_have_its_own_rates(void **state)
{
    EIN_JSON json_t *config = json_pack("{s:{s:i, s:i}}", "key", "requests", 5, "tokens", 1000);
    EIN_JSON json_t *rates = json_pack("{s:i}", "requests", 1);
    EIN_JSON json_t *more = json_pack("{s:i, s:i}", "requests", 3, "tokens", 10);
    EIN_JSON json_t *none = json_object();
    struct limits *limits = limits_of(config), *open = limits_of(none);
    struct limits_who key = { .key_id = "k", .key_rates = rates };

    struct taken taken = take(limits, key, 1, 0);
    assert_int_equal(taken.r, 0);
    assert_int_equal(taken.requests.limit, 1);
    assert_int_equal(taken.tokens.limit, 1000); /* as all keys have it */
    assert_int_equal(take(limits, key, 1, 0).r, EIN_E_BUSY);
    key.key_rates = more; /* what is used stays used */
    taken = take(limits, key, 1, 0);
    assert_int_equal(taken.r, 0);
    assert_int_equal(taken.requests.remaining, 1);
    assert_int_equal(taken.tokens.remaining, 8);
    key.key_rates = NULL;
    assert_int_equal(take(limits, key, 1, 0).requests.limit, 5);

    key.key_rates = rates; /* where nobody else has any */
    assert_int_equal(take(open, key, 1, 0).r, 0);
    assert_int_equal(take(open, key, 1, 0).r, EIN_E_BUSY);
    assert_int_equal(take(open, alice, 1, 0).requests.limit, 0);
    limits_free(limits);
    limits_free(open);
}

static void who_is_not_heard_of_is_forgotten(void **state)
{
    EIN_JSON json_t *config = json_pack("{s:{s:i}}", "key", "requests", 1);
    struct limits *limits = limits_of(config);
    char id[16];
    struct limits_who who = { .key_id = id };

    for (int i = 0; i < LIMITS_KEPT_MAX - 2; i++) {
        snprintf(id, sizeof(id), "%d", i);
        assert_int_equal(take(limits, who, 1, 0).r, 0);
    }
    snprintf(id, sizeof(id), "late");
    struct taken taken = take(limits, who, 1, 0);
    assert_int_equal(taken.r, 0);
    snprintf(id, sizeof(id), "later");
    assert_int_equal(take(limits, who, 1, 0).r, 0);
    snprintf(id, sizeof(id), "too late");
    assert_int_equal(take(limits, who, 1, 0).r, EIN_E_BUSY);
    assert_int_equal(take(limits, who, 1, 60000).r, 0); /* all are full again */
    snprintf(id, sizeof(id), "0");
    assert_int_equal(take(limits, who, 1, 60000).r, 0);
    limits_sweep(limits, 120000);
    limits_free(limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prices_of_input_and_output),
        cmocka_unit_test(costs_are_rounded_up_once),
        cmocka_unit_test(prices_of_the_cache),
        cmocka_unit_test(prices_above_200k),
        cmocka_unit_test(prices_of_reasoning_and_requests),
        cmocka_unit_test(no_number_of_tokens_overflows),
        cmocka_unit_test(a_bound_is_of_the_dearer_tier),
        cmocka_unit_test(the_bound_is_never_below_the_cost),
        cmocka_unit_test(what_has_no_price_is_free),
        cmocka_unit_test(a_token_is_at_least_a_byte),
        cmocka_unit_test(images_and_files_count_for_themselves),
        cmocka_unit_test(calls_of_tools_and_their_results_count),
        cmocka_unit_test(numbers_may_be_text),
        cmocka_unit_test(empty_and_null_are_unset),
        cmocka_unit_test(what_is_no_number_is_left_out),
        cmocka_unit_test(ranges_are_kept),
        cmocka_unit_test(choices_are_kept),
        cmocka_unit_test(nobody_thinks_more_than_the_model_can),
        cmocka_unit_test(the_first_of_an_exclusive_pair_is_kept),
        cmocka_unit_test(unknown_parameters_are_left_out),
        cmocka_unit_test(common_parameters_need_no_row),
        cmocka_unit_test(a_tier_without_a_price_is_left_out),
        cmocka_unit_test(a_wire_without_a_parameter_is_told),
        cmocka_unit_test(who_thinks_is_sent_no_temperature),
        cmocka_unit_test(thinking_that_cannot_be_is_told),
        cmocka_unit_test(what_the_vendor_refuses_is_left_out_whatever_the_row_says),
        cmocka_unit_test(what_one_of_openais_apis_has_is_for_models_that_have_both),
        cmocka_unit_test(a_model_that_nobody_has_listed_takes_what_is_common),
        cmocka_unit_test(agents_are_given_what_was_sent),
        cmocka_unit_test(parameters_can_be_refused),
        cmocka_unit_test(each_vendor_is_asked_again_as_it_says),
        cmocka_unit_test(some_faults_never_help),
        cmocka_unit_test(pauses_grow_to_a_maximum),
        cmocka_unit_test(without_limits_nothing_is_counted),
        cmocka_unit_test(requests_a_minute_are_counted_by_user),
        cmocka_unit_test(what_is_refused_takes_nothing),
        cmocka_unit_test(tokens_are_corrected_afterwards),
        cmocka_unit_test(what_is_above_the_limit_waits_for_all_of_it),
        cmocka_unit_test(one_model_may_have_its_own_limit),
        cmocka_unit_test(a_key_may_have_its_own_rates),
        cmocka_unit_test(who_is_not_heard_of_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
