/* SPDX-License-Identifier: Apache-2.0 */
#include "tool_calls.h"

#include <einion/plugin.h>
#include <stdlib.h>
#include <string.h>

void tool_calls_init(struct tool_calls *calls, size_t arguments_max)
{
    *calls = (struct tool_calls){ .arguments_max = arguments_max };
}

void tool_calls_done(struct tool_calls *calls)
{
    for (size_t i = 0; i < calls->count; i++) {
        free(calls->list[i].id);
        free(calls->list[i].name);
        buf_done(&calls->list[i].arguments);
    }
    free(calls->list);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text && *text ? text : NULL;
}

/* Some servers count every call as the first: an id of its own makes it another one. */
static struct tool_call *find(const struct tool_calls *calls, const json_t *delta)
{
    const json_t *index = json_object_get(delta, "index");
    const char *id = text_of(delta, "id");

    for (size_t i = calls->count; i-- > 0;) {
        struct tool_call *call = &calls->list[i];

        if (json_is_integer(index) && call->index != json_integer_value(index))
            continue;
        return id && call->id && strcmp(call->id, id) != 0 ? NULL : call;
    }
    return NULL;
}

static struct tool_call *begin(struct tool_calls *calls, const json_t *delta)
{
    const json_t *index = json_object_get(delta, "index");
    struct tool_call *list = realloc(calls->list, (calls->count + 1) * sizeof(*list));

    if (!list)
        return NULL;
    calls->list = list;
    list += calls->count++;
    *list = (struct tool_call){ .index = json_is_integer(index) ? json_integer_value(index)
                                                                : (json_int_t)calls->count - 1 };
    buf_init(&list->arguments, calls->arguments_max);
    return list;
}

static int keep(char **text, const char *value)
{
    if (*text || !value)
        return 0;
    *text = strdup(value);
    return *text ? 0 : EIN_E_NO_MEMORY;
}

/* Whole, they may be an object instead of its text. */
static int add_arguments(struct tool_call *call, const json_t *arguments)
{
    char *text;
    int r;

    if (!json_is_object(arguments))
        return json_is_string(arguments) ? buf_add(&call->arguments, json_string_value(arguments),
                                                   json_string_length(arguments))
                                         : 0;
    text = json_dumps(arguments, JSON_COMPACT);
    r = text ? buf_text(&call->arguments, text) : EIN_E_NO_MEMORY;
    free(text);
    return r;
}

int tool_calls_add(struct tool_calls *calls, const json_t *delta)
{
    const json_t *function = json_object_get(delta, "function");
    struct tool_call *call = find(calls, delta);
    int r;

    if (!call && calls->count == TOOL_CALLS_MAX)
        return EIN_E_TOO_LARGE;
    if (!call && !(call = begin(calls, delta)))
        return EIN_E_NO_MEMORY;
    r = keep(&call->id, text_of(delta, "id"));
    if (r == 0)
        r = keep(&call->name, text_of(function, "name"));
    return r < 0 ? r : add_arguments(call, json_object_get(function, "arguments"));
}
