/* SPDX-License-Identifier: Apache-2.0 */
/* Tools and the format of the reply, as members of a request. */
#include "openai.h"
#include "vendor_schema.h"

#include <string.h>

/* ---- tools ---- */

static json_t *function_of(const struct openai_request *request, const json_t *tool)
{
    const json_t *name = json_object_get(tool, "name");
    const json_t *description = json_object_get(tool, "description");
    EIN_JSON json_t *parameters = vendor_tool_schema(json_object_get(tool, "parameters"));
    const json_t *strict = json_object_get(tool, "strict");

    if (request->style == OPENAI_CHAT)
        return json_pack("{s:s, s:{s:O, s:O*, s:O, s:O*}}", "type", "function", "function", "name",
                         name, "description", description, "parameters", parameters, "strict",
                         strict);
    /* There, strict is what a tool is that does not say. */
    return json_pack("{s:s, s:O, s:O*, s:O, s:b}", "type", "function", "name", name, "description",
                     description, "parameters", parameters, "strict", json_is_true(strict));
}

static int add_functions(const struct openai_request *request, json_t *tools)
{
    json_t *tool;
    size_t i;
    int r = 0;

    json_array_foreach((json_t *)request->call->tools, i, tool)
    {
        json_t *function = r == 0 ? function_of(request, tool) : NULL;
        const json_t *cache = json_object_get(tool, "cache");

        if (r == 0 && function && cache && request->openai->cache_control)
            r = openai_put(function, "cache_control",
                           json_pack("{s:s, s:O*}", "type", "ephemeral", "ttl",
                                     json_object_get(cache, "ttl")));
        if (r == 0)
            r = openai_append(tools, function);
        else
            json_decref(function);
    }
    return r;
}

/* ---- what the vendor has built in ---- */

static json_t *location_of(const json_t *search, bool nested)
{
    json_t *place = json_object_get(search, "location");

    return place && nested ? json_pack("{s:s, s:O}", "type", "approximate", "approximate", place)
                           : vendor_location(search);
}

/* Models of chat completions that search have no tool for it, but options. */
static json_t *options_of(const json_t *search)
{
    return json_pack("{s:O*, s:o*}", "search_context_size", json_object_get(search, "context_size"),
                     "user_location", location_of(search, true));
}

static json_t *search_of(const json_t *search)
{
    json_t *allowed = json_object_get(search, "allowed_domains");
    json_t *blocked = json_object_get(search, "blocked_domains");
    json_t *filters = NULL;

    if (allowed || blocked)
        filters = json_pack("{s:O*, s:O*}", "allowed_domains", allowed, "blocked_domains", blocked);
    return json_pack("{s:s, s:O*, s:o*, s:o*, s:O*}", "type", "web_search", "search_context_size",
                     json_object_get(search, "context_size"), "user_location",
                     location_of(search, false), "filters", filters, "external_web_access",
                     json_object_get(search, "live"));
}

static int add_search(const struct openai_request *request, json_t *body, json_t *tools,
                      const json_t *tool)
{
    const json_t *search = json_object_get(tool, "web_search");
    const json_t *own = vendor_own_tool(tool, "openai");
    json_t *uses = json_object_get(search, "max_uses");
    int r;

    if (request->style == OPENAI_CHAT)
        return openai_put(body, "web_search_options", options_of(search));
    r = openai_append(tools, own ? json_incref((json_t *)own) : search_of(search));
    return r == 0 && uses ? openai_put(body, "max_tool_calls", json_incref(uses)) : r;
}

/* The catalog's own words for a search, in chat completions. */
static int add_options(json_t *body, const json_t *tool)
{
    json_t *options = json_copy((json_t *)tool);

    if (!options)
        return EIN_E_NO_MEMORY;
    (void)json_object_del(options, "type");
    return openai_put(body, "web_search_options", options);
}

static int add_one(const struct openai_request *request, json_t *body, json_t *tools,
                   const json_t *tool)
{
    const json_t *own = vendor_own_tool(tool, "openai");

    if (json_object_get(tool, "web_search"))
        return add_search(request, body, tools, tool);
    if (own && request->style == OPENAI_CHAT && openai_is_type(own, "web_search"))
        return add_options(body, own);
    return own ? openai_append(tools, json_incref((json_t *)own)) : 0;
}

static int add_built_in(const struct openai_request *request, json_t *body, json_t *tools)
{
    const json_t *tool;
    size_t i;
    int r = 0;

    json_array_foreach(request->call->built_in_tools, i, tool)
    {
        if (r == 0)
            r = add_one(request, body, tools, tool);
    }
    return r;
}

static json_t *choice_of(const struct openai_request *request)
{
    const json_t *choice = request->call->tool_choice;
    const json_t *name = json_object_get(choice, "name");

    if (!name)
        return json_incref((json_t *)choice);
    if (request->style == OPENAI_CHAT)
        return json_pack("{s:s, s:{s:O}}", "type", "function", "function", "name", name);
    return json_pack("{s:s, s:O}", "type", "function", "name", name);
}

int openai_add_tools(const struct openai_request *request, json_t *body)
{
    const struct ein_llm_call *call = request->call;

    if (json_array_size(call->tools) == 0 && json_array_size(call->built_in_tools) == 0)
        return 0;

    EIN_JSON json_t *tools = json_array();
    int r = tools ? add_functions(request, tools) : EIN_E_NO_MEMORY;

    if (r == 0)
        r = add_built_in(request, body, tools);
    if (r == 0 && json_array_size(tools))
        r = openai_put(body, "tools", json_incref(tools));
    if (r == 0 && json_array_size(tools) && call->tool_choice)
        r = openai_put(body, "tool_choice", choice_of(request));
    return r;
}

/* ---- the format of the reply ---- */

static bool lists_all(const json_t *required, const json_t *properties)
{
    size_t found = 0, i;
    const json_t *name;

    json_array_foreach((json_t *)required, i, name)
    {
        if (json_object_get(properties, json_string_value(name)))
            found++;
    }
    return found >= json_object_size(properties);
}

/* Strict schemas close every object and require all of its members, and know of no other choice
 * than "anyOf"; a vendor refuses others that are said to be strict. */
static bool is_strict(const json_t *schema)
{
    static const char *const unknown[] = { "oneOf", "allOf", "not", "if", "patternProperties" };
    const json_t *properties = json_object_get(schema, "properties");
    const char *name;
    json_t *value;
    size_t i;

    json_array_foreach((json_t *)schema, i, value)
    {
        if (!is_strict(value))
            return false;
    }
    for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        if (json_object_get(schema, unknown[i]))
            return false;
    }
    if ((properties || openai_is_type(schema, "object")) &&
        (!json_is_false(json_object_get(schema, "additionalProperties")) ||
         !lists_all(json_object_get(schema, "required"), properties)))
        return false;
    json_object_foreach((json_t *)schema, name, value)
    {
        if (strcmp(name, "properties") != 0) {
            if (!is_strict(value))
                return false;
            continue;
        }
        const char *property;
        json_t *its;

        json_object_foreach(value, property, its)
        {
            if (!is_strict(its))
                return false;
        }
    }
    return true;
}

/* Any object: chat completions have a word of their own for it, and older models and servers know
 * no other.  Responses do without: their word is refused unless the input has it, too. */
static bool is_any_object(const struct openai_request *request, const json_t *schema)
{
    return request->style == OPENAI_CHAT && !request->openai->schema_is_format &&
           json_object_size(schema) == 1 && openai_is_type(schema, "object");
}

int openai_add_schema(const struct openai_request *request, json_t *body)
{
    const json_t *schema = request->call->reply_schema;
    int strict = schema && !json_object_get(schema, "anyOf") && is_strict(schema);
    json_t *format, *text;

    if (!schema)
        return 0;
    if (is_any_object(request, schema))
        return openai_put(body, "response_format", json_pack("{s:s}", "type", "json_object"));
    if (request->style == OPENAI_CHAT || request->openai->schema_is_format)
        return openai_put(body, "response_format",
                          json_pack("{s:s, s:{s:s, s:O, s:b}}", "type", "json_schema",
                                    "json_schema", "name", "reply", "schema", schema, "strict",
                                    strict));
    format = json_pack("{s:s, s:s, s:O, s:b}", "type", "json_schema", "name", "reply", "schema",
                       schema, "strict", strict);
    text = json_object_get(body, "text");
    return text ? openai_put(text, "format", format)
                : openai_put(body, "text", json_pack("{s:o}", "format", format));
}
