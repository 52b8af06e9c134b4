/* SPDX-License-Identifier: Apache-2.0 */
/* A member of a namespace is to a model a function under both names (custom.c). */
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

    return name ? full_name(text_of(item, "namespace"), name) : NULL;
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

/* The client looks for tools itself, and is asked to in a way that completion/1 has no word for. */
static bool is_search_by_client(const json_t *tool)
{
    const char *where = text_of(tool, "execution");

    return strcmp(text_of(tool, "type"), "tool_search") == 0 && where &&
           strcmp(where, "client") == 0;
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
        return ask_note(asking->ask, "The tool 'tool_search' was left out.");
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
