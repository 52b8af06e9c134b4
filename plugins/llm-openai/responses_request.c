/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as the input items of responses. */
#include "error.h"
#include "member.h"
#include "openai.h"

#include <string.h>

static const json_t *content_of(const json_t *message)
{
    return json_object_get(message, "content");
}

static bool has_role(const json_t *message, const char *role)
{
    const char *text = json_string_value(json_object_get(message, "role"));

    return text && strcmp(text, role) == 0;
}

static int add_message(json_t *input, const char *role, json_t *take_content)
{
    return openai_append(input, json_pack("{s:s, s:s, s:o}", "type", "message", "role", role,
                                          "content", take_content));
}

/* ---- of the user ---- */

static json_t *parts_of(const struct openai_request *request, const json_t *content)
{
    json_t *parts = json_array(), *part;
    size_t i;
    int r = parts ? 0 : EIN_E_NO_MEMORY;

    json_array_foreach((json_t *)content, i, part)
    {
        if (r == 0 && !openai_is_type(part, "tool_result"))
            r = openai_append(parts, openai_part(request, part));
    }
    if (r == 0)
        return parts;
    json_decref(parts);
    return NULL;
}

static bool has_images(const json_t *content)
{
    const json_t *part;
    size_t i;

    json_array_foreach((json_t *)content, i, part)
    {
        if (!openai_is_type(part, "text"))
            return true;
    }
    return false;
}

static int add_result(const struct openai_request *request, json_t *input, const json_t *part)
{
    const json_t *content = content_of(part);
    json_t *output = has_images(content) ? parts_of(request, content) : openai_text(content);

    return openai_append(input,
                         json_pack("{s:s, s:o, s:o}", "type", "function_call_output", "call_id",
                                   openai_call_id(request, part), "output", output));
}

static int add_user(const struct openai_request *request, json_t *input, const json_t *content)
{
    json_t *parts, *part;
    size_t i;
    int r = 0;

    if (json_is_string(content))
        return add_message(input, "user", json_incref((json_t *)content));
    json_array_foreach((json_t *)content, i, part)
    {
        if (r == 0 && openai_is_type(part, "tool_result"))
            r = add_result(request, input, part);
    }
    parts = r == 0 ? parts_of(request, content) : NULL;
    if (parts && json_array_size(parts) == 0) {
        json_decref(parts);
        return 0;
    }
    return r < 0 ? r : add_message(input, "user", parts);
}

/* ---- of the assistant ---- */

/* A client brings it back, and may have put there what it likes: a file of the operator's account,
 * or what nobody has reckoned the price of.  Without its id, which nothing that is not stored can
 * be known by, and beside which the vendor wants the item that followed it. */
static int add_reasoning(json_t *input, const json_t *item)
{
    json_t *sealed = json_object_get(item, "encrypted_content");
    json_t *summary = json_object_get(item, "summary");

    if (!openai_is_type(item, "reasoning") || !json_is_string(sealed))
        return 0;
    return openai_append(
        input, json_pack("{s:s, s:o, s:O*, s:O}", "type", "reasoning", "summary",
                         json_is_array(summary) ? json_incref(summary) : json_array(), "content",
                         json_object_get(item, "content"), "encrypted_content", sealed));
}

static json_t *text_in(const json_t *object, const char *member)
{
    json_t *value = json_object_get(object, member);

    return json_is_string(value) ? value : NULL;
}

static json_t *texts_in(const json_t *object, const char *member)
{
    json_t *list = json_object_get(object, member);
    size_t i = 0;

    while (i < json_array_size(list) && json_is_string(json_array_get(list, i)))
        i++;
    return i > 0 && i == json_array_size(list) ? list : NULL;
}

static bool searches(const struct openai_request *request)
{
    const json_t *tool;
    size_t i;

    json_array_foreach(request->call->built_in_tools, i, tool)
    {
        if (json_object_get(tool, "web_search"))
            return true;
    }
    return false;
}

/* What was looked for and opened, likewise without an id and what else a client may have put there;
 * what was found stays with the vendor. */
static int add_search(json_t *input, const json_t *item)
{
    const json_t *action = json_object_get(item, "action");

    if (!openai_is_type(action, "search") && !openai_is_type(action, "open_page") &&
        !openai_is_type(action, "find_in_page"))
        return 0;
    return openai_append(
        input, json_pack("{s:s, s:s, s:{s:O, s:O*, s:O*, s:O*, s:O*}}", "type", "web_search_call",
                         "status",
                         strcmp(text_or_empty(item, "status"), "failed") ? "completed" : "failed",
                         "action", "type", json_object_get(action, "type"), "query",
                         text_in(action, "query"), "queries", texts_in(action, "queries"), "url",
                         text_in(action, "url"), "pattern", text_in(action, "pattern")));
}

static int add_replay(const struct openai_request *request, json_t *input, const json_t *item)
{
    if (openai_is_type(item, "web_search_call"))
        return searches(request) ? add_search(input, item) : 0;
    return openai_reasons(request) ? add_reasoning(input, item) : 0;
}

static int add_part(const struct openai_request *request, json_t *input, const json_t *part)
{
    if (openai_is_type(part, "text"))
        return add_message(input, "assistant", json_incref(json_object_get(part, "text")));
    if (openai_is_type(part, "tool_call"))
        return openai_append(input, json_pack("{s:s, s:o, s:O, s:o}", "type", "function_call",
                                              "call_id", openai_call_id(request, part), "name",
                                              json_object_get(part, "name"), "arguments",
                                              openai_arguments(request, part)));
    if (openai_is_type(part, "thought"))
        return add_replay(request, input, json_object_get(openai_replay(request, part), "item"));
    return 0;
}

/* In their order: an item of reasoning stands before what it led to. */
static int add_assistant(const struct openai_request *request, json_t *input, const json_t *content)
{
    const json_t *part;
    size_t i;
    int r = 0;

    if (json_is_string(content))
        return add_message(input, "assistant", json_incref((json_t *)content));
    json_array_foreach((json_t *)content, i, part)
    {
        if (r == 0)
            r = add_part(request, input, part);
    }
    return r;
}

/* ---- all of them ---- */

static int add(const struct openai_request *request, json_t *input, const json_t *message,
               struct ein_error *err)
{
    const json_t *content = content_of(message);

    if (has_role(message, "user"))
        return add_user(request, input, content);
    if (has_role(message, "assistant"))
        return add_assistant(request, input, content);
    if (has_role(message, "system"))
        return add_message(input, request->openai->system_role, openai_text(content));
    return error_set(err, EIN_E_INVALID, "a message has a role that nobody knows");
}

/* A first system message is the instructions, unless there were no input then; a question that is
 * all there is, is the input. */
int openai_responses_add_input(const struct openai_request *request, json_t *body,
                               struct ein_error *err)
{
    const json_t *messages = request->call->messages;
    const json_t *first = json_array_get(messages, 0);
    size_t count = json_array_size(messages), from = count > 1 && has_role(first, "system") ? 1 : 0;
    const json_t *last = json_array_get(messages, from);
    json_t *input;
    int r = from ? openai_put(body, "instructions", openai_text(content_of(first))) : 0;

    if (r < 0)
        return r;
    if (count == from + 1 && has_role(last, "user") && json_is_string(content_of(last)))
        return openai_put(body, "input", json_incref((json_t *)content_of(last)));
    input = json_array();
    r = openai_put(body, "input", input);
    for (size_t i = from; i < count && r == 0; i++)
        r = add(request, input, json_array_get(messages, i), err);
    return r;
}
