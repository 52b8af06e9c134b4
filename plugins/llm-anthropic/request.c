/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "thinking.h"
#include "turns.h"
#include "vendor_schema.h"

#include <string.h>

/* Content that is one text is written as that text. */
static void simplify(json_t *holder, const char *name)
{
    const json_t *content = json_object_get(holder, name);
    const json_t *block = json_array_get(content, 0);

    if (json_array_size(content) == 1 && json_object_size(block) == 2 &&
        strcmp(text_or_empty(block, "type"), "text") == 0)
        (void)json_object_set(holder, name, json_object_get(block, "text"));
}

/* The tool by which the web is searched in this call; NULL: it is not. */
static json_t *search_of(const json_t *body)
{
    const json_t *tools = json_object_get(body, "tools");

    for (size_t i = 0; i < json_array_size(tools); i++) {
        json_t *tool = json_array_get(tools, i);

        if (strncmp(text_or_empty(tool, "type"), "web_search_", 11) == 0)
            return tool;
    }
    return NULL;
}

static bool is_thought(const json_t *block)
{
    const char *type = text_or_empty(block, "type");

    return strcmp(type, "thinking") == 0 || strcmp(type, "redacted_thinking") == 0;
}

static int set_messages(const struct ein_llm_call *call, json_t *body, struct ein_error *err)
{
    struct turns turns;
    int r = turns_read(call->messages, anthropic_part, search_of(body), &turns, err);

    if (r < 0)
        return r;
    r = turns_trim_thoughts(&turns, is_thought, err);
    if (r >= 0)
        r = turns_trim_end(&turns, err);
    if ((json_array_size(turns.system) > 0 && json_object_set(body, "system", turns.system) < 0) ||
        json_object_set(body, "messages", turns.messages) < 0)
        r = error_no_memory(err);
    turns_done(&turns);
    if (r < 0)
        return r;
    simplify(body, "system");
    const json_t *messages = json_object_get(body, "messages");
    for (size_t i = 0; i < json_array_size(messages); i++)
        simplify(json_array_get(messages, i), "content");
    return 0;
}

/* ---- thinking ---- */

static bool has_block(const json_t *content, const char *type)
{
    for (size_t i = 0; i < json_array_size(content); i++)
        if (strcmp(text_or_empty(json_array_get(content, i), "type"), type) == 0)
            return true;
    return false;
}

/* A turn that is not over, since the assistant has the last word or has called tools, goes on as it
 * began: where its thoughts are not there to be replayed, the vendor refuses to think again. */
static bool thoughts_are_there(const json_t *messages)
{
    for (size_t i = json_array_size(messages), last = i - 1; i-- > 0;) {
        const json_t *message = json_array_get(messages, i);
        const json_t *content = json_object_get(message, "content");
        bool assistant = strcmp(text_or_empty(message, "role"), "assistant") == 0;

        if (assistant && (i == last || has_block(content, "tool_use")))
            return has_block(content, "thinking") || has_block(content, "redacted_thinking");
        if (assistant || !has_block(content, "tool_result"))
            break;
    }
    return true;
}

static int set_output(const struct ein_llm_call *call, const char *effort, json_t *body,
                      struct ein_error *err)
{
    json_t *format = NULL;

    if (!effort && !call->reply_schema)
        return 0;
    if (call->reply_schema)
        format = json_pack("{s:s, s:o}", "type", "json_schema", "schema",
                           vendor_closed_schema(call->reply_schema));
    if (call->reply_schema && !format)
        return error_no_memory(err);
    if (json_object_set_new(body, "output_config",
                            json_pack("{s:s*, s:o*}", "effort", effort, "format", format)) < 0)
        return error_no_memory(err);
    return 0;
}

/* ---- parameters ---- */

/* Those that bear a name of their own here, or have no meaning. */
static const char *const known[] = {
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "stop",
    "seed",
    "verbosity",
    "presence_penalty",
    "user",
    "metadata",
    "show_thinking",
    "frequency_penalty",
    "thinking_budget",
    "output_config",
    "thinking",
    "parallel_tool_calls",
    "messages",
    "model",
    "stream",
    "reasoning_effort",
    "system",
    "tools",
    "tool_choice",
};

static bool is_known(const char *name)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i], name) == 0)
            return true;
    return false;
}

/* service_tier, and what only this vendor knows, by the vendor's own name. */
static int set_others(const json_t *parameters, json_t *body, struct ein_error *err)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)parameters, name, value)
    {
        if (!is_known(name) && !json_is_null(value) && json_object_set(body, name, value) < 0)
            return error_no_memory(err);
    }
    return 0;
}

/* Whoever thinks takes temperature 1 and nothing else, no top_k, and no top_p below 0.95. */
static bool may_sample(const char *name, const json_t *value, bool thinks)
{
    if (!thinks)
        return true;
    return strcmp(name, "top_p") == 0 && json_number_value(value) >= 0.95;
}

static int set_sampling(const json_t *parameters, bool thinks, json_t *body, struct ein_error *err)
{
    static const char *const names[] = { "temperature", "top_p", "top_k" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        json_t *value = json_object_get(parameters, names[i]);

        if (json_is_number(value) && may_sample(names[i], value, thinks) &&
            json_object_set(body, names[i], value) < 0)
            return error_no_memory(err);
    }
    return 0;
}

static int set_stop(const json_t *parameters, json_t *body, struct ein_error *err)
{
    EIN_JSON json_t *stop = turns_stop(json_object_get(parameters, "stop"));

    if (!stop || (json_array_size(stop) > 0 && json_object_set(body, "stop_sequences", stop) < 0))
        return error_no_memory(err);
    return 0;
}

enum { USER_MAX = 256 }; /* bytes */

/* The vendor refuses what tells who it is, such as an address. */
static const char *user_of(const char *user, char made[TURNS_ID_SIZE])
{
    return turns_short_id(user, strchr(user, '@') ? 0 : USER_MAX, "user", made);
}

static int set_metadata(const json_t *parameters, json_t *body, struct ein_error *err)
{
    const char *user = text_of(parameters, "user");
    char made[TURNS_ID_SIZE];

    if (!user)
        user = text_of(json_object_get(parameters, "metadata"), "user_id");
    if (user && json_object_set_new(body, "metadata",
                                    json_pack("{s:s}", "user_id", user_of(user, made))) < 0)
        return error_no_memory(err);
    return 0;
}

static int set_parameters(const struct ein_llm_call *call, const struct anthropic_rules *rules,
                          json_t *body, struct ein_error *err)
{
    bool possible = !thinking_forced(call->tool_choice) &&
                    thoughts_are_there(json_object_get(body, "messages"));
    struct thinking thinking;
    EIN_JSON json_t *think = NULL;
    int r;

    thinking_plan(call->parameters, call->settings,
                  json_integer_value(json_object_get(body, "max_tokens")), possible, &thinking);
    think = thinking_json(&thinking);
    if (think && json_object_set(body, "thinking", think) < 0)
        return error_no_memory(err);
    r = set_output(call, thinking.effort, body, err);
    if (r >= 0 && rules->sampling)
        r = set_sampling(call->parameters, thinking_on(&thinking), body, err);
    if (r >= 0)
        r = set_stop(call->parameters, body, err);
    if (r >= 0)
        r = set_metadata(call->parameters, body, err);
    return r < 0 ? r : set_others(call->parameters, body, err);
}

int anthropic_request(const struct ein_llm_call *call, const struct anthropic_rules *rules,
                      json_t **ret_body, struct ein_error *err)
{
    json_int_t max_tokens =
        thinking_max_tokens(call->parameters, call->settings, rules->max_tokens);
    EIN_JSON json_t *body = json_pack("{s:s, s:I, s:b}", "model", call->model, "max_tokens",
                                      max_tokens, "stream", true);
    int r = body ? 0 : error_set(err, EIN_E_INVALID, "the model has no name");

    if (r >= 0)
        r = anthropic_tools(call, body, err);
    if (r >= 0)
        r = set_messages(call, body, err);
    if (r >= 0)
        r = set_parameters(call, rules, body, err);
    if (r >= 0)
        *ret_body = EIN_TAKE(body);
    return r;
}
