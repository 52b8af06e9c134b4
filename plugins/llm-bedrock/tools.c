/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "request.h"
#include "turns.h"
#include "vendor_schema.h"

#include <string.h>

/* Held to its schema?  As far as the models can that can be held to one for an answer. */
static bool is_strict(const struct ein_llm_call *call, const json_t *tool)
{
    return json_is_true(json_object_get(tool, "strict")) &&
           (!call->settings ||
            json_is_true(json_object_get(call->settings, "can_structured_output"))) &&
           !vendor_schema_is_open(json_object_get(tool, "parameters"));
}

static json_t *spec_of(const struct ein_llm_call *call, const json_t *tool)
{
    EIN_JSON json_t *schema = vendor_tool_schema(json_object_get(tool, "parameters"));
    json_t *description = json_object_get(tool, "description");
    bool strict = is_strict(call, tool);

    return json_pack("{s:{s:O, s:O*, s:{s:o}, s:o*}}", "toolSpec", "name",
                     json_object_get(tool, "name"), "description",
                     *text_or_empty(tool, "description") ? description : NULL, "inputSchema",
                     "json", strict ? vendor_closed_schema(schema) : json_incref(schema), "strict",
                     strict ? json_true() : NULL);
}

static int add_functions(const struct ein_llm_call *call, const json_t *given, json_t *tools,
                         struct ein_error *err)
{
    struct bedrock_writer writer;
    int r = 0;

    bedrock_writer_init(call, &writer);
    for (size_t i = 0; r >= 0 && i < json_array_size(given); i++) {
        const json_t *tool = json_array_get(given, i);

        if (json_array_append_new(tools, spec_of(call, tool)) < 0)
            return error_set(err, EIN_E_INVALID, "a tool has no name");
        r = bedrock_cache(&writer, tool, tools, err);
    }
    return r;
}

static int add_given(const struct ein_llm_call *call, json_t *tools, struct ein_error *err)
{
    int r = add_functions(call, call->tools, tools, err);

    if (r >= 0 && call->built_in_tools &&
        json_array_extend(tools, (json_t *)call->built_in_tools) < 0)
        return error_no_memory(err);
    return r;
}

/* A conversation in which tools were called must come with tools: where the caller gives none, with
 * those that were called. */
static int add_used(const struct ein_llm_call *call, json_t *tools, struct ein_error *err)
{
    EIN_JSON json_t *used = turns_tools(call->messages);

    return used ? add_functions(call, used, tools, err) : error_no_memory(err);
}

static bool is(const json_t *choice, const char *name)
{
    return json_is_string(choice) && strcmp(json_string_value(choice), name) == 0;
}

/* {"auto": {}}, {"any": {}}, {"tool": {"name"}}; NULL: none is sent.  Llama cannot be made to call.
 */
static json_t *choice_of(const struct ein_llm_call *call)
{
    const json_t *choice = call->tool_choice, *name = json_object_get(choice, "name");

    if (bedrock_family(call) == BEDROCK_LLAMA)
        return NULL;
    if (json_is_string(name))
        return json_pack("{s:{s:O}}", "tool", "name", name);
    if (is(choice, "required"))
        return json_pack("{s:{}}", "any");
    return is(choice, "auto") ? json_pack("{s:{}}", "auto") : NULL;
}

int bedrock_tools(const struct ein_llm_call *call, json_t *body, struct ein_error *err)
{
    EIN_JSON json_t *tools = json_array();
    int r = tools ? 0 : error_no_memory(err);

    /* There is no choice "none" here. */
    if (r >= 0 && !is(call->tool_choice, "none"))
        r = add_given(call, tools, err);
    if (r >= 0 && json_array_size(tools) == 0)
        r = add_used(call, tools, err);
    if (r < 0 || json_array_size(tools) == 0)
        return r;
    if (json_object_set_new(
            body, "toolConfig",
            json_pack("{s:O, s:o*}", "tools", tools, "toolChoice", choice_of(call))) < 0)
        return error_no_memory(err);
    return 0;
}
