/* SPDX-License-Identifier: Apache-2.0 */
#include "anthropic.h"
#include "ask.h"

#include "cleanup.h"
#include "member.h"

#include <string.h>

/* ---- messages ---- */

/* A conversation that the vendor keeps.  By this code its clients know that they have to send the
 * whole of it with each request, and do. */
static int check_stateless(const struct asking *asking, const json_t *body)
{
    const json_t *thread = json_object_get(body, "thread");

    if (!thread || json_is_null(thread))
        return 0;
    asking->flaw->code = "thread_unsupported_request";
    return ask_refuse(asking, "thread",
                      "'thread' is not taken: conversations are not kept here, so the whole of it "
                      "is sent with each request.");
}

/* Nothing, where all of it was left out. */
static int say(struct asking *asking, const char *role, json_t *content, const char *place)
{
    json_t *made = NULL;
    int r = anthropic_content(asking, content, place, &made);

    if (r < 0)
        return r;
    if (json_is_array(made) && json_array_size(made) == 0) {
        json_decref(made);
        return 0;
    }
    return ask_message(asking, role, made);
}

static int read_system(struct asking *asking, const json_t *body)
{
    json_t *system = json_object_get(body, "system");

    if (!system || json_is_null(system) ||
        (json_is_string(system) && json_string_length(system) == 0))
        return 0;
    if (!json_is_string(system) && !json_is_array(system))
        return ask_refuse(asking, "system", "'system' is neither a text nor an array of blocks.");
    return say(asking, "system", system, ".system");
}

static int read_message(struct asking *asking, json_t *message)
{
    const char *role = text_of(message, "role");
    json_t *content = json_object_get(message, "content");

    if (!role || (strcmp(role, "user") != 0 && strcmp(role, "assistant") != 0 &&
                  strcmp(role, "system") != 0))
        return ask_refuse_message(
            asking, ".role", "The role '%.40s' is neither user nor assistant.", role ? role : "");
    if (json_is_string(content) && ask_is_pair(message, "role", "content"))
        return ask_append(asking->ask->messages, json_incref(message));
    return say(asking, role, content, ".content");
}

/* Of the whole request: what stands before the end of its last message is worth keeping. */
static int mark_last(struct asking *asking, const json_t *body)
{
    json_t *messages = asking->ask->messages;
    size_t last = json_array_size(messages) - 1;
    const json_t *message = json_array_get(messages, last);
    json_t *content = json_object_get(message, "content");
    EIN_JSON json_t *cache = ask_cache(body);
    EIN_JSON json_t *part = NULL;

    if (!cache || json_array_size(messages) == 0)
        return 0;
    if (json_is_string(content)) {
        json_t *parts =
            json_pack("[{s:s, s:O, s:O}]", "type", "text", "text", content, "cache", cache);
        json_t *marked =
            json_pack("{s:O, s:o}", "role", json_object_get(message, "role"), "content", parts);

        return json_array_set_new(messages, last, marked) < 0 ? EIN_E_NO_MEMORY : 0;
    }
    part = json_copy(json_array_get(content, json_array_size(content) - 1));
    if (!part || json_object_set(part, "cache", cache) < 0 ||
        json_array_set(content, json_array_size(content) - 1, part) < 0)
        return EIN_E_NO_MEMORY;
    return 0;
}

static int read_messages(struct asking *asking, const json_t *body)
{
    const json_t *messages = json_object_get(body, "messages");
    json_t *message;
    size_t i;
    int r = read_system(asking, body);

    json_array_foreach(messages, i, message)
    {
        if (r < 0)
            return r;
        asking->message = i;
        r = read_message(asking, message);
    }
    return r < 0 ? r : mark_last(asking, body);
}

/* ---- tools ---- */

static int note_others(struct ask *ask, const json_t *tool)
{
    static const char *const known[] = { "type",   "name",          "description", "input_schema",
                                         "strict", "cache_control", NULL };
    const char *name;
    json_t *value;
    int r = 0;

    json_object_foreach((json_t *)tool, name, value)
    {
        size_t i = 0;

        while (known[i] && strcmp(known[i], name) != 0)
            i++;
        if (r >= 0 && !known[i] && !json_is_null(value) && !json_is_false(value))
            r = ask_note(ask, "'%.64s' of tools was left out.", name);
    }
    return r;
}

static int add_tool(struct asking *asking, json_t *tool)
{
    const char *type = text_of(tool, "type");
    struct ask *ask = asking->ask;
    int r;

    if (type && strcmp(type, "custom") != 0) /* a set of tools has no name */
        return ask_built_in(asking, tool, "anthropic");
    if (!text_of(tool, "name"))
        return ask_refuse(asking, "tools", "A tool has no 'name'.");
    if (!json_is_object(json_object_get(tool, "input_schema")))
        return ask_refuse(asking, "tools", "The tool '%.64s' has no 'input_schema'.",
                          text_of(tool, "name"));
    r = note_others(ask, tool);
    if (r < 0)
        return r;
    return ask_add(&ask->tools,
                   json_pack("{s:O, s:O*, s:O, s:O*, s:o*}", "name", json_object_get(tool, "name"),
                             "description", json_object_get(tool, "description"), "parameters",
                             json_object_get(tool, "input_schema"), "strict",
                             json_object_get(tool, "strict"), "cache", ask_cache(tool)));
}

static int read_choice(struct asking *asking, const json_t *body)
{
    static const char *const names[][2] = { { "auto", "auto" },
                                            { "any", "required" },
                                            { "none", "none" } };
    const json_t *choice = json_object_get(body, "tool_choice");
    const char *type = text_of(choice, "type");
    json_t *name = json_object_get(choice, "name");
    struct ask *ask = asking->ask;

    if (!choice || json_is_null(choice))
        return 0;
    for (size_t i = 0; type && i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(type, names[i][0]) == 0)
            ask->tool_choice = json_string(names[i][1]);
    if (type && strcmp(type, "tool") == 0 && json_is_string(name))
        ask->tool_choice = json_pack("{s:O}", "name", name);
    if (!ask->tool_choice)
        return ask_refuse(asking, "tool_choice",
                          "'tool_choice' is none of auto, any, none and tool with its name.");
    if (json_is_true(json_object_get(choice, "disable_parallel_tool_use")))
        return ask_parameter(ask, "parallel_tool_calls", json_false());
    return 0;
}

static int read_tools(struct asking *asking, const json_t *body)
{
    int r = ask_tools(asking, json_object_get(body, "tools"), add_tool);

    return r < 0 ? r : read_choice(asking, body);
}

/* ---- parameters ---- */

static int set_text(struct ask *ask, const char *name, const char *text)
{
    return ask_parameter_new(ask, name, json_string(text));
}

static int read_thinking(struct asking *asking, const json_t *body)
{
    const json_t *thinking = json_object_get(body, "thinking");
    const json_t *output = json_object_get(body, "output_config");
    json_t *budget = json_object_get(thinking, "budget_tokens");
    json_t *effort = json_object_get(output, "effort");
    const char *type = text_of(thinking, "type");
    struct ask *ask = asking->ask;
    int r = 0;

    if (type && strcmp(type, "disabled") == 0)
        return set_text(ask, "reasoning_effort", "disable");
    if (type && strcmp(type, "enabled") == 0) {
        if (!json_is_integer(budget))
            return ask_refuse(asking, "thinking", "'thinking' has no 'budget_tokens'.");
        r = ask_parameter(ask, "thinking_budget", budget);
    } else if (type && strcmp(type, "adaptive") != 0 && strcmp(type, "between_tools") != 0) {
        return ask_refuse(asking, "thinking",
                          "'thinking.type' is none of enabled, disabled, adaptive and "
                          "between_tools.");
    }
    if (r >= 0 && json_is_string(effort))
        return ask_parameter(ask, "reasoning_effort", effort);
    if (r >= 0 && type && *type != 'e')
        return set_text(ask, "reasoning_effort", "high"); /* what adaptive is without an effort */
    return r;
}

static int read_format(struct asking *asking, const json_t *body)
{
    const json_t *output = json_object_get(body, "output_config");
    const json_t *format = json_object_get(output, "format");
    json_t *schema;

    if (!format)
        format = json_object_get(body, "output_format"); /* as it was called at first */
    if (!format || json_is_null(format))
        return 0;
    schema = json_object_get(format, "schema");
    if (!text_of(format, "type") || strcmp(text_of(format, "type"), "json_schema") != 0 ||
        !json_is_object(schema))
        return ask_refuse(asking, "output_config.format",
                          "The format of the output is no json_schema with its schema.");
    asking->ask->reply_schema = json_incref(schema);
    return 0;
}

static const struct ask_field fields[ASK_FIELDS_MAX] = {
    { "model" },
    { "messages" },
    { "system" },
    { "stream" },
    { "tools" },
    { "tool_choice" },
    { "thinking" },
    { "output_config" },
    { "output_format" },
    { "cache_control" },
    { "metadata" },
    { "container", USE_NOTE },
    { "mcp_servers", USE_NOTE },
    { "context_management", USE_NOTE },
    { "inference_geo", USE_NOTE },
    { "stop_sequences", USE_PARAMETER, "stop" },
};

static int read_parameters(struct asking *asking, const json_t *body)
{
    json_t *user = json_object_get(json_object_get(body, "metadata"), "user_id");
    struct ask *ask = asking->ask;
    int r = ask_fields(asking, body, fields);

    if (r >= 0 && json_is_string(user))
        r = ask_parameter(ask, "user", user);
    if (r >= 0)
        r = read_thinking(asking, body);
    return r < 0 ? r : read_format(asking, body);
}

int anthropic_ask(const json_t *body, const struct ask_limits *limits, struct ask *ask,
                  struct flaw *flaw)
{
    struct asking asking = { .ask = ask, .flaw = flaw, .limits = limits, .list = "messages" };
    int r = ask_begin_list(&asking, body);

    if (r >= 0)
        r = check_stateless(&asking, body);
    if (r >= 0)
        r = read_messages(&asking, body);
    if (r >= 0)
        r = read_tools(&asking, body);
    if (r >= 0)
        r = read_parameters(&asking, body);
    ask_end(&asking);
    return r;
}
