/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"
#include "ask.h"
#include "out.h"
#include "replay.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct ask_limits limits = {
    .messages = 10, .parts = 10, .tools = 10, .depth = 16, .values = 1000
};

static void expect(struct buf *out, const char *text)
{
    assert_int_equal(out->error, 0);
    assert_string_equal(out->data, text);
    buf_done(out);
}

/* ---- the text ---- */

static void money_is_a_decimal_without_a_rest(void **state)
{
    static const struct {
        int64_t nano;
        const char *text;
    } table[] = {
        { 0, "0" },
        { 1, "0.000000001" },
        { 1000000000, "1" },
        { 1500000000, "1.5" },
        { 10000000000, "10" },
        { -20, "-0.00000002" },
        { INT64_MAX, "9223372036.854775807" },
        { INT64_MIN, "-9223372036.854775808" },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct buf out;

        out_init(&out);
        out_nano(&out, table[i].nano);
        expect(&out, table[i].text);
    }
}

static void strings_are_escaped(void **state)
{
    struct buf out;

    out_init(&out);
    out_quoted(&out, "a\"b\\c\b\f\n\r\t\x01\x1f\x7f\xe2\x98\x83");
    out_quoted(&out, NULL);
    out_quoted(&out, "");
    expect(&out, "\"a\\\"b\\\\c\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xe2\x98\x83\"null\"\"");
}

static void json_fits_into_a_string(void **state)
{
    json_t *json = json_pack("{s:s, s:[i, f]}", "a", "\"\n", "b", 1, 0.5);
    struct buf out;

    out_init(&out);
    out_json_escaped(&out, json);
    expect(&out, "{\\\"a\\\":\\\"\\\\\\\"\\\\n\\\",\\\"b\\\":[1,0.5]}");
    out_json(&out, json);
    expect(&out, "{\"a\":\"\\\"\\n\",\"b\":[1,0.5]}");
    json_decref(json);
}

static void what_is_no_json_fails_once_and_for_all(void **state)
{
    struct buf out;

    out_init(&out);
    out_json(&out, NULL);
    assert_int_not_equal(out.error, 0);
    out_put(&out, "x");
    assert_int_equal(out.len, 0);
    buf_clear(&out);
    out_put(&out, "x");
    expect(&out, "x");
}

/* ---- requests ---- */

static json_t *parse(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);

    assert_non_null(json);
    return json;
}

static void texts_are_not_copied(void **state)
{
    json_t *body = parse("{\"model\": \"a/b\", \"messages\": [{\"role\": \"user\", \"content\": "
                         "\"long\"}, {\"role\": \"user\", \"content\": [{\"type\": \"text\", "
                         "\"text\": \"longer\"}]}]}");
    const json_t *messages = json_object_get(body, "messages"), *content;
    int (*const reads[])(const json_t *, const struct ask_limits *, struct ask *,
                         struct flaw *) = { chat_ask, anthropic_ask };

    for (size_t i = 0; i < 2; i++) {
        struct ask ask = { .model = NULL };
        struct flaw flaw = { .text = "" };

        assert_int_equal(reads[i](body, &limits, &ask, &flaw), 0);
        assert_ptr_equal(json_array_get(ask.messages, 0), json_array_get(messages, 0));
        content = json_object_get(json_array_get(ask.messages, 1), "content");
        assert_ptr_equal(
            json_array_get(content, 0),
            json_array_get(json_object_get(json_array_get(messages, 1), "content"), 0));
        ask_done(&ask);
    }
    json_decref(body);
}

static void a_flaw_is_cut_between_characters(void **state)
{
    struct flaw flaw = { .text = "" };
    struct asking asking = { .flaw = &flaw, .limits = &limits };
    char word[1000];
    json_t *text;

    for (size_t shift = 0; shift < 3; shift++) {
        memset(word, 'a', sizeof(word));
        for (size_t i = shift; i + 3 < sizeof(word); i += 3)
            memcpy(word + i, "\xe2\x98\x83", 3);
        word[sizeof(word) - 1] = '\0';
        assert_int_equal(ask_refuse(&asking, "x", "%s", word), EIN_E_INVALID);
        text = json_string(flaw.text); /* fails if it is not UTF-8 */
        assert_non_null(text);
        assert_in_range(strlen(flaw.text), sizeof(flaw.text) - 4, sizeof(flaw.text) - 1);
        json_decref(text);
    }
}

/* ---- replays ---- */

static void replays_survive_as_text(void **state)
{
    static const char *const replays[] = {
        "{\"wire\":\"anthropic\",\"signature\":\"c2ln\"}",
        "{\"wire\":\"anthropic\",\"redacted\":\"ZGF0\"}",
        "{\"wire\":\"openai\",\"item\":{\"a\":[1,\"\xe2\x98\x83\"]}}",
    };

    for (size_t i = 0; i < sizeof(replays) / sizeof(replays[0]); i++) {
        json_t *replay = parse(replays[i]);
        char *text = replay_text(replay);
        size_t values_left = 3 * i; /* as many as it has */
        json_t *back = replay_read(text, &values_left);

        assert_int_equal(strcmp(text, "c2ln") == 0, i == 0);
        assert_true(json_equal(replay, back));
        assert_true(i == 0 || !replay_read(text, &values_left));
        json_decref(back);
        json_decref(replay);
        free(text);
    }
}

static void what_is_no_replay_says_nothing(void **state)
{
    static const char *const bad[] = { "",           "einion.",     "einion.!",
                                       "einion.e30", "einion.WzFd", "einion.eyJ3aXJlIjoxfQ" };

    size_t values_left = 1000;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_null(replay_read(bad[i], &values_left));
}

/* ---- answers ---- */

static void say(const struct form *form, struct answer *answer, const char *text)
{
    const struct ein_llm_piece piece = { .struct_size = sizeof(piece),
                                         .kind = EIN_LLM_TEXT,
                                         .text = text };

    form->piece(answer, &piece);
}

static void pieces_of_a_stream_use_one_piece_of_memory(void **state)
{
    static const struct form *const forms[] = { &chat_stream, &anthropic_stream };
    const struct ask ask = { .model = (char[]){ "a/b" } };
    const struct ein_completion_outcome outcome = { .provider = "one", .model = "small" };

    for (size_t i = 0; i < 2; i++) {
        struct answer answer;
        const char *data;

        answer_begin(&answer, forms[i], &ask, &outcome, "r");
        say(forms[i], &answer, "first");
        buf_clear(&answer.out);
        data = answer.out.data;
        for (int n = 0; n < 1000; n++) {
            say(forms[i], &answer, "a word or two");
            assert_ptr_equal(answer.out.data, data);
            buf_clear(&answer.out);
        }
        assert_null(answer.text.data);
        answer_done(&answer);
    }
}

static void kinds_of_the_future_are_skipped(void **state)
{
    static const struct form *const forms[] = { &chat_whole, &chat_stream, &anthropic_whole,
                                                &anthropic_stream };
    const struct ein_llm_piece piece = { .struct_size = sizeof(piece), .kind = 999, .text = "x" };
    const struct ein_llm_piece empty = { .struct_size = sizeof(piece), .kind = EIN_LLM_TEXT };
    const struct ask ask = { .model = (char[]){ "a/b" } };
    const struct ein_completion_outcome outcome = { .provider = "" };

    for (size_t i = 0; i < 4; i++) {
        struct answer answer;

        answer_begin(&answer, forms[i], &ask, &outcome, "r");
        forms[i]->piece(&answer, &piece);
        forms[i]->piece(&answer, &empty);
        forms[i]->end(&answer);
        out_bytes(&answer.out, "", 1);
        assert_null(strstr(answer.out.data, "\"x\""));
        assert_non_null(strstr(answer.out.data, "\"model\":\"a/b\""));
        answer_done(&answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(money_is_a_decimal_without_a_rest),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(json_fits_into_a_string),
        cmocka_unit_test(what_is_no_json_fails_once_and_for_all),
        cmocka_unit_test(texts_are_not_copied),
        cmocka_unit_test(a_flaw_is_cut_between_characters),
        cmocka_unit_test(replays_survive_as_text),
        cmocka_unit_test(what_is_no_replay_says_nothing),
        cmocka_unit_test(pieces_of_a_stream_use_one_piece_of_memory),
        cmocka_unit_test(kinds_of_the_future_are_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
