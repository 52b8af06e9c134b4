/* SPDX-License-Identifier: Apache-2.0 */
/* completion/1: what it asks of providers, when again, whom else, and what is paid. */
#include "completion_fixture.h"

#include "clock.h"

#include <pthread.h>

#define MODEL  "openai/gpt-5.2"
#define CLAUDE "anthropic/claude"

enum { INPUT_BOUND = 40 + 2 * 16 }; /* of the question that ask() asks */

static const struct step good = {
    .status = 200, .input = 1000, .output = 100, .pieces = { "Hel", "lo" }
};

static struct step failing(int r, int fault, int32_t status)
{
    return (struct step){ .r = r, .fault = fault, .status = status, .words = "OpenAI says no" };
}

#define OVERLOADED failing(EIN_E_UNAVAILABLE, EIN_LLM_FAULT_OVERLOADED, 503)

/* ---- a good call ---- */

static void an_answer_is_streamed_and_paid(void **state)
{
    struct fixture *fixture = *state;

    fixture->steps[0] = good;
    struct result result = ask(fixture, MODEL);
    assert_int_equal(result.r, 0);
    assert_string_equal(result.text, "Hello");
    assert_int_equal(result.outcome.status, 200);
    assert_int_equal(result.outcome.fault, 0);
    assert_int_equal(result.outcome.attempts, 1);
    assert_string_equal(result.outcome.provider, "openai");
    assert_string_equal(result.outcome.model, "gpt-5.2");
    assert_string_equal(result.outcome.stop_reason, "stop");
    assert_int_equal(result.outcome.cost, 1000 * 1750 + 100 * 14000);
    assert_int_equal(result.outcome.input_tokens, 1000);
    assert_int_equal(result.outcome.output_tokens, 100);
    assert_string_equal(result.notes, "");

    assert_int_equal(fixture->reserved, 1);
    assert_int_equal(fixture->bound, INPUT_BOUND * 1750 + 1000 * 14000);
    assert_int_equal(fixture->settled_count, 1);
    assert_string_equal(fixture->settled[0].hold, "hold-1");
    assert_int_equal(fixture->settled[0].cost, result.outcome.cost);
    assert_string_equal(fixture->settled[0].price, "{\"input\":1.75,\"output\":14}");
    assert_string_equal(fixture->settled[0].metadata, "");
}

static void an_entry_says_whose_it_is(void **state)
{
    struct fixture *fixture = *state;
    const struct ein_completion_call call = { .model = "gpt-5.2",
                                              .key_id = "key-1",
                                              .agent_id = "agent-1",
                                              .run_id = "run-1",
                                              .request_id = "req-1" };

    fixture->steps[0] = good;
    assert_int_equal(ask_with(fixture, call, 0).r, 0);
    assert_string_equal(fixture->settled[0].key_id, "key-1");
    assert_string_equal(fixture->settled[0].agent_id, "agent-1");
    assert_string_equal(fixture->settled[0].run_id, "run-1");
    assert_string_equal(fixture->settled[0].request_id, "req-1");
    assert_string_equal(fixture->settled[0].provider, "openai");
    assert_string_equal(fixture->settled[0].model, "gpt-5.2");
}

static void the_key_is_found_and_wiped(void **state)
{
    struct fixture *fixture = *state;
    char secret[] = "sk-secret";

    fixture->steps[0] = fixture->steps[1] = fixture->steps[2] = good;
    assert_int_equal(ask(fixture, MODEL).r, 0);
    assert_string_equal(fixture->key, "-"); /* the provider has its own, or says what is missing */
    fixture->secret = secret;
    assert_int_equal(ask(fixture, MODEL).r, 0);
    assert_string_equal(fixture->key, "sk-secret");
    fixture->key_result = EIN_E_UNAVAILABLE;
    struct result result = ask(fixture, MODEL);
    assert_int_equal(result.r, EIN_E_UNAVAILABLE);
    assert_string_equal(result.err.text, "The vault is closed");
    assert_int_equal(result.outcome.status, 503);
    assert_int_equal(result.outcome.attempts, 0);
    assert_false(fake_host_logged(fixture->host, "sk-secret"));
}

static void what_a_vendor_charges_is_what_it_cost(void **state)
{
    struct fixture *fixture = *state;

    fixture->steps[0] = good;
    fixture->steps[0].vendor_cost = 123456789;
    assert_int_equal(ask(fixture, MODEL).outcome.cost, 123456789);
    assert_int_equal(fixture->settled[0].cost, 123456789);
}

static void max_tokens_lowers_what_is_set_aside(void **state)
{
    struct fixture *fixture = *state;
    EIN_JSON json_t *parameters = json_pack("{s:s}", "max_tokens", "10");

    fixture->steps[0] = good;
    assert_int_equal(
        ask_with(fixture, (struct ein_completion_call){ .model = MODEL, .parameters = parameters },
                 0)
            .r,
        0);
    assert_string_equal(fixture->parameters, "{\"max_tokens\":10}");
    assert_int_equal(fixture->bound, INPUT_BOUND * 1750 + 10 * 14000);
}

/* Claude has to be told how long an answer may be, and is told what the catalog says. */
static void a_limit_that_is_always_sent_lowers_it_too(void **state)
{
    struct fixture *fixture = *state;

    json_object_set_new(json_object_get(fixture->catalog[1].json, "parameters"), "max_tokens",
                        json_pack("{s:s, s:i}", "type", "integer", "default", 100));
    fixture->steps[0] = good;
    assert_int_equal(ask(fixture, CLAUDE).r, 0);
    assert_int_equal(fixture->bound, INPUT_BOUND * 3000 + 100 * 15000);
}

static void tools_of_the_vendor_may_read_a_window_full(void **state)
{
    struct fixture *fixture = *state;
    EIN_JSON json_t *tools = json_pack("[{s:s}]", "type", "web_search");

    fixture->steps[0] = good;
    assert_int_equal(
        ask_with(fixture, (struct ein_completion_call){ .model = MODEL, .built_in_tools = tools },
                 0)
            .r,
        0);
    assert_int_equal(fixture->bound, INT64_C(400000) * 1750 + 1000 * 14000);
}

static void a_free_model_needs_no_money(void **state)
{
    struct fixture *fixture = *state;

    fixture->reserve_result = EIN_E_DENIED;
    fixture->steps[0] = good;
    struct result result = ask(fixture, "ollama/llama");
    assert_int_equal(result.r, 0);
    assert_int_equal(result.outcome.cost, 0);
    assert_int_equal(fixture->reserved, 0);
    assert_int_equal(fixture->settled_count, 1); /* that it was used is known all the same */
    assert_string_equal(fixture->settled[0].hold, "");
}

/* Its vendor may say what it has cost. */
static void a_model_without_a_price_needs_somebody_who_has_not_overspent(void **state)
{
    struct fixture *fixture = *state;

    fixture->catalog[2].priced = false;
    fixture->steps[0] = good;
    assert_int_equal(ask(fixture, "ollama/llama").r, 0);
    assert_int_equal(fixture->reserved, 1);
    assert_int_equal(fixture->bound, 0);
    assert_string_equal(fixture->settled[0].hold, "hold-1");
    fixture->reserve_result = EIN_E_DENIED;
    assert_int_equal(ask(fixture, "ollama/llama").r, EIN_E_DENIED);
}

static void an_empty_purse_is_402(void **state)
{
    struct fixture *fixture = *state;

    fixture->reserve_result = EIN_E_DENIED;
    set(fixture, "fallbacks", json_pack("{s:[s]}", MODEL, CLAUDE));
    struct result result = ask(fixture, MODEL);
    assert_int_equal(result.r, EIN_E_DENIED);
    assert_int_equal(result.outcome.status, 402);
    assert_string_equal(result.err.text, "Insufficient spend allowance to complete request");
    assert_int_equal(fixture->next, 0);
}

static void a_call_without_a_model_or_messages_is_400(void **state)
{
    struct fixture *fixture = *state;
    EIN_JSON json_t *none = json_object();

    assert_int_equal(ask_with(fixture, (struct ein_completion_call){ 0 }, 0).outcome.status, 400);
    assert_int_equal(
        ask_with(fixture, (struct ein_completion_call){ .model = MODEL, .messages = none }, 0).r,
        EIN_E_INVALID);
}

static void an_unknown_model_is_404(void **state)
{
    struct fixture *fixture = *state;
    struct result result = ask(fixture, "openai/gpt-99");

    assert_int_equal(result.r, EIN_E_NOT_FOUND);
    assert_int_equal(result.outcome.status, 404);
    assert_string_equal(result.err.text, "There is no model 'openai/gpt-99'");
}

static void a_provider_whose_plugin_is_off_is_503(void **state)
{
    struct fixture *fixture = *state;
    struct result result = ask(fixture, "nobody/home");

    assert_int_equal(result.r, EIN_E_UNAVAILABLE);
    assert_int_equal(result.outcome.status, 503);
    assert_string_equal(result.err.text, "The provider 'nobody' is not there: its plugin is off");
}

static void parameters_are_noted_or_refused(void **state)
{
    struct fixture *fixture = *state;
    EIN_JSON json_t *parameters = json_pack("{s:i}", "color", 1);
    struct ein_completion_call call = { .model = MODEL, .parameters = parameters };

    fixture->steps[0] = fixture->steps[1] = good;
    struct result result = ask_with(fixture, call, 0);
    assert_int_equal(result.r, 0);
    assert_string_equal(result.notes,
                        "[\"'color' was left out: openai/gpt-5.2 has no such parameter\"]");
    call.flags = EIN_COMPLETION_REFUSE;
    result = ask_with(fixture, call, 0);
    assert_int_equal(result.r, EIN_E_INVALID);
    assert_int_equal(result.outcome.status, 400);

    set(fixture, "parameters", json_string("refuse"));
    call.flags = 0;
    assert_int_equal(ask_with(fixture, call, 0).r, EIN_E_INVALID);
    call.flags = EIN_COMPLETION_DROP;
    assert_int_equal(ask_with(fixture, call, 0).r, 0);
}

/* ---- deadlines ---- */

static void deadlines_grow_with_the_model_and_the_answer(void **state)
{
    struct fixture *fixture = *state;
    EIN_JSON json_t *parameters = json_pack("{s:i}", "max_tokens", 1000);
    struct ein_completion_call call = { .model = MODEL };

    for (size_t i = 0; i < 4; i++)
        fixture->steps[i] = good;
    ask_with(fixture, call, 0);
    assert_int_equal(fixture->first_byte_ms, 60000);
    assert_int_equal(fixture->idle_ms, 50000);
    assert_in_range(fixture->total_ms, 590000, 600000);

    fixture->catalog[0].time_percent = 300;
    ask_with(fixture, call, 0);
    assert_int_equal(fixture->first_byte_ms, 180000);
    assert_int_equal(fixture->idle_ms, 150000);
    assert_in_range(fixture->total_ms, 1790000, 1800000);

    set(fixture, "token_us", json_integer(5000000));
    call.parameters = parameters;
    ask_with(fixture, call, 0);
    assert_in_range(fixture->total_ms, 4990000, 5000000);
    call.total_ms = 30000; /* who asks for one is given that */
    ask_with(fixture, call, 0);
    assert_in_range(fixture->total_ms, 20000, 30000);
}

static void no_repetition_begins_after_the_deadline(void **state)
{
    struct fixture *fixture = *state;

    set(fixture, "retry_base_ms", json_integer(50000));
    set(fixture, "retry_max_ms", json_integer(50000));
    fixture->steps[0] = OVERLOADED;
    struct result result =
        ask_with(fixture, (struct ein_completion_call){ .model = MODEL, .total_ms = 10000 }, 0);
    assert_int_equal(result.outcome.attempts, 1);
    assert_int_equal(result.outcome.status, 503);
}

/* ---- again ---- */

static void an_overloaded_vendor_is_asked_again(void **state)
{
    struct fixture *fixture = *state;

    fixture->steps[0] = OVERLOADED;
    fixture->steps[1] = failing(EIN_E_UNAVAILABLE, EIN_LLM_FAULT_UNREACHABLE, 0);
    fixture->steps[2] = good;
    struct result result = ask(fixture, MODEL);
    assert_int_equal(result.r, 0);
    assert_int_equal(result.outcome.attempts, 3);
    assert_int_equal(result.outcome.fault, 0);
    assert_int_equal(fixture->reserved, 1); /* one hold for all */
    assert_int_equal(fixture->settled_count, 1);
    assert_int_equal(fixture->released, 0);
}

static void it_is_asked_so_often_and_no_more(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < 4; i++)
        fixture->steps[i] = OVERLOADED;
    struct result result = ask(fixture, MODEL);
    assert_int_equal(result.r, EIN_E_UNAVAILABLE);
    assert_int_equal(result.outcome.attempts, 3);
    assert_int_equal(result.outcome.fault, EIN_LLM_FAULT_OVERLOADED);
    assert_int_equal(result.outcome.status, 503);
    assert_string_equal(result.err.text, "OpenAI says no");
    assert_int_equal(result.outcome.cost, 0);
    assert_int_equal(fixture->settled_count, 0);
    assert_int_equal(fixture->released, 1);
}

static void what_never_helps_is_said_at_once(void **state)
{
    static const struct {
        int r, fault;
        int16_t vendor, status;
    } faults[] = {
        { EIN_E_DENIED, EIN_LLM_FAULT_BAD_KEY, 401, 401 },
        { EIN_E_DENIED, EIN_LLM_FAULT_NO_CREDIT, 429, 402 },
        { EIN_E_TOO_LARGE, EIN_LLM_FAULT_CONTEXT_TOO_LONG, 400, 400 },
        { EIN_E_INVALID, EIN_LLM_FAULT_REFUSED, 400, 400 },
        { EIN_E_INVALID, EIN_LLM_FAULT_BAD_REQUEST, 400, 400 },
        { EIN_E_INVALID, EIN_LLM_FAULT_BAD_REQUEST, 404, 404 },
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        fixture->steps[i] = failing(faults[i].r, faults[i].fault, faults[i].vendor);
        struct result result = ask(fixture, MODEL);
        assert_int_equal(result.r, faults[i].r);
        assert_int_equal(result.outcome.attempts, 1);
        assert_int_equal(result.outcome.fault, faults[i].fault);
        assert_int_equal(result.outcome.status, faults[i].status);
    }
    assert_int_equal(fixture->settled_count, 0);
}

static void a_failure_without_a_reason_is_told_as_one(void **state)
{
    struct fixture *fixture = *state;

    fixture->steps[0] = (struct step){ .r = -99, .fault = 12345, .words = "" };
    struct result result = ask(fixture, MODEL);
    assert_int_equal(result.r, -99);
    assert_string_equal(result.err.text, "it failed with code -99 and gave no reason");
    assert_int_equal(result.outcome.attempts, 1);
    assert_int_equal(result.outcome.fault, EIN_LLM_FAULT_NONE);
    assert_int_equal(result.outcome.status, 500);
}

static void a_vendor_is_given_the_pause_it_asks_for(void **state)
{
    struct fixture *fixture = *state;
    int64_t began = clock_mono_ms();

    fixture->steps[0] = failing(EIN_E_BUSY, EIN_LLM_FAULT_RATE_LIMIT, 429);
    fixture->steps[0].retry_after_ms = 60;
    fixture->steps[1] = good;
    struct result result = ask(fixture, MODEL);
    assert_int_equal(result.r, 0);
    assert_int_equal(result.outcome.retry_after_ms, 0);
    assert_true(clock_mono_ms() - began >= 60);
    assert_true(result.outcome.vendor_us >= 60000);
    assert_true(result.outcome.overhead_us < 60000);
}

static void a_vendor_that_asks_for_too_long_a_pause_is_not_asked_again(void **state)
{
    struct fixture *fixture = *state;

    fixture->steps[0] = failing(EIN_E_BUSY, EIN_LLM_FAULT_RATE_LIMIT, 429);
    fixture->steps[0].retry_after_ms = 60001;
    struct result result = ask(fixture, MODEL);
    assert_int_equal(result.r, EIN_E_BUSY);
    assert_int_equal(result.outcome.status, 429);
    assert_int_equal(result.outcome.attempts, 1);
    assert_int_equal(result.outcome.retry_after_ms, 60001);
}

static void nothing_is_tried_again_after_the_first_piece(void **state)
{
    struct fixture *fixture = *state;

    set(fixture, "fallbacks", json_pack("{s:[s]}", MODEL, CLAUDE));
    fixture->steps[0] = failing(EIN_E_UNAVAILABLE, EIN_LLM_FAULT_UNREACHABLE, 200);
    fixture->steps[0].pieces[0] = "Half an answ";
    struct result result = ask(fixture, MODEL);
    assert_int_equal(result.r, EIN_E_UNAVAILABLE);
    assert_int_equal(result.outcome.attempts, 1);
    assert_int_equal(result.outcome.status, 502);
    assert_string_equal(result.text, "Half an answ");
}

/* ---- what broke off ---- */

static void a_broken_stream_pays_for_what_was_used(void **state)
{
    struct fixture *fixture = *state;

    fixture->steps[0] = failing(EIN_E_UNAVAILABLE, EIN_LLM_FAULT_UNREACHABLE, 200);
    fixture->steps[0].pieces[0] = "0123456789012345678"; /* 19 bytes: 5 tokens */
    struct result result = ask(fixture, MODEL);
    assert_int_equal(fixture->settled_count, 1);
    assert_int_equal(fixture->settled[0].input, 10); /* of 40 bytes */
    assert_int_equal(fixture->settled[0].output, 5);
    assert_string_equal(fixture->settled[0].metadata, "{\"estimated\":true}");
    assert_int_equal(result.outcome.cost, 10 * 1750 + 5 * 14000);
    assert_int_equal(fixture->settled[0].cost, result.outcome.cost);
}

/* As Anthropic does: the input at the beginning, the output at the end. */
static void what_the_vendor_said_of_a_broken_stream_counts(void **state)
{
    struct fixture *fixture = *state;

    fixture->steps[0] = failing(EIN_E_UNAVAILABLE, EIN_LLM_FAULT_UNREACHABLE, 200);
    fixture->steps[0].input = 77;
    fixture->steps[0].output = 1;
    fixture->steps[0].pieces[0] = "0123456789012345678";
    assert_int_equal(ask(fixture, MODEL).outcome.cost, 77 * 1750 + 5 * 14000);
    assert_string_equal(fixture->settled[0].metadata, "{\"estimated\":true}");

    fixture->steps[1] = fixture->steps[0];
    fixture->steps[1].output = 6; /* more than it looks like */
    assert_int_equal(ask(fixture, MODEL).outcome.cost, 77 * 1750 + 6 * 14000);
    assert_string_equal(fixture->settled[1].metadata, "");
}

static void an_answer_without_usage_is_estimated(void **state)
{
    struct fixture *fixture = *state;

    fixture->steps[0] =
        (struct step){ .status = 200, .pieces = { "12345678" }, .tool = "{\"a\": 1}" };
    struct result result = ask(fixture, MODEL);
    assert_int_equal(result.r, 0);
    assert_int_equal(fixture->settled[0].input, 10);
    assert_true(fixture->settled[0].output >= 3);
    assert_string_equal(fixture->settled[0].metadata, "{\"estimated\":true}");
}

/* Where the vendor does not say what they have cost, as Perplexity does. */
static void citations_are_an_estimate(void **state)
{
    struct fixture *fixture = *state;

    fixture->steps[0] = good;
    fixture->steps[0].cites = true;
    fixture->catalog[0].price[PRICE_CITATION] = 2000000000;
    assert_int_equal(ask(fixture, MODEL).r, 0);
    assert_int_equal(fixture->bound, INPUT_BOUND * 1750 + 1000 * 14000 + INT64_C(400000) * 2000);
    assert_string_equal(fixture->settled[0].metadata, "{\"estimated\":true}");
    fixture->steps[1] = fixture->steps[0];
    fixture->steps[1].vendor_cost = 5;
    assert_int_equal(ask(fixture, MODEL).outcome.cost, 5);
    assert_string_equal(fixture->settled[1].metadata, "");
}

static void what_breaks_off_before_the_first_piece_is_paid_and_tried_again(void **state)
{
    struct fixture *fixture = *state;

    fixture->steps[0] = failing(EIN_E_UNAVAILABLE, EIN_LLM_FAULT_UNREACHABLE, 200);
    fixture->steps[1] = good;
    struct result result = ask(fixture, MODEL);
    assert_int_equal(result.r, 0);
    assert_int_equal(fixture->reserved, 2);
    assert_int_equal(fixture->settled_count, 2);
    assert_string_equal(fixture->settled[0].hold, "hold-1");
    assert_string_equal(fixture->settled[1].hold, "hold-2");
    assert_int_equal(result.outcome.cost, fixture->settled[0].cost + fixture->settled[1].cost);
}

static void a_failed_settle_is_told_and_not_the_callers_fault(void **state)
{
    struct fixture *fixture = *state;

    fixture->settle_result = EIN_E_UNAVAILABLE;
    fixture->steps[0] = good;
    assert_int_equal(ask(fixture, MODEL).r, 0);
    assert_true(fake_host_logged(fixture->host,
                                 "A call of alice to openai/gpt-5.2 has cost 3150000 nano-dollars, "
                                 "which could not be written down: The disk is full"));
}

/* ---- cancelling ---- */

static void fire(struct fixture *fixture)
{
    fake_cancels.fire(fixture->cancel);
}

static void who_hangs_up_pays_for_what_was_used(void **state)
{
    struct fixture *fixture = *state;

    fixture->steps[0] = good;
    fixture->steps[0].input = fixture->steps[0].output = 0;
    struct result result = ask_with(fixture, (struct ein_completion_call){ .model = MODEL }, 1);
    assert_int_equal(result.r, EIN_E_CANCELLED);
    assert_int_equal(result.outcome.status, 499);
    assert_int_equal(result.outcome.fault, 0);
    assert_int_equal(result.pieces, 1);
    assert_int_equal(fixture->settled[0].input, 10);
    assert_int_equal(fixture->settled[0].output, 1);
}

static void who_has_left_is_not_asked_for(void **state)
{
    struct fixture *fixture = *state;

    fire(fixture);
    struct result result = ask(fixture, MODEL);
    assert_int_equal(result.r, EIN_E_CANCELLED);
    assert_int_equal(result.outcome.attempts, 0);
    assert_int_equal(fixture->reserved, 0);
}

static void a_cancelled_call_ends_a_pause_at_once(void **state)
{
    struct fixture *fixture = *state;
    int64_t began = clock_mono_ms();

    set(fixture, "retry_base_ms", json_integer(60000));
    set(fixture, "retry_max_ms", json_integer(60000));
    fixture->steps[0] = OVERLOADED;
    fixture->steps[0].meanwhile = fire;
    struct result result = ask(fixture, MODEL);
    assert_int_equal(result.r, EIN_E_CANCELLED);
    assert_int_equal(result.outcome.fault, 0);
    assert_int_equal(result.outcome.attempts, 1);
    assert_true(clock_mono_ms() - began < 30000);
    assert_int_equal(fixture->released, 1);
}

static void a_provider_that_is_taken_away_has_not_cancelled_the_call(void **state)
{
    struct fixture *fixture = *state;

    set(fixture, "fallbacks", json_pack("{s:[s]}", MODEL, CLAUDE));
    set(fixture, "retries", json_integer(0));
    fixture->steps[0] = failing(EIN_E_CANCELLED, EIN_LLM_FAULT_NONE, 0);
    fixture->steps[1] = good;
    struct result result = ask(fixture, MODEL);
    assert_int_equal(result.r, 0);
    assert_string_equal(fixture->asked[1], CLAUDE);
    assert_non_null(strstr(result.notes, "The provider 'openai' was taken away during the call"));
}

static void stop(struct fixture *fixture)
{
    completion_stop(&fixture->models);
}

static void a_plugin_that_is_taken_away_wakes_its_calls(void **state)
{
    struct fixture *fixture = *state;

    set(fixture, "retry_base_ms", json_integer(60000));
    set(fixture, "retry_max_ms", json_integer(60000));
    fixture->steps[0] = OVERLOADED;
    fixture->steps[0].meanwhile = stop;
    struct result result = ask(fixture, MODEL);
    assert_int_equal(result.r, EIN_E_UNAVAILABLE);
    assert_int_equal(result.outcome.status, 503);
    assert_string_equal(result.err.text, "The models were taken away during the call");
    assert_string_equal(ask(fixture, MODEL).err.text, "The models are being taken away");
    assert_int_equal(fixture->next, 1);
}

/* ---- others instead ---- */

static void another_model_answers_instead(void **state)
{
    struct fixture *fixture = *state;
    EIN_JSON json_t *parameters = json_pack("{s:i}", "seed", 1);

    set(fixture, "fallbacks",
        json_pack("{s:[s,s,s]}", MODEL, "openai/gone", CLAUDE, "ollama/llama"));
    set(fixture, "retries", json_integer(0));
    fixture->steps[0] = failing(EIN_E_DENIED, EIN_LLM_FAULT_NO_CREDIT, 429);
    fixture->steps[1] = good;
    struct result result = ask_with(
        fixture, (struct ein_completion_call){ .model = MODEL, .parameters = parameters }, 0);
    assert_int_equal(result.r, 0);
    assert_string_equal(result.outcome.provider, "anthropic");
    assert_string_equal(result.outcome.model, "claude");
    assert_int_equal(result.outcome.attempts, 2);
    assert_int_equal(result.outcome.cost, 1000 * 3000 + 100 * 15000);
    assert_string_equal(fixture->parameters, "");
    assert_string_equal(result.notes,
                        "[\"'openai/gone' could not be asked instead: There is no model "
                        "'openai/gone'\","
                        "\"anthropic/claude was asked instead of openai/gpt-5.2: OpenAI says no\","
                        "\"'seed' was left out: anthropic/claude has no such parameter\"]");
    assert_int_equal(fixture->released, 1); /* of the first */
    assert_string_equal(fixture->settled[0].hold, "hold-2");
}

static void each_of_the_chain_is_asked_until_one_answers(void **state)
{
    struct fixture *fixture = *state;

    set(fixture, "fallbacks", json_pack("{s:[s,s]}", MODEL, CLAUDE, "ollama/llama"));
    set(fixture, "retries", json_integer(1));
    for (size_t i = 0; i < 6; i++)
        fixture->steps[i] = failing(EIN_E_UNAVAILABLE, EIN_LLM_FAULT_OVERLOADED, 502);
    struct result result = ask(fixture, "gpt-5.2"); /* also by its bare name */
    assert_int_equal(result.r, EIN_E_UNAVAILABLE);
    assert_int_equal(result.outcome.attempts, 6);
    assert_string_equal(result.outcome.provider, "ollama");
    assert_string_equal(fixture->asked[5], "ollama/llama");
}

static void only_configured_faults_fall_back(void **state)
{
    struct fixture *fixture = *state;

    set(fixture, "fallbacks", json_pack("{s:[s]}", MODEL, CLAUDE));
    fixture->steps[0] = failing(EIN_E_TOO_LARGE, EIN_LLM_FAULT_CONTEXT_TOO_LONG, 400);
    assert_int_equal(ask(fixture, MODEL).outcome.status, 400);
    assert_int_equal(fixture->next, 1);
    set(fixture, "fallback_on", json_pack("[s]", "context_too_long"));
    fixture->steps[1] = fixture->steps[0];
    fixture->steps[2] = good;
    assert_int_equal(ask(fixture, MODEL).outcome.status, 200);
    assert_int_equal(fixture->next, 3);
}

/* ---- limits ---- */

static void too_many_requests_are_429(void **state)
{
    struct fixture *fixture = *state;

    set(fixture, "limits", json_pack("{s:{s:i}}", "user", "requests", 1));
    set(fixture, "fallbacks", json_pack("{s:[s]}", MODEL, CLAUDE));
    fixture->steps[0] = good;
    struct result result = ask(fixture, MODEL);
    assert_int_equal(result.r, 0);
    assert_int_equal(result.outcome.requests.limit, 1);
    assert_int_equal(result.outcome.requests.remaining, 0);
    result = ask(fixture, MODEL);
    assert_int_equal(result.r, EIN_E_BUSY);
    assert_int_equal(result.outcome.status, 429);
    assert_int_equal(result.outcome.fault, EIN_LLM_FAULT_RATE_LIMIT);
    assert_in_range(result.outcome.retry_after_ms, 50000, 60000);
    assert_int_equal(result.outcome.attempts, 0);
    assert_int_equal(fixture->next, 1); /* no other model either */
}

static void a_model_at_its_limit_is_left_to_another(void **state)
{
    struct fixture *fixture = *state;

    set(fixture, "limits",
        json_pack("{s:{s:i}, s:{s:i}}", "model", "requests", 1, "user", "requests", 3));
    set(fixture, "fallbacks", json_pack("{s:[s,s]}", MODEL, CLAUDE, "ollama/llama"));
    for (size_t i = 0; i < 3; i++)
        fixture->steps[i] = good;
    assert_int_equal(ask(fixture, MODEL).r, 0);
    assert_int_equal(ask(fixture, MODEL).r, 0);
    struct result result = ask(fixture, MODEL);
    assert_int_equal(result.r, 0);
    assert_string_equal(result.outcome.provider, "ollama");
    result = ask(fixture, MODEL); /* each has counted once for alice */
    assert_int_equal(result.outcome.status, 429);
    assert_string_equal(result.outcome.provider, "openai"); /* who is not asked: it is alice's */
    assert_int_equal(fixture->next, 3);
}

static void used_tokens_count_against_the_limit(void **state)
{
    struct fixture *fixture = *state;

    set(fixture, "limits", json_pack("{s:{s:i}}", "user", "tokens", 1000));
    fixture->steps[0] = failing(EIN_E_INVALID, EIN_LLM_FAULT_BAD_REQUEST, 400); /* uses nothing */
    fixture->steps[1] = good;                                                   /* 1100 */
    assert_int_equal(ask(fixture, MODEL).r, EIN_E_INVALID);
    struct result result = ask(fixture, MODEL);
    assert_int_equal(result.r, 0);
    assert_int_equal(result.outcome.tokens.limit, 1000);
    assert_int_equal(result.outcome.tokens.remaining, 990);
    result = ask(fixture, MODEL);
    assert_int_equal(result.outcome.status, 429);
    assert_in_range(result.outcome.retry_after_ms, 1000, 6600); /* 110 of 1000 a minute */
}

static void what_another_model_has_used_counts_too(void **state)
{
    struct fixture *fixture = *state;

    set(fixture, "limits", json_pack("{s:{s:i}}", "user", "tokens", 1000));
    set(fixture, "fallbacks", json_pack("{s:[s]}", MODEL, CLAUDE));
    set(fixture, "retries", json_integer(0));
    fixture->steps[0] = failing(EIN_E_UNAVAILABLE, EIN_LLM_FAULT_OVERLOADED, 503);
    fixture->steps[1] = good; /* 1100, of Claude */
    assert_string_equal(ask(fixture, MODEL).outcome.provider, "anthropic");
    assert_int_equal(ask(fixture, MODEL).outcome.status, 429);
    assert_int_equal(fixture->next, 2);
}

/* ---- long calls ---- */

static void let_time_pass(struct fixture *fixture)
{
    struct list *first = fixture->models.completion.leases.list.next;

    list_entry(first, struct lease, link)->until_ms -= 900; /* of 1000 */
    fake_host_tick(fixture->host);
    assert_int_equal(fixture->extended, 1);
    fake_host_tick(fixture->host);
    assert_int_equal(fixture->extended, 1); /* it has just been done */
}

static void a_silent_call_keeps_its_money(void **state)
{
    struct fixture *fixture = *state;

    fixture->steps[0] = good;
    fixture->steps[0].meanwhile = let_time_pass;
    assert_int_equal(ask(fixture, MODEL).r, 0);
    fake_host_tick(fixture->host);
    assert_int_equal(fixture->extended, 1);
}

static void a_crowd_of_silent_calls_keeps_its_money(void **state)
{
    enum { CROWD = 150 };
    struct fixture *fixture = *state;
    struct leases *leases = &fixture->models.completion.leases;
    struct lease lease[CROWD] = { 0 };

    for (size_t i = 0; i < CROWD; i++) {
        leases_add(leases, &lease[i]);
        lease[i].until_ms -= 900; /* of 1000 */
    }
    fake_host_tick(fixture->host);
    assert_int_equal(fixture->extended, CROWD);
    for (size_t i = 0; i < CROWD; i++)
        leases_remove(leases, &lease[i]);
}

static void a_hold_that_could_not_be_extended_is_due_again(void **state)
{
    struct fixture *fixture = *state;
    struct leases *leases = &fixture->models.completion.leases;
    struct lease lease = { .hold = "hold-1" };

    leases_add(leases, &lease);
    lease.until_ms -= 900; /* of 1000 */
    fixture->extend_result = EIN_E_UNAVAILABLE;
    fake_host_tick(fixture->host);
    assert_int_equal(fixture->extended, 1);
    lease.until_ms -= 10;
    fixture->extend_result = 0;
    fake_host_tick(fixture->host);
    assert_int_equal(fixture->extended, 2);
    fake_host_tick(fixture->host);
    assert_int_equal(fixture->extended, 2);
    leases_remove(leases, &lease);
}

/* ---- many at once ---- */

enum { CALLERS = 16, TURNS = 50 };

/* NULL: each answer was right. */
static void *ask_often(void *data)
{
    struct fixture *fixture = data;

    for (int i = 0; i < TURNS; i++) {
        struct result result = ask_with(fixture, (struct ein_completion_call){ .model = MODEL }, 0);
        if (result.r != 0 || strcmp(result.text, "Hello") != 0)
            return data;
    }
    return NULL;
}

static void callers_do_not_disturb_each_other(void **state)
{
    struct fixture *fixture = *state;
    pthread_t threads[CALLERS];
    char secret[] = "sk-secret";
    void *wrong;

    fixture->many = true;
    fixture->secret = secret;
    fixture->steps[0] = good;
    set(fixture, "hold_lease_ms", json_integer(1));
    set(fixture, "limits",
        json_pack("{s:{s:i}, s:{s:i}}", "user", "requests", 1000000, "model", "tokens",
                  1000000000));
    for (size_t i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, fixture), 0);
    for (int i = 0; i < TURNS; i++)
        fake_host_tick(fixture->host);
    for (size_t i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    assert_int_equal(fixture->sum, INT64_C(3150000) * CALLERS * TURNS);
    assert_int_equal(fixture->reserved, CALLERS * TURNS);
}

/* ---- being looked at ---- */

static void calls_are_measured(void **state)
{
    struct fixture *fixture = *state;
    const json_t *observed = fixture->host->observed;

    fixture->steps[0] = OVERLOADED;
    fixture->steps[1] = good;
    assert_int_equal(ask(fixture, MODEL).r, 0);
    assert_int_equal(
        json_number_value(json_object_get(observed, "gen_ai_client_operation_duration_seconds")),
        2);
    assert_int_equal(json_number_value(json_object_get(observed, "gen_ai_client_token_usage")), 2);
    assert_true(fake_host_counted(fixture->host, "einion_completion_cost_usd_total") > 0.00314);
    assert_true(fake_host_logged(fixture->host,
                                 "completion request_id= provider=openai model=gpt-5.2 status=200 "
                                 "error= attempts=2 input_tokens=1000 output_tokens=100 "
                                 "cost_nano=3150000"));
    assert_false(fake_host_logged(fixture->host, "0123456789"));
    assert_false(fake_host_logged(fixture->host, "Hel"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_answer_is_streamed_and_paid),
        T(an_entry_says_whose_it_is),
        T(the_key_is_found_and_wiped),
        T(what_a_vendor_charges_is_what_it_cost),
        T(max_tokens_lowers_what_is_set_aside),
        T(a_limit_that_is_always_sent_lowers_it_too),
        T(tools_of_the_vendor_may_read_a_window_full),
        T(a_free_model_needs_no_money),
        T(a_model_without_a_price_needs_somebody_who_has_not_overspent),
        T(an_empty_purse_is_402),
        T(a_call_without_a_model_or_messages_is_400),
        T(an_unknown_model_is_404),
        T(a_provider_whose_plugin_is_off_is_503),
        T(parameters_are_noted_or_refused),
        T(deadlines_grow_with_the_model_and_the_answer),
        T(no_repetition_begins_after_the_deadline),
        T(an_overloaded_vendor_is_asked_again),
        T(it_is_asked_so_often_and_no_more),
        T(what_never_helps_is_said_at_once),
        T(a_failure_without_a_reason_is_told_as_one),
        T(a_vendor_is_given_the_pause_it_asks_for),
        T(a_vendor_that_asks_for_too_long_a_pause_is_not_asked_again),
        T(nothing_is_tried_again_after_the_first_piece),
        T(a_broken_stream_pays_for_what_was_used),
        T(what_the_vendor_said_of_a_broken_stream_counts),
        T(an_answer_without_usage_is_estimated),
        T(citations_are_an_estimate),
        T(what_breaks_off_before_the_first_piece_is_paid_and_tried_again),
        T(a_failed_settle_is_told_and_not_the_callers_fault),
        T(who_hangs_up_pays_for_what_was_used),
        T(who_has_left_is_not_asked_for),
        T(a_cancelled_call_ends_a_pause_at_once),
        T(a_provider_that_is_taken_away_has_not_cancelled_the_call),
        T(a_plugin_that_is_taken_away_wakes_its_calls),
        T(another_model_answers_instead),
        T(each_of_the_chain_is_asked_until_one_answers),
        T(only_configured_faults_fall_back),
        T(too_many_requests_are_429),
        T(a_model_at_its_limit_is_left_to_another),
        T(used_tokens_count_against_the_limit),
        T(what_another_model_has_used_counts_too),
        T(a_silent_call_keeps_its_money),
        T(a_crowd_of_silent_calls_keeps_its_money),
        T(a_hold_that_could_not_be_extended_is_due_again),
        T(callers_do_not_disturb_each_other),
        T(calls_are_measured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
