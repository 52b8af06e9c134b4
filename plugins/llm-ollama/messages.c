/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as Ollama wants them: text in one piece, images beside it, each answer of a tool a
 * message of its own. */
#include "buf.h"
#include "error.h"
#include "member.h"
#include "ollama.h"
#include "turns.h"

#include <string.h>

struct writer {
    json_t *messages;
    json_t *names; /* {id of a tool call: name of the tool} */
};

/* A message as it comes together. */
struct draft {
    const char *role;
    struct buf text, thought;
    json_t *images, *calls;
};

static void draft_init(struct draft *draft, const char *role)
{
    *draft = (struct draft){ .role = role, .images = json_array(), .calls = json_array() };
    buf_init(&draft->text, SIZE_MAX / 2);
    buf_init(&draft->thought, SIZE_MAX / 2);
}

static void draft_done(struct draft *draft)
{
    buf_done(&draft->text);
    buf_done(&draft->thought);
    json_decref(draft->images);
    json_decref(draft->calls);
}

/* NULL: no memory. */
static json_t *draft_json(const struct draft *draft)
{
    json_t *message = json_pack("{s:s, s:s%}", "role", draft->role, "content",
                                buf_str(&draft->text), draft->text.len);
    int r = message ? 0 : -1;

    if (draft->thought.len)
        r |= json_object_set_new(message, "thinking",
                                 json_stringn(buf_str(&draft->thought), draft->thought.len));
    if (json_array_size(draft->images))
        r |= json_object_set(message, "images", draft->images);
    if (json_array_size(draft->calls))
        r |= json_object_set(message, "tool_calls", draft->calls);
    if (r == 0)
        return message;
    json_decref(message);
    return NULL;
}

static int send_draft(struct writer *writer, const struct draft *draft, struct ein_error *err)
{
    return json_array_append_new(writer->messages, draft_json(draft)) < 0 ? error_no_memory(err)
                                                                          : 0;
}

/* ---- parts ---- */

static int add_bytes(struct buf *to, const json_t *text, struct ein_error *err)
{
    return buf_add(to, json_string_value(text), json_string_length(text)) < 0 ? error_no_memory(err)
                                                                              : 0;
}

/* What the assistant said comes in pieces; what others say, in paragraphs. */
static int add_text(struct draft *draft, const json_t *part, struct ein_error *err)
{
    bool apart = strcmp(draft->role, "assistant") != 0 && draft->text.len > 0;

    if (apart && buf_add(&draft->text, "\n", 1) < 0)
        return error_no_memory(err);
    return add_bytes(&draft->text, json_object_get(part, "text"), err);
}

/* Templates of models that think use what they thought when they called a tool. */
static int add_thought(struct draft *draft, const json_t *part, struct ein_error *err)
{
    if (!turns_replay(part, OLLAMA_WIRE))
        return 0;
    return add_bytes(&draft->thought, json_object_get(part, "text"), err);
}

static int add_image(struct draft *draft, const json_t *part, struct ein_error *err)
{
    json_t *data = json_object_get(part, "data");
    const char *type = text_of(part, "media_type"), *kind = text_of(part, "type");

    if ((type && strncmp(type, "image/", 6) != 0) || (!type && strcmp(kind, "file") == 0))
        return error_set(err, EIN_E_INVALID, "Ollama takes images, but no file of the type %.60s",
                         type ? type : "null");
    if (!json_is_string(data))
        return error_set(err, EIN_E_INVALID,
                         "Ollama takes an image as data, and does not fetch it from a URL");
    return json_array_append(draft->images, data) < 0 ? error_no_memory(err) : 0;
}

static int add_call(struct writer *writer, struct draft *draft, const json_t *part,
                    struct ein_error *err)
{
    json_t *id = json_object_get(part, "id"), *name = json_object_get(part, "name");
    json_t *arguments = json_object_get(part, "arguments");
    EIN_JSON json_t *none = json_object();

    if (!json_is_string(name))
        return error_set(err, EIN_E_INVALID, "a call of a tool has no name");
    if (json_is_string(id) && json_object_set(writer->names, json_string_value(id), name) < 0)
        return error_no_memory(err);
    return json_array_append_new(
               draft->calls, json_pack("{s:O*, s:{s:O, s:O}}", "id", json_is_string(id) ? id : NULL,
                                       "function", "name", name, "arguments",
                                       json_is_object(arguments) ? arguments : none)) < 0
               ? error_no_memory(err)
               : 0;
}

static int add_to(struct writer *writer, struct draft *draft, const json_t *part,
                  struct ein_error *err)
{
    const char *type = text_of(part, "type");

    if (type && strcmp(type, "text") == 0)
        return add_text(draft, part, err);
    if (type && strcmp(type, "thought") == 0)
        return add_thought(draft, part, err);
    if (type && (strcmp(type, "image") == 0 || strcmp(type, "file") == 0))
        return add_image(draft, part, err);
    if (type && strcmp(type, "tool_call") == 0)
        return add_call(writer, draft, part, err);
    return error_set(err, EIN_E_INVALID, "Ollama takes no part of the type %.40s",
                     type ? type : "null");
}

/* Text, or parts: all of them but the answers of tools. */
static int fill(struct writer *writer, struct draft *draft, const json_t *content,
                struct ein_error *err)
{
    const json_t *part;
    size_t at;
    int r = json_is_string(content) ? add_bytes(&draft->text, content, err) : 0;

    json_array_foreach(content, at, part)
    {
        const char *type = text_of(part, "type");

        if (r == 0 && !(type && strcmp(type, "tool_result") == 0))
            r = add_to(writer, draft, part, err);
    }
    return r;
}

/* ---- messages ---- */

static int add_result(struct writer *writer, const json_t *part, struct ein_error *err)
{
    json_t *id = json_object_get(part, "id");
    json_t *name =
        json_is_string(id) ? json_object_get(writer->names, json_string_value(id)) : NULL;
    struct draft draft;
    json_t *message;
    int r;

    if (!name)
        name = json_object_get(part, "name");
    draft_init(&draft, "tool");
    if (json_is_true(json_object_get(part, "is_error")))
        (void)buf_text(&draft.text, "Error: ");
    r = fill(writer, &draft, json_object_get(part, "content"), err);
    message = r < 0 ? NULL : draft_json(&draft);
    draft_done(&draft);
    if (r < 0)
        return r;
    if ((json_is_string(name) && json_object_set(message, "tool_name", name) < 0) ||
        (json_is_string(id) && json_object_set(message, "tool_call_id", id) < 0) ||
        json_array_append(writer->messages, message) < 0)
        r = error_no_memory(err);
    json_decref(message);
    return r;
}

/* They come first: they answer what was said before. */
static int add_results(struct writer *writer, const json_t *content, struct ein_error *err,
                       size_t *ret_count)
{
    const json_t *part;
    size_t at;
    int r = 0;

    *ret_count = 0;
    json_array_foreach(content, at, part)
    {
        const char *type = text_of(part, "type");

        if (r < 0 || !type || strcmp(type, "tool_result") != 0)
            continue;
        r = add_result(writer, part, err);
        ++*ret_count;
    }
    return r;
}

static const char *role_of(const json_t *message)
{
    const char *role = text_of(message, "role");

    if (role && strcmp(role, "system") == 0)
        return "system";
    return role && strcmp(role, "assistant") == 0 ? "assistant" : "user";
}

static int add_message(struct writer *writer, const json_t *message, struct ein_error *err)
{
    const json_t *content = json_object_get(message, "content");
    struct draft draft;
    size_t results;
    int r = add_results(writer, content, err, &results);

    if (r < 0 || (results && results == json_array_size(content)))
        return r;
    draft_init(&draft, role_of(message));
    r = fill(writer, &draft, content, err);
    if (r == 0)
        r = send_draft(writer, &draft, err);
    draft_done(&draft);
    return r;
}

int ollama_messages(const struct ein_llm_call *call, json_t **ret_messages, struct ein_error *err)
{
    EIN_JSON json_t *messages = json_array(), *names = json_object();
    struct writer writer = { messages, names };
    const json_t *message;
    size_t at;
    int r = messages && names ? 0 : error_no_memory(err);

    json_array_foreach(call->messages, at, message)
    {
        if (r == 0)
            r = add_message(&writer, message, err);
    }
    if (r == 0)
        *ret_messages = EIN_TAKE(messages);
    return r;
}
