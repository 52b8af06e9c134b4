/* SPDX-License-Identifier: Apache-2.0 */
/* To a model every tool is a function.  A custom tool of OpenAI's, whose input is a text, becomes
 * one with that text as its only argument; `aliases` says what the client calls it, for the answer.
 */
#include "chat.h"
#include "member.h"

static json_t *description_of(const json_t *tool)
{
    const char *text = text_of(tool, "description");
    const json_t *format = json_object_get(tool, "format");
    const json_t *inner = json_object_get(format, "grammar"); /* in chat completions */
    const char *grammar = text_of(inner ? inner : format, "definition");
    const char *syntax = text_of(inner ? inner : format, "syntax");

    if (!grammar)
        return text ? json_string(text) : NULL;
    return json_sprintf("%s\n\nThe input follows this grammar (%s):\n%s", text ? text : "",
                        syntax ? syntax : "lark", grammar);
}

int chat_alias(struct ask *ask, const json_t *tool, const char *space, bool custom,
               const json_t *name)
{
    json_t *alias;

    if (!ask->aliases)
        ask->aliases = json_object();
    alias = json_pack("{s:O, s:s*, s:b}", "name", json_object_get(tool, "name"), "namespace", space,
                      "custom", custom);
    return json_object_set_new(ask->aliases, json_string_value(name), alias) < 0 ? EIN_E_NO_MEMORY
                                                                                 : 0;
}

int chat_custom(struct asking *asking, const json_t *tool, const json_t *name)
{
    int r = chat_alias(asking->ask, tool, asking->space, true, name);

    if (r < 0)
        return r;
    return ask_add(&asking->ask->tools,
                   json_pack("{s:O, s:o*, s:{s:s, s:{s:{s:s}}, s:[s], s:b}}", "name", name,
                             "description", description_of(tool), "parameters", "type", "object",
                             "properties", "input", "type", "string", "required", "input",
                             "additionalProperties", 0));
}

int chat_custom_input(const struct asking *asking, const json_t *call, const char *place,
                      json_t **ret_given)
{
    json_t *input = json_object_get(call, "input");

    if (!json_is_string(input))
        return ask_refuse_message(asking, place, "The input of a custom tool is not a text.");
    *ret_given = json_pack("{s:O}", "input", input);
    return *ret_given ? 0 : EIN_E_NO_MEMORY;
}
