/* SPDX-License-Identifier: Apache-2.0 */
#include "chat.h"

#include "cleanup.h"

#include <stdio.h>
#include <string.h>

static int no_memory_unless(bool done)
{
    return done ? 0 : EIN_E_NO_MEMORY;
}

/* Taken over whole where it has nothing else to say than the role that it has. */
static int plain(struct asking *asking, json_t *message, const char *role)
{
    json_t *content = json_object_get(message, "content"), *made = NULL;
    int r;

    if (json_is_string(content) && json_object_size(message) == 2 &&
        strcmp(json_string_value(json_object_get(message, "role")), role) == 0)
        return ask_append(asking->ask->messages, json_incref(message));
    r = chat_content(asking, content, ".content", NULL, &made);
    return r < 0 ? r : ask_message(asking, role, made);
}

static int system_says(struct asking *asking, json_t *message)
{
    return plain(asking, message, "system");
}

static int user_says(struct asking *asking, json_t *message)
{
    return plain(asking, message, "user");
}

/* ---- the assistant ---- */

/* One of `reasoning_details`: {"type": "reasoning.text", "text", "signature"}. */
static int detail(struct asking *asking, json_t *parts, const json_t *item)
{
    json_t *text = json_object_get(item, "text");
    EIN_JSON json_t *replay = ask_replay(asking, json_object_get(item, "signature"));

    if (!replay && !json_is_string(text))
        return 0;
    return ask_append(parts, json_pack("{s:s, s:O*, s:O*}", "type", "thought", "text",
                                       json_is_string(text) ? text : NULL, "replay", replay));
}

/* LiteLLM keeps members of others below one of its own, and sends that back. */
static const json_t *details_of(const json_t *message)
{
    const json_t *details = json_object_get(message, "reasoning_details");
    const json_t *kept = json_object_get(message, "provider_specific_fields");

    return details ? details : json_object_get(kept, "reasoning_details");
}

static int thoughts(struct asking *asking, json_t *parts, const json_t *message)
{
    const json_t *details = details_of(message), *item;
    json_t *text = json_object_get(message, "reasoning_content");
    size_t i;
    int r = 0;

    json_array_foreach(details, i, item)
    {
        r = detail(asking, parts, item);
        if (r < 0)
            return r;
    }
    if (json_array_size(parts) > 0)
        return 0;
    if (!json_is_string(text))
        text = json_object_get(message, "reasoning");
    if (!json_is_string(text) || json_string_length(text) == 0)
        return 0;
    return ask_append(parts, json_pack("{s:s, s:O}", "type", "thought", "text", text));
}

static int add_text(json_t *parts, json_t *text)
{
    return json_string_length(text) == 0
               ? 0
               : ask_append(parts, json_pack("{s:s, s:O}", "type", "text", "text", text));
}

/* A refusal was said as well. */
static json_t *as_said(json_t *part)
{
    json_t *refused = json_object_get(part, "refusal");

    return json_is_string(refused) ? json_pack("{s:s, s:O}", "type", "text", "text", refused)
                                   : json_incref(part);
}

static int said(struct asking *asking, json_t *parts, const json_t *message)
{
    json_t *content = json_object_get(message, "content");
    EIN_JSON json_t *made = NULL;
    int r = json_is_array(content) ? chat_content(asking, content, ".content", as_said, &made)
                                   : add_text(parts, content);

    if (r >= 0 && made && json_array_extend(parts, made) < 0)
        r = EIN_E_NO_MEMORY;
    return r < 0 ? r : add_text(parts, json_object_get(message, "refusal"));
}

static int call(struct asking *asking, json_t *parts, json_t *id, const json_t *function,
                const json_t *replay, bool custom, const char *place)
{
    json_t *name = json_object_get(function, "name"), *given = NULL;
    int r;

    if (!json_is_string(id) || !json_is_string(name))
        return ask_refuse_message(asking, place,
                                  "A call of a tool needs 'id' and 'function.name'.");
    r = custom ? chat_custom_input(asking, function, place, &given)
               : ask_arguments(asking, json_object_get(function, "arguments"), place, &given);
    if (r < 0)
        return r;
    r = ask_append(parts, json_pack("{s:s, s:O, s:O, s:o, s:O*}", "type", "tool_call", "id", id,
                                    "name", name, "arguments", given, "replay", replay));
    return r < 0 ? r : ask_remember(asking, id, name);
}

static int calls(struct asking *asking, json_t *parts, const json_t *message)
{
    const json_t *list = json_object_get(message, "tool_calls"), *item;
    char place[48];
    size_t i;
    int r;

    r = ask_array(asking, list, "tool_calls", asking->limits->parts);
    if (r < 0)
        return r;
    json_array_foreach(list, i, item)
    {
        const json_t *function = json_object_get(item, "function");
        const json_t *custom = json_object_get(item, "custom");
        const json_t *extra = json_object_get(json_object_get(item, "extra_content"), "einion");
        EIN_JSON json_t *replay = ask_replay(asking, json_object_get(extra, "replay"));

        (void)snprintf(place, sizeof(place), ".tool_calls[%zu]", i);
        if (!json_is_object(function) && !json_is_object(custom))
            return ask_refuse_message(asking, place, "It is no call of a function or custom tool.");
        r = call(asking, parts, json_object_get(item, "id"), function ? function : custom, replay,
                 !function, place);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Functions, of old, had no id: the last one called is the one that answers. */
static json_t *function_id(unsigned number)
{
    return json_sprintf("function_%u", number);
}

static int old_call(struct asking *asking, json_t *parts, const json_t *message)
{
    const json_t *function = json_object_get(message, "function_call");
    EIN_JSON json_t *id = NULL;

    if (!json_is_object(function))
        return 0;
    id = function_id(++asking->called);
    return call(asking, parts, id, function, NULL, false, ".function_call");
}

static bool is_simple(const json_t *message)
{
    static const char *const more[] = {
        "tool_calls",        "function_call",           "refusal", "reasoning_content", "reasoning",
        "reasoning_details", "provider_specific_fields"
    };

    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        const json_t *member = json_object_get(message, more[i]);

        if (member && !json_is_null(member))
            return false;
    }
    return json_is_string(json_object_get(message, "content"));
}

static int assistant_says(struct asking *asking, json_t *message)
{
    EIN_JSON json_t *parts = NULL;
    int r;

    if (is_simple(message))
        return plain(asking, message, "assistant");
    parts = json_array();
    r = no_memory_unless(parts);
    if (r >= 0)
        r = thoughts(asking, parts, message);
    if (r >= 0)
        r = said(asking, parts, message);
    if (r >= 0)
        r = calls(asking, parts, message);
    if (r >= 0)
        r = old_call(asking, parts, message);
    if (r >= 0 && json_array_size(parts) > 0)
        r = ask_message(asking, "assistant", EIN_TAKE(parts));
    return r;
}

/* ---- what tools answer ---- */

static int result(struct asking *asking, json_t *id, const json_t *message)
{
    json_t *content = NULL, *parts;
    json_t *name = json_object_get(asking->names, json_string_value(id));
    int r = chat_content(asking, json_object_get(message, "content"), ".content", NULL, &content);

    if (r < 0)
        return r;
    parts = ask_parts(asking, "user", "tool_result"); /* those in a row are one message */
    if (!parts) {
        json_decref(content);
        return EIN_E_NO_MEMORY;
    }
    return ask_append(parts, json_pack("{s:s, s:O, s:O*, s:o}", "type", "tool_result", "id", id,
                                       "name", name, "content", content));
}

static int tool_says(struct asking *asking, json_t *message)
{
    json_t *id = json_object_get(message, "tool_call_id");

    if (!json_is_string(id))
        return ask_refuse_message(asking, ".tool_call_id", "'tool_call_id' is missing.");
    return result(asking, id, message);
}

static int function_says(struct asking *asking, json_t *message)
{
    EIN_JSON json_t *id = function_id(asking->called);

    if (asking->called == 0)
        return ask_refuse_message(asking, "", "No function was called before this message.");
    return id ? result(asking, id, message) : EIN_E_NO_MEMORY;
}

/* ---- all of them ---- */

static int read_message(struct asking *asking, json_t *message)
{
    static const struct {
        const char *role;
        int (*read)(struct asking *asking, json_t *message);
    } roles[] = {
        { "system", system_says }, { "developer", system_says },
        { "user", user_says },     { "assistant", assistant_says },
        { "tool", tool_says },     { "function", function_says },
    };
    const char *role = json_string_value(json_object_get(message, "role"));

    for (size_t i = 0; role && i < sizeof(roles) / sizeof(roles[0]); i++)
        if (strcmp(roles[i].role, role) == 0)
            return roles[i].read(asking, message);
    return ask_refuse_message(asking, ".role",
                              "The role '%.40s' is none of system, developer, user, assistant, "
                              "tool and function.",
                              role ? role : "");
}

int chat_messages(struct asking *asking, json_t *messages)
{
    json_t *message;
    size_t i;

    json_array_foreach(messages, i, message)
    {
        int r;

        asking->message = i;
        r = read_message(asking, message);
        if (r < 0)
            return r;
    }
    return 0;
}
