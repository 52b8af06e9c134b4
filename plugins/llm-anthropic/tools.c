/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "reply_tool.h"
#include "request.h"
#include "turns.h"
#include "vendor.h"
#include "vendor_schema.h"

#include <string.h>

enum { STRICT_MAX = 20 }; /* tools of a request */

/* Held to its schema?  As far as the vendor can, and OLD models cannot. */
static bool is_strict(const json_t *tool, size_t before, bool old)
{
    return json_is_true(json_object_get(tool, "strict")) && before < STRICT_MAX && !old &&
           !vendor_schema_is_open(json_object_get(tool, "parameters"));
}

static json_t *tool_of(const json_t *tool, bool strict)
{
    EIN_JSON json_t *schema = vendor_tool_schema(json_object_get(tool, "parameters"));

    return json_pack("{s:O, s:O*, s:o, s:o*, s:o*}", "name", json_object_get(tool, "name"),
                     "description", json_object_get(tool, "description"), "input_schema",
                     strict ? vendor_closed_schema(schema) : json_incref(schema), "strict",
                     strict ? json_true() : NULL, "cache_control", anthropic_cache(tool));
}

static json_t *choice_of(const json_t *choice)
{
    static const char *const names[][2] = { { "auto", "auto" },
                                            { "none", "none" },
                                            { "required", "any" } };
    const json_t *name = json_object_get(choice, "name");

    if (json_is_string(name))
        return json_pack("{s:s, s:O}", "type", "tool", "name", name);
    for (size_t i = 0; json_is_string(choice) && i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i][0], json_string_value(choice)) == 0)
            return json_pack("{s:s}", "type", names[i][1]);
    return NULL;
}

static int set_choice(const struct ein_llm_call *call, json_t *body, struct ein_error *err)
{
    EIN_JSON json_t *choice = choice_of(call->tool_choice);
    bool serial = json_is_false(json_object_get(call->parameters, "parallel_tool_calls"));

    if (!choice && call->tool_choice)
        return error_set(err, EIN_E_INVALID, "the choice of a tool is not one that there is");
    if (!choice && !serial)
        return 0;
    if (!choice)
        choice = json_pack("{s:s}", "type", "auto");
    if ((serial && strcmp(text_or_empty(choice, "type"), "none") != 0 &&
         json_object_set_new(choice, "disable_parallel_tool_use", json_true()) < 0) ||
        json_object_set(body, "tool_choice", choice) < 0)
        return error_no_memory(err);
    return 0;
}

/* ---- what the vendor has built in ---- */

static int add_search(const json_t *search, json_t *tools, struct ein_error *err)
{
    json_t *allowed = json_object_get(search, "allowed_domains");
    json_t *blocked = json_object_get(search, "blocked_domains");

    if (allowed && blocked)
        return error_set(err, EIN_E_INVALID,
                         "a search here has allowed_domains or blocked_domains, not both");
    if (json_array_append_new(
            tools, json_pack("{s:s, s:s, s:O*, s:O*, s:O*, s:o*}", "type", "web_search_20250305",
                             "name", "web_search", "max_uses", json_object_get(search, "max_uses"),
                             "allowed_domains", allowed, "blocked_domains", blocked,
                             "user_location", vendor_location(search))) < 0)
        return error_no_memory(err);
    return 0;
}

static int add_built_in(const json_t *tool, json_t *tools, struct ein_error *err)
{
    const json_t *own = vendor_own_tool(tool, ANTHROPIC_WIRE);
    const json_t *search = json_object_get(tool, "web_search");

    if (!own)
        return search ? add_search(search, tools, err) : 0;
    return json_array_append(tools, (json_t *)own) < 0 ? error_no_memory(err) : 0;
}

/* A conversation in which tools were called must come with tools. */
static int set_those_used(const struct ein_llm_call *call, json_t *body, struct ein_error *err)
{
    EIN_JSON json_t *used = turns_tools(call->messages);
    EIN_JSON json_t *tools = json_array();
    size_t count = json_array_size(used);

    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(tools, tool_of(json_array_get(used, i), false)) < 0)
            return error_no_memory(err);
    if (!used || !tools ||
        (count > 0 &&
         (json_object_set(body, "tools", tools) < 0 ||
          json_object_set_new(body, "tool_choice", json_pack("{s:s}", "type", "none")) < 0)))
        return error_no_memory(err);
    return 0;
}

int anthropic_tools(const struct ein_llm_call *call, json_t *body, struct ein_error *err)
{
    EIN_JSON json_t *tools = json_array();
    bool old = reply_tool_is_said(call->settings);
    size_t held = 0;
    int r = 0;

    if (!tools)
        return error_no_memory(err);
    for (size_t i = 0; i < json_array_size(call->tools); i++) {
        const json_t *tool = json_array_get(call->tools, i);
        bool strict = is_strict(tool, held, old);

        if (json_array_append_new(tools, tool_of(tool, strict)) < 0)
            return error_set(err, EIN_E_INVALID, "a tool has no name");
        held += strict;
    }
    for (size_t i = 0; r >= 0 && i < json_array_size(call->built_in_tools); i++)
        r = add_built_in(json_array_get(call->built_in_tools, i), tools, err);
    if (r < 0 || json_array_size(tools) == 0)
        return r < 0 ? r : set_those_used(call, body, err);
    if (json_object_set(body, "tools", tools) < 0)
        return error_no_memory(err);
    return set_choice(call, body, err);
}
