/* SPDX-License-Identifier: Apache-2.0 */
#include "built_in_tools.h"

#include "cleanup.h"
#include "error.h"
#include "member.h"
#include <string.h>

const json_t *built_in_tool(const json_t *model, const char *name)
{
    const json_t *tool;
    size_t i;

    json_array_foreach(json_object_get(model, "built_in_tools"), i, tool)
    {
        const char *id = text_of(tool, "id");

        if (id && strcmp(id, name) == 0)
            return json_object_get(tool, "tool_config");
    }
    return NULL;
}

static int note(json_t *notes, const char *model, const char *name)
{
    if (!notes)
        return 0;
    return json_array_append_new(
        notes, json_sprintf("%s has no built-in tool '%s'; it was left out.", model, name));
}

static int choose(const json_t *wanted, const json_t *entry, const char *model, json_t *tools,
                  json_t *notes)
{
    json_t *item;
    size_t i;

    json_array_foreach(wanted, i, item)
    {
        const char *name = json_string_value(item);
        const json_t *config = name ? built_in_tool(entry, name) : item;
        int r = config ? json_array_append(tools, (json_t *)config) : note(notes, model, name);

        if (r < 0)
            return EIN_E_NO_MEMORY;
    }
    return 0;
}

int built_in_tools_find(const struct ein_service *completion,
                        const struct ein_completion_call *call, const json_t *wanted, json_t *tools,
                        json_t *notes, struct ein_error *err)
{
    const struct ein_completion *models = completion->vtable;
    EIN_JSON json_t *found = NULL;
    int r;

    if (json_array_size(wanted) == 0)
        return 0;
    r = models->find(completion->impl, call->user_id, call->model, call->visible, &found, err);
    if (r < 0)
        return r;
    if (choose(wanted, json_object_get(found, "model"), call->model, tools, notes) < 0)
        return error_no_memory(err);
    return 0;
}
