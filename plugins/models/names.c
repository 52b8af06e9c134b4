/* SPDX-License-Identifier: Apache-2.0 */
#include "names.h"

#include "cleanup.h"
#include "error.h"
#include "hash.h"
#include "member.h"

#include <stdio.h>

enum { NAME_SIZE = 65, KEPT = NAME_SIZE - 18 }; /* "KEPT_0123456789abcdef" and a NUL */

static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

static bool is_taken(const char *name, size_t max)
{
    size_t len = strlen(name);

    return len <= max && strspn(name, allowed) == len;
}

static void make(const char *name, char made[NAME_SIZE])
{
    char begin[KEPT + 1];

    (void)snprintf(begin, sizeof(begin), "%s", name);
    for (char *c = begin; *c; c++)
        if (!strchr(allowed, *c))
            *c = '_';
    (void)snprintf(made, NAME_SIZE, "%s_%016llx", begin,
                   (unsigned long long)hash_fnv(HASH_FNV_START, name, strlen(name)));
}

/* Changes the member "name" of OBJECT, which is our own, where it is not taken. */
static int rename_in(json_t *object, size_t max, json_t *back)
{
    json_t *name = json_object_get(object, "name");
    const char *text = json_string_value(name);
    char made[NAME_SIZE];

    if (!text || is_taken(text, max))
        return 0;
    make(text, made);
    return json_object_set(back, made, name) |
           json_object_set_new(object, "name", json_string(made));
}

static int rename_all(json_t *objects, size_t max, json_t *back)
{
    int bad = 0;

    for (size_t i = 0; !bad && i < json_array_size(objects); i++)
        bad = rename_in(json_array_get(objects, i), max, back);
    return bad;
}

static int rename_parts(json_t *content, size_t max, json_t *back)
{
    int bad = 0;

    for (size_t i = 0; !bad && i < json_array_size(content); i++) {
        json_t *part = json_array_get(content, i);

        if (strncmp(text_or_empty(part, "type"), "tool_", 5) == 0)
            bad = rename_in(part, max, back);
    }
    return bad;
}

static int rename_call(struct names *names, size_t max)
{
    int bad = rename_all(names->tools, max, names->back);

    for (size_t i = 0; !bad && i < json_array_size(names->messages); i++)
        bad = rename_parts(json_object_get(json_array_get(names->messages, i), "content"), max,
                           names->back);
    return bad ? bad : rename_in(names->choice, max, names->back);
}

static bool all_taken(const json_t *tools, size_t max)
{
    for (size_t i = 0; i < json_array_size(tools); i++)
        if (!is_taken(text_or_empty(json_array_get(tools, i), "name"), max))
            return false;
    return true;
}

int names_make(const struct ein_completion_call *call, const json_t *choice, size_t max,
               struct names *ret_names, struct ein_error *err)
{
    struct names names = { 0 };

    *ret_names = names;
    if (max == 0 || all_taken(call->tools, max))
        return 0;
    names = (struct names){ .back = json_object(),
                            .tools = json_deep_copy(call->tools),
                            .messages = json_deep_copy(call->messages),
                            .choice = json_deep_copy(choice) };
    if (!names.back || !names.tools || (call->messages && !names.messages) ||
        (choice && !names.choice) || rename_call(&names, max) != 0) {
        names_done(&names);
        return error_no_memory(err);
    }
    *ret_names = names;
    return 0;
}

void names_done(struct names *names)
{
    json_decref(names->back);
    json_decref(names->tools);
    json_decref(names->messages);
    json_decref(names->choice);
    *names = (struct names){ 0 };
}

json_t *names_back(const struct names *names, const json_t *tool_call)
{
    json_t *name = json_object_get(names->back, text_or_empty(tool_call, "name"));
    EIN_JSON json_t *made = name ? json_copy((json_t *)tool_call) : NULL;

    return !made || json_object_set(made, "name", name) < 0 ? NULL : EIN_TAKE(made);
}
