/* SPDX-License-Identifier: Apache-2.0 */
/* A member of a namespace is to a model a function under both names (custom.c), and so is the
 * search for tools, where the client makes it. */
#include "ask.h"
#include "member.h"
#include "responses.h"

#include "cleanup.h"

#include <string.h>

static json_t *full_name(const char *space, const char *name)
{
    return space ? json_sprintf("%s__%s", space, name) : json_string(name);
}

json_t *responses_tool_name(const json_t *item)
{
    const char *name = text_of(item, "name");

    if (strcmp(text_or_empty(item, "type"), "tool_search_call") == 0)
        return json_string(RESPONSES_SEARCH);
    return name ? full_name(text_of(item, "namespace"), name) : NULL;
}

/* 1: it is known by this NAME already, as what is found twice; vendors refuse two of one name. */
static int take_name(struct asking *asking, json_t *name)
{
    if (asking->found && json_array_append(asking->found, name) < 0)
        return EIN_E_NO_MEMORY;
    if (json_object_get(asking->known, json_string_value(name)))
        return 1;
    if (!asking->known)
        asking->known = json_object();
    return json_object_set(asking->known, json_string_value(name), name) < 0 ? EIN_E_NO_MEMORY : 0;
}

static int add_function(struct asking *asking, const json_t *tool, bool custom)
{
    struct ask *ask = asking->ask;
    EIN_JSON json_t *name = NULL;
    int r;

    if (!text_of(tool, "name"))
        return ask_refuse(asking, "tools", "A function has no 'name'.");
    name = full_name(asking->space, text_of(tool, "name"));
    if (!name)
        return ask_refuse(asking, "tools", "The name of a function is no text.");
    r = take_name(asking, name);
    if (r != 0)
        return r < 0 ? r : 0;
    if (custom)
        return chat_custom(asking, tool, name);
    r = asking->space ? chat_alias(ask, tool, asking->space, false, name) : 0;
    if (r < 0)
        return r;
    return ask_add(&ask->tools, json_pack("{s:O, s:O*, s:O*, s:O*}", "name", name, "description",
                                          json_object_get(tool, "description"), "parameters",
                                          json_object_get(tool, "parameters"), "strict",
                                          json_object_get(tool, "strict")));
}

static int add_tool(struct asking *asking, json_t *tool);

static int add_namespace(struct asking *asking, const json_t *tool)
{
    int r;

    asking->space = text_of(tool, "name");
    if (!asking->space)
        return ask_refuse(asking, "tools", "A namespace has no 'name'.");
    r = ask_tools(asking, json_object_get(tool, "tools"), add_tool);
    asking->space = NULL;
    return r;
}

/* The client looks for tools itself. */
static bool is_search_by_client(const json_t *tool)
{
    const char *where = text_of(tool, "execution");

    return strcmp(text_of(tool, "type"), "tool_search") == 0 && where &&
           strcmp(where, "client") == 0;
}

static int add_search(struct asking *asking, const json_t *tool)
{
    struct ask *ask = asking->ask;
    EIN_JSON json_t *name = json_string(RESPONSES_SEARCH);
    int r = name ? take_name(asking, name) : EIN_E_NO_MEMORY;

    if (r != 0)
        return r < 0 ? r : 0;
    if (!ask->aliases)
        ask->aliases = json_object();
    if (json_object_set_new(ask->aliases, RESPONSES_SEARCH,
                            json_pack("{s:O, s:b}", "name", name, "search", 1)) < 0)
        return EIN_E_NO_MEMORY;
    return ask_add(&ask->tools, json_pack("{s:O, s:O*, s:O*}", "name", name, "description",
                                          json_object_get(tool, "description"), "parameters",
                                          json_object_get(tool, "parameters")));
}

/* What is neither is a tool that the vendor has built in, in the vendor's own words. */
static int add_tool(struct asking *asking, json_t *tool)
{
    const char *type = text_of(tool, "type");

    if (!type)
        return ask_refuse(asking, "tools", "A tool has no 'type'.");
    if (strcmp(type, "function") == 0)
        return add_function(asking, tool, false);
    if (strcmp(type, "custom") == 0)
        return add_function(asking, tool, true);
    if (asking->space)
        return ask_refuse(asking, "tools", "A namespace holds functions and custom tools only.");
    if (strcmp(type, "namespace") == 0)
        return add_namespace(asking, tool);
    if (is_search_by_client(tool))
        return add_search(asking, tool);
    return ask_built_in(asking, tool, "openai");
}

int responses_more_tools(struct asking *asking, json_t *item)
{
    return ask_tools(asking, json_object_get(item, "tools"), add_tool);
}

int responses_tools(struct asking *asking, const json_t *body)
{
    int r = ask_tools(asking, json_object_get(body, "tools"), add_tool);

    if (r >= 0) /* those of namespaces and items count as well */
        r = ask_array(asking, asking->ask->tools, "tools", asking->limits->tools);
    return r < 0 ? r : chat_choice(asking, json_object_get(body, "tool_choice"));
}
