/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/completions, which OpenAI had before chat completions: a prompt is a chat with one
 * message of the user, and the answer is its text alone. */
#include "answer.h"
#include "ask.h"

#include "cleanup.h"

#include <string.h>

/* ---- what is asked ---- */

/* What only a model that goes on with a text can do. */
static int check_members(const struct asking *asking, const json_t *body)
{
    static const struct {
        const char *name, *why;
    } members[] = {
        { "suffix", "'suffix' is not taken: what comes after the text cannot be told here." },
        { "echo", "'echo' is not taken: the prompt is not told again." },
        { "logprobs", "'logprobs' is not taken: no probabilities of tokens are told here." },
    };
    const json_t *best = json_object_get(body, "best_of");

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const json_t *value = json_object_get(body, members[i].name);

        if (value && !json_is_null(value) && !json_is_false(value) &&
            !(json_is_string(value) && json_string_length(value) == 0))
            return ask_refuse(asking, members[i].name, "%s", members[i].why);
    }
    if (best && !json_is_null(best) && json_integer_value(best) != 1)
        return ask_refuse(asking, "best_of", "'best_of' can only be 1: one answer to one request.");
    return 0;
}

static int find_prompt(const struct asking *asking, const json_t *body, json_t **ret_prompt)
{
    json_t *prompt = json_object_get(body, "prompt");

    if (json_is_array(prompt) && json_array_size(prompt) == 1)
        prompt = json_array_get(prompt, 0);
    if (!json_is_string(prompt))
        return ask_refuse(asking, "prompt",
                          "'prompt' is neither a text nor an array of one text: there is one "
                          "answer to one request, and tokens cannot be read here.");
    *ret_prompt = prompt;
    return 0;
}

int completions_ask(const json_t *body, const struct ask_limits *limits, struct ask *ask,
                    struct flaw *flaw)
{
    static const char *const others[] = { "prompt",     "suffix",       "echo",      "logprobs",
                                          "best_of",    "tools",        "functions", "tool_choice",
                                          "modalities", "function_call" };
    const struct asking asking = { .ask = ask, .flaw = flaw, .limits = limits };
    EIN_JSON json_t *chat = json_copy((json_t *)body);
    json_t *prompt = NULL;
    int r = check_members(&asking, body);

    if (r >= 0)
        r = find_prompt(&asking, body, &prompt);
    if (r < 0)
        return r;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        (void)json_object_del(chat, others[i]);
    if (json_object_set_new(chat, "messages",
                            json_pack("[{s:s, s:O}]", "role", "user", "content", prompt)) < 0)
        return EIN_E_NO_MEMORY;
    return chat_ask(chat, limits, ask, flaw);
}

/* ---- what is answered ---- */

static void choice(struct buf *out, const char *text, size_t len, const char *reason)
{
    out_put(out, ",\"choices\":[{\"index\":0,\"text\":\"");
    out_bytes(out, text, len);
    out_put_quoted(out, "\",\"logprobs\":null,\"finish_reason\":", reason);
    out_put(out, "}]");
}

static const char *finish_reason(const struct answer *answer)
{
    const char *reason = answer->outcome->stop_reason;

    return strcmp(reason, "length") == 0 || strcmp(reason, "content_filter") == 0 ? reason : "stop";
}

static void whole_piece(struct answer *answer, const struct ein_llm_piece *piece)
{
    if (piece->kind == EIN_LLM_TEXT && piece->text)
        out_escaped(&answer->text, piece->text, strlen(piece->text));
}

static void whole_end(struct answer *answer)
{
    struct buf *out = &answer->out;

    chat_head(answer, "text_completion", out);
    choice(out, answer->text.data, answer->text.len, finish_reason(answer));
    out_put(out, ",");
    chat_usage(answer, out);
    out_put(out, ",");
    answer_facts(answer, out);
    out_put(out, "}");
}

static void chunk(struct answer *answer, const char *text, size_t len, const char *reason)
{
    chat_chunk(answer, "text_completion");
    choice(&answer->out, text, len, reason);
    out_put(&answer->out, answer->ask->with_usage ? ",\"usage\":null}\n\n" : "}\n\n");
}

static void stream_piece(struct answer *answer, const struct ein_llm_piece *piece)
{
    whole_piece(answer, piece);
    if (answer->text.len > 0)
        chunk(answer, answer->text.data, answer->text.len, NULL);
    buf_clear(&answer->text);
}

static void stream_end(struct answer *answer)
{
    chunk(answer, "", 0, finish_reason(answer));
    chat_stream_end(answer, "text_completion");
}

const struct form completions_whole = { .id_prefix = "cmpl-",
                                        .piece = whole_piece,
                                        .end = whole_end };
const struct form completions_stream = {
    .id_prefix = "cmpl-", .piece = stream_piece, .end = stream_end, .fail = chat_stream_fail
};
