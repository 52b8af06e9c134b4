/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as chat completions have them. */
#include "error.h"
#include "openai.h"

#include <string.h>

static int add_message(json_t *messages, const char *role, json_t *take_content)
{
    return openai_append(messages, json_pack("{s:s, s:o}", "role", role, "content", take_content));
}

static bool has_cache(const json_t *content)
{
    const json_t *part;
    size_t i;

    json_array_foreach((json_t *)content, i, part)
    {
        if (json_object_get(part, "cache"))
            return true;
    }
    return false;
}

/* ---- of the user ---- */

/* Only text: what a tool's message may hold. */
static int add_results(const struct openai_request *request, json_t *messages,
                       const json_t *content)
{
    const json_t *part;
    size_t i;
    int r = 0;

    json_array_foreach((json_t *)content, i, part)
    {
        if (r == 0 && openai_is_type(part, "tool_result"))
            r = openai_append(messages, json_pack("{s:s, s:o, s:o}", "role", "tool", "tool_call_id",
                                                  openai_call_id(request, part), "content",
                                                  openai_text(json_object_get(part, "content"))));
    }
    return r;
}

/* The parts that are for the user's message: also the images of tools' results. */
static int add_parts(const struct openai_request *request, json_t *parts, const json_t *content,
                     bool images_only)
{
    const json_t *part;
    size_t i;
    int r = 0;

    json_array_foreach((json_t *)content, i, part)
    {
        if (r < 0)
            break;
        if (openai_is_type(part, "tool_result"))
            r = add_parts(request, parts, json_object_get(part, "content"), true);
        else if (!images_only || openai_is_type(part, "image"))
            r = openai_append(parts, openai_part(request, part));
    }
    return r;
}

static int add_user(const struct openai_request *request, json_t *messages, const json_t *content)
{
    EIN_JSON json_t *parts = NULL;
    int r;

    if (json_is_string(content))
        return add_message(messages, "user", json_incref((json_t *)content));
    parts = json_array();
    r = parts ? add_results(request, messages, content) : EIN_E_NO_MEMORY;
    if (r == 0)
        r = add_parts(request, parts, content, false);
    if (r < 0 || json_array_size(parts) == 0)
        return r;
    /* Not every server takes more than text. */
    if (json_array_size(parts) == 1 && openai_is_type(json_array_get(parts, 0), "text") &&
        !has_cache(content))
        return add_message(messages, "user",
                           json_incref(json_object_get(json_array_get(parts, 0), "text")));
    return add_message(messages, "user", json_incref(parts));
}

static int add_system(const struct openai_request *request, json_t *messages, const json_t *content)
{
    EIN_JSON json_t *parts = NULL;
    int r;

    if (!request->openai->cache_control || !has_cache(content))
        return add_message(messages, request->openai->system_role, openai_text(content));
    parts = json_array();
    r = parts ? add_parts(request, parts, content, false) : EIN_E_NO_MEMORY;
    return r < 0 ? r : add_message(messages, request->openai->system_role, json_incref(parts));
}

/* ---- of the assistant ---- */

static int add_tool_call(const struct openai_request *request, json_t *calls, const json_t *part)
{
    return openai_append(calls, json_pack("{s:o, s:s, s:{s:O, s:o}}", "id",
                                          openai_call_id(request, part), "type", "function",
                                          "function", "name", json_object_get(part, "name"),
                                          "arguments", openai_arguments(request, part)));
}

/* What the message is made of. */
struct assistant {
    json_t *calls, *details;
    const json_t *thought; /* lent */
    bool text;
};

static int add_replay(const struct openai_request *request, struct assistant *said,
                      const json_t *part)
{
    const json_t *replay = openai_replay(request, part);
    json_t *details = json_object_get(replay, "reasoning_details");

    if (json_object_get(replay, "reasoning_content"))
        said->thought = json_object_get(replay, "reasoning_content");
    return details && json_array_extend(said->details, details) ? EIN_E_NO_MEMORY : 0;
}

static int read_assistant(const struct openai_request *request, const json_t *content,
                          struct assistant *said)
{
    const json_t *part;
    size_t i;
    int r = 0;

    said->text = json_is_string(content);
    json_array_foreach((json_t *)content, i, part)
    {
        if (r < 0)
            break;
        if (openai_is_type(part, "tool_call"))
            r = add_tool_call(request, said->calls, part);
        else if (openai_is_type(part, "thought"))
            r = add_replay(request, said, part);
        else if (openai_is_type(part, "text"))
            said->text = true;
    }
    return r;
}

static json_t *assistant_message(const struct assistant *said, const json_t *content)
{
    return json_pack("{s:s, s:o, s:O*, s:O*, s:O*}", "role", "assistant", "content",
                     said->text ? openai_text(content) : json_null(), "tool_calls",
                     json_array_size(said->calls) ? said->calls : NULL, "reasoning_details",
                     json_array_size(said->details) ? said->details : NULL, "reasoning_content",
                     said->thought);
}

static int add_assistant(const struct openai_request *request, json_t *messages,
                         const json_t *content)
{
    struct assistant said = { .calls = json_array(), .details = json_array() };
    int r = said.calls && said.details ? read_assistant(request, content, &said) : EIN_E_NO_MEMORY;

    /* One that holds nothing but thoughts is none. */
    if (r == 0 && (said.text || json_array_size(said.calls)))
        r = openai_append(messages, assistant_message(&said, content));
    json_decref(said.calls);
    json_decref(said.details);
    return r;
}

/* ---- all of them ---- */

static const struct {
    const char *role;
    int (*add)(const struct openai_request *request, json_t *messages, const json_t *content);
} roles[] = {
    { "system", add_system },
    { "user", add_user },
    { "assistant", add_assistant },
};

static int add(const struct openai_request *request, json_t *messages, json_t *message,
               struct ein_error *err)
{
    const char *role = json_string_value(json_object_get(message, "role"));
    const json_t *content = json_object_get(message, "content");
    bool alone = json_is_string(content) && json_object_size(message) == 2;

    for (size_t i = 0; role && i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (strcmp(roles[i].role, role) != 0)
            continue;
        if (alone && (i > 0 || strcmp(request->openai->system_role, role) == 0))
            return openai_append(messages, json_incref(message)); /* it is as they have it */
        return roles[i].add(request, messages, content);
    }
    return error_set(err, EIN_E_INVALID, "a message has the role '%.20s'", role ? role : "");
}

int openai_chat_add_messages(const struct openai_request *request, json_t *body,
                             struct ein_error *err)
{
    json_t *messages = json_array(), *message;
    size_t i;
    int r = openai_put(body, "messages", messages);

    json_array_foreach((json_t *)request->call->messages, i, message)
    {
        if (r == 0)
            r = add(request, messages, message, err);
    }
    return r;
}
