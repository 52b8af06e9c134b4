/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/embeddings: JSON in, JSON out. */
#include "answer.h"
#include "base64url.h"
#include "cleanup.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

/* ---- what is asked for ---- */

static bool is_tokens(const json_t *input)
{
    const json_t *token;
    size_t i;

    json_array_foreach(input, i, token)
    {
        if (!json_is_integer(token) || json_integer_value(token) < 0)
            return false;
    }
    return json_array_size(input) > 0;
}

static int check_input(const struct asking *asking, const json_t *input, size_t i)
{
    char place[40];

    (void)snprintf(place, sizeof(place), "input[%zu]", i);
    if (is_tokens(input) || json_string_length(input) > 0)
        return 0;
    return ask_refuse(asking, place, "'%s' is neither a text nor an array of tokens, or empty.",
                      place);
}

/* A text, an array of tokens, or an array of either. */
static int read_inputs(struct asking *asking, json_t *input)
{
    struct ask *ask = asking->ask;
    const json_t *one;
    size_t i;
    int r = 0;

    ask->inputs =
        json_is_string(input) || is_tokens(input) ? json_pack("[O]", input) : json_incref(input);
    if (!json_array_size(ask->inputs))
        return ask_refuse(asking, "input",
                          "'input' is neither a text nor an array of texts, or of tokens.");
    if (json_array_size(ask->inputs) > asking->limits->inputs)
        return ask_refuse(asking, "input", "'input' has more than %u elements.",
                          asking->limits->inputs);
    json_array_foreach(ask->inputs, i, one)
    {
        if (r == 0)
            r = check_input(asking, one, i);
    }
    return r;
}

static int read_format(struct asking *asking, const json_t *body)
{
    const json_t *told = json_object_get(body, "encoding_format");
    const char *format = json_string_value(told);

    asking->ask->base64 = format && strcmp(format, "base64") == 0;
    if (!told || json_is_null(told) || asking->ask->base64 ||
        (format && strcmp(format, "float") == 0))
        return 0;
    return ask_refuse(asking, "encoding_format",
                      "'encoding_format' is neither \"float\" nor \"base64\".");
}

/* What else there is are parameters, of which the catalog knows which the model has. */
static int read_parameters(struct asking *asking, const json_t *body)
{
    static const char *const own[] = { "model", "input", "encoding_format" };
    const char *name;
    json_t *value;
    int r = 0;

    json_object_foreach((json_t *)body, name, value)
    {
        size_t i = 0;

        while (i < sizeof(own) / sizeof(own[0]) && strcmp(own[i], name) != 0)
            i++;
        if (r == 0 && i == sizeof(own) / sizeof(own[0]) && !json_is_null(value))
            r = ask_parameter(asking->ask, name, value);
    }
    return r;
}

int embeddings_ask(const json_t *body, const struct ask_limits *limits, struct ask *ask,
                   struct flaw *flaw)
{
    struct asking asking = { .ask = ask, .flaw = flaw, .limits = limits, .list = "input" };
    const json_t *user = json_object_get(body, "user");
    int r = ask_begin(&asking, body);

    if (r == 0 && user && !json_is_string(user) && !json_is_null(user))
        r = ask_refuse(&asking, "user", "'user' is not a text.");
    if (r == 0)
        r = read_inputs(&asking, json_object_get(body, "input"));
    if (r == 0)
        r = read_format(&asking, body);
    if (r == 0)
        r = read_parameters(&asking, body);
    ask_end(&asking);
    return r;
}

/* ---- what is answered ---- */

static void write_bytes(struct buf *out, const struct ein_llm_piece *piece)
{
    size_t len = piece->dimensions * sizeof(uint32_t);
    EIN_FREE uint32_t *bytes = malloc(len + 1);
    EIN_FREE char *text = NULL;

    for (uint32_t i = 0; bytes && i < piece->dimensions; i++) {
        memcpy(&bytes[i], &piece->vector[i], sizeof(bytes[i]));
        bytes[i] = htole32(bytes[i]);
    }
    text = bytes ? base64_encode(bytes, len) : NULL;
    if (!text) {
        out->error = EIN_E_NO_MEMORY;
        return;
    }
    out_put(out, "\"");
    out_put(out, text);
    out_put(out, "\"");
}

static void write_numbers(struct buf *out, const struct ein_llm_piece *piece)
{
    char number[32];

    out_put(out, "[");
    for (uint32_t i = 0; i < piece->dimensions; i++) {
        (void)snprintf(number, sizeof(number), "%s%.9g", i ? "," : "", (double)piece->vector[i]);
        out_put(out, number);
    }
    out_put(out, "]");
}

static void piece_of(struct answer *answer, const struct ein_llm_piece *piece)
{
    struct buf *out = &answer->text;

    if (piece->kind != EIN_LLM_VECTOR || !EIN_HAS(struct ein_llm_piece, piece, vector))
        return;
    out_put(out, answer->count++ ? "," : "");
    out_put_number(out, "{\"object\":\"embedding\",\"index\":", piece->index);
    out_put(out, ",\"embedding\":");
    (answer->ask->base64 ? write_bytes : write_numbers)(out, piece);
    out_put(out, "}");
}

static void end(struct answer *answer)
{
    const struct ein_completion_outcome *outcome = answer->outcome;
    struct buf *out = &answer->out;

    out_put(out, "{\"object\":\"list\",\"data\":[");
    out_out(out, &answer->text);
    out_put(out, "],\"model\":");
    answer_model(answer, out);
    out_put_number(out, ",\"usage\":{\"prompt_tokens\":", outcome->input_tokens);
    out_put_number(out, ",\"total_tokens\":", outcome->input_tokens);
    out_put(out, ",\"cost\":");
    out_nano(out, outcome->cost);
    out_put(out, "}}");
}

const struct form embeddings_whole = { .id_prefix = "embd-", .piece = piece_of, .end = end };
