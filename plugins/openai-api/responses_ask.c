/* SPDX-License-Identifier: Apache-2.0 */
#include "ask.h"
#include "cleanup.h"
#include "kept.h"
#include "member.h"
#include "responses.h"

/* What a later request could name is a response, if it is kept. */
static int check_kept(const struct asking *asking, const json_t *body)
{
    const bool kept = asking->ask->kept;

    if (unless_null(body, "previous_response_id") && !kept)
        return ask_refuse(asking, "previous_response_id",
                          "'previous_response_id' is not taken: responses are not kept here, so "
                          "the whole conversation is sent with each request.");
    if (unless_null(body, "conversation"))
        return ask_refuse(asking, "conversation",
                          "'conversation' is not taken: conversations are not kept here, so %s.",
                          kept ? "go on with 'previous_response_id'"
                               : "the whole of one is sent with each request");
    if (unless_null(body, "prompt"))
        return ask_refuse(asking, "prompt",
                          "'prompt' is not taken: prompts are not kept here, so they are sent.");
    if (json_is_true(json_object_get(body, "background")))
        return ask_refuse(asking, "background", "Responses are not made in the background here.");
    return 0;
}

static int read_items(struct asking *asking, const json_t *items)
{
    json_t *item;
    size_t i;
    int r = 0;

    json_array_foreach(items, i, item)
    {
        if (r < 0)
            return r;
        asking->message = i;
        r = responses_item(asking, item);
    }
    return r;
}

static int read_input(struct asking *asking, const json_t *body)
{
    EIN_JSON json_t *before = asking->ask->kept ? EIN_TAKE(asking->ask->kept->before) : NULL;
    json_t *instructions = json_object_get(body, "instructions");
    json_t *input = json_object_get(body, "input");
    int r = 0;

    if (json_is_string(instructions) && json_string_length(instructions) > 0)
        r = ask_message(asking, "system", json_incref(instructions));
    if (r >= 0)
        r = read_items(asking, before);
    if (r >= 0 && json_is_string(input))
        return ask_message(asking, "user", json_incref(input));
    if (r >= 0 && json_array_size(input) == 0 && !before)
        return ask_refuse(asking, "input", "'input' is neither a text nor an array of items.");
    if (r >= 0)
        r = ask_array(asking, input, "input", asking->limits->messages);
    return r >= 0 ? read_items(asking, input) : r;
}

/* ---- parameters ---- */

static int read_format(struct asking *asking, const json_t *body)
{
    json_t *text = json_object_get(body, "text");
    const json_t *format = json_object_get(text, "format");
    json_t *verbosity = json_object_get(text, "verbosity");
    int r = text_of(format, "type")
                ? chat_format(asking, format, json_object_get(format, "schema"), "text.format")
                : 0;

    asking->ask->text = json_is_object(text) ? json_incref(text) : NULL;
    return r >= 0 && json_is_string(verbosity) ? ask_parameter(asking->ask, "verbosity", verbosity)
                                               : r;
}

/* What else is wanted comes anyway, or is not there. */
static bool wants_sources(const json_t *body)
{
    return list_has(json_object_get(body, "include"), "web_search_call.action.sources");
}

static const struct ask_field fields[ASK_FIELDS_MAX] = {
    { "model" },
    { "input" },
    { "previous_response_id" },
    { "instructions" },
    { "stream" },
    { "tools" },
    { "tool_choice" },
    { "text" },
    { "reasoning" },
    { "include" },
    { "parallel_tool_calls" },
    { "max_tool_calls" },
    { "background" },
    { "stream_options", USE_NOTHING },
    { "store", USE_NOTHING },
    { "metadata", USE_NOTHING },
    { "client_metadata", USE_NOTHING },
    { "prompt_cache_retention", USE_NOTHING },
    { "prompt_cache_options", USE_NOTHING },
    { "truncation", USE_NOTHING },
    { "top_logprobs", USE_NOTE },
    { "moderation", USE_NOTE },
    { "max_output_tokens", USE_PARAMETER, "max_tokens" },
    { "safety_identifier", USE_PARAMETER, "user" },
};

/* How often a search may be made; of other calls nobody here counts. */
static int read_max_calls(struct ask *ask, const json_t *body)
{
    json_t *max = json_object_get(body, "max_tool_calls");
    int r = ask_search_uses(ask, max);

    return r != 0 || !max || json_is_null(max) ? r
                                               : ask_note(ask, "'max_tool_calls' was left out.");
}

static int read_parameters(struct asking *asking, const json_t *body)
{
    struct ask *ask = asking->ask;
    int r = read_format(asking, body);

    ask->with_sources = wants_sources(body);
    if (r >= 0)
        r = read_max_calls(ask, body);
    if (r >= 0)
        r = ask_fields(asking, body, fields);
    if (r >= 0 && json_is_false(json_object_get(body, "parallel_tool_calls")))
        r = ask_parameter(ask, "parallel_tool_calls", json_false());
    return r < 0
               ? r
               : chat_effort(asking, json_object_get(json_object_get(body, "reasoning"), "effort"));
}

int responses_ask(const json_t *body, const struct ask_limits *limits, struct ask *ask,
                  struct flaw *flaw)
{
    struct asking asking = { .ask = ask, .flaw = flaw, .limits = limits, .list = "input" };
    int r = ask_begin(&asking, body);

    if (r >= 0)
        r = check_kept(&asking, body);
    if (r >= 0)
        r = read_input(&asking, body);
    if (r >= 0)
        r = responses_tools(&asking, body);
    if (r >= 0)
        r = read_parameters(&asking, body);
    ask_end(&asking);
    return r;
}
