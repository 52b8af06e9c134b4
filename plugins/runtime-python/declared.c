/* SPDX-License-Identifier: Apache-2.0 */
#include "declared.h"
#include "error.h"

#include <jansson.h>
#include <string.h>

/* Code without such a member, as front ends send it to be tried, declares nothing. */
static bool is_open(const struct agent *agent, const char *kind)
{
    const json_t *member = json_object_get(agent->document, kind);
    const bool empty = json_array_size(member) + json_object_size(member) == 0;

    return !member || (empty && !agent->run->runtime->settings.refuses_undeclared);
}

static bool is_text(const json_t *json, const char *name, const char *text)
{
    const char *said = json_string_value(json_object_get(json, name));

    return said && strcmp(said, text) == 0;
}

int declared_model(const struct agent *agent, const char *provider, const char *model,
                   struct ein_error *err)
{
    const json_t *item;
    size_t i;

    if (is_open(agent, "invokableModels"))
        return 0;
    json_array_foreach(json_object_get(agent->document, "invokableModels"), i, item)
    {
        if (is_text(item, "provider", provider) && is_text(item, "model", model))
            return 0;
    }
    return error_set(err, EIN_E_DENIED,
                     "The agent does not declare the model '%.60s/%.120s': add it to its "
                     "invokableModels.",
                     provider, model);
}

int declared_tool(const struct agent *agent, const char *url, const char *tool,
                  struct ein_error *err)
{
    const json_t *tools, *item;
    size_t i;

    if (is_open(agent, "tools"))
        return 0;
    tools = json_object_get(json_object_get(agent->document, "tools"), url);
    if (!tools)
        return error_set(err, EIN_E_DENIED,
                         "The agent does not declare the MCP server '%.150s': add it to its tools.",
                         url);
    json_array_foreach((json_t *)tools, i, item)
    {
        const char *name = json_string_value(item);
        if (tool && name && strcmp(name, tool) == 0)
            return 0;
    }
    if (!tool || json_array_size(tools) == 0) /* none named: all of that server */
        return 0;
    return error_set(
        err, EIN_E_DENIED,
        "The agent does not declare the tool '%.80s' of the MCP server '%.120s': add it "
        "to its tools.",
        tool, url);
}
