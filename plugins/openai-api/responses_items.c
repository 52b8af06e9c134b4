/* SPDX-License-Identifier: Apache-2.0 */
#include "responses.h"

#include "buf.h"
#include "cleanup.h"
#include "member.h"

#include <string.h>

/* ---- parts ---- */

static json_t *as_chat_part(json_t *part)
{
    const char *type = json_string_value(json_object_get(part, "type"));
    json_t *url = json_object_get(part, "file_url");

    if (!type)
        return NULL;
    if (strcmp(type, "input_text") == 0 || strcmp(type, "output_text") == 0 ||
        strcmp(type, "text") == 0)
        return json_pack("{s:s, s:O*}", "type", "text", "text", json_object_get(part, "text"));
    if (strcmp(type, "refusal") == 0)
        return json_pack("{s:s, s:O*}", "type", "text", "text", json_object_get(part, "refusal"));
    if (strcmp(type, "input_image") == 0)
        return json_pack("{s:s, s:{s:O*, s:O*}}", "type", "image_url", "image_url", "url",
                         json_object_get(part, "image_url"), "detail",
                         json_object_get(part, "detail"));
    if (strcmp(type, "input_audio") == 0)
        return json_incref(part);
    if (strcmp(type, "input_file") == 0)
        return json_pack("{s:s, s:{s:O*, s:O*}}", "type", "file", "file", "filename",
                         json_object_get(part, "filename"), "file_data",
                         json_is_string(url) ? url : json_object_get(part, "file_data"));
    return NULL;
}

/* ---- items ---- */

static int message(struct asking *asking, json_t *item)
{
    const char *role = json_string_value(json_object_get(item, "role"));
    json_t *content = NULL, *parts;
    int r;

    if (role && strcmp(role, "developer") == 0)
        role = "system";
    if (!role || (strcmp(role, "user") != 0 && strcmp(role, "assistant") != 0 &&
                  strcmp(role, "system") != 0))
        return ask_refuse_message(asking, ".role",
                                  "The role '%.40s' is none of user, assistant, system and "
                                  "developer.",
                                  role ? role : "");
    r = chat_content(asking, json_object_get(item, "content"), ".content", as_chat_part, &content);
    if (r < 0 || strcmp(role, "assistant") != 0 || !json_is_array(content))
        return r < 0 ? r : ask_message(asking, role, content);
    parts = ask_parts(asking, role, NULL); /* its thoughts and calls stand beside it */
    r = parts && json_array_extend(parts, content) == 0 ? 0 : EIN_E_NO_MEMORY;
    json_decref(content);
    return r;
}

static int read_arguments(struct asking *asking, const json_t *item, json_t **ret_given)
{
    if (strcmp(text_of(item, "type"), "custom_tool_call") == 0)
        return chat_custom_input(asking, item, ".input", ret_given);
    return ask_arguments(asking, json_object_get(item, "arguments"), ".arguments", ret_given);
}

static int tool_call(struct asking *asking, json_t *item)
{
    json_t *id = json_object_get(item, "call_id");
    EIN_JSON json_t *name = responses_tool_name(item);
    json_t *given = NULL, *parts;
    int r;

    if (!json_is_string(id) || !name)
        return ask_refuse_message(asking, "", "A %s needs 'call_id' and 'name'.",
                                  text_of(item, "type"));
    r = read_arguments(asking, item, &given);
    if (r < 0)
        return r;
    parts = ask_parts(asking, "assistant", NULL);
    r = ask_append(parts,
                   json_pack("{s:s, s:O, s:O, s:o, s:O*}", "type", "tool_call", "id", id, "name",
                             name, "arguments", given, "replay", ask_replay_of(asking, id)));
    return r < 0 ? r : ask_remember(asking, id, name);
}

static int add_result(struct asking *asking, json_t *id, json_t *take_content)
{
    json_t *content = take_content, *parts = ask_parts(asking, "user", "tool_result");

    return ask_append(parts,
                      json_pack("{s:s, s:O, s:O*, s:o}", "type", "tool_result", "id", id, "name",
                                json_object_get(asking->names, json_string_value(id)), "content",
                                content));
}

static int tool_output(struct asking *asking, json_t *item)
{
    json_t *id = json_object_get(item, "call_id"), *content = NULL;
    int r;

    if (!json_is_string(id))
        return ask_refuse_message(asking, ".call_id", "'call_id' is missing.");
    r = chat_content(asking, json_object_get(item, "output"), ".output", as_chat_part, &content);
    return r < 0 ? r : add_result(asking, id, content);
}

/* ---- a search for tools, which the client makes ---- */

static int search_tools(struct asking *asking, json_t *item)
{
    if (!json_is_string(json_object_get(item, "call_id"))) /* OpenAI has made it */
        return ask_note(asking->ask, "Items of the type 'tool_search_call' were left out.");
    return tool_call(asking, item);
}

/* What was found can be called from now on; who searched is told its names. */
static int found_tools(struct asking *asking, json_t *item)
{
    json_t *id = json_object_get(item, "call_id");
    EIN_JSON json_t *found = json_array();
    EIN_FREE char *text = NULL;
    int r;

    asking->found = found;
    r = responses_more_tools(asking, item);
    asking->found = NULL;
    if (r < 0 || !json_object_get(asking->names, text_or_empty(item, "call_id")))
        return r;
    text = json_dumps(found, JSON_COMPACT);
    return text ? add_result(asking, id, json_string(text)) : EIN_E_NO_MEMORY;
}

/* Its summary, and what we have sent as its encrypted content. */
static int reasoning(struct asking *asking, json_t *item)
{
    const json_t *summary = json_object_get(item, "summary"), *part;
    EIN_JSON json_t *replay = ask_replay(asking, json_object_get(item, "encrypted_content"));
    EIN_BUF struct buf text = BUF_INIT;
    size_t i;

    json_array_foreach(summary, i, part)
    {
        (void)buf_text(&text, text_or_empty(part, "text"));
    }
    if (text.error)
        return EIN_E_NO_MEMORY;
    if (!replay && text.len == 0)
        return 0;
    return ask_append(
        ask_parts(asking, "assistant", NULL),
        json_pack("{s:s, s:s, s:O*}", "type", "thought", "text", buf_str(&text), "replay", replay));
}

/* To be sent back to OpenAI, which alone knows what it is. */
static int search_call(struct asking *asking, json_t *item)
{
    json_t *action = json_object_get(item, "action"), *status = json_object_get(item, "status");

    if (!json_is_object(action))
        return ask_note(asking->ask, "Items of the type 'web_search_call' were left out.");
    return ask_append(ask_parts(asking, "assistant", NULL),
                      json_pack("{s:s, s:{s:s, s:{s:s, s:O*, s:O}}}", "type", "thought", "replay",
                                "wire", "OpenAI", "item", "type", "web_search_call", "status",
                                status, "action", action));
}

int responses_item(struct asking *asking, json_t *item)
{
    static const struct {
        const char *type;
        int (*read)(struct asking *asking, json_t *item);
    } kinds[] = {
        { "message", message },
        { "function_call", tool_call },
        { "custom_tool_call", tool_call },
        { "function_call_output", tool_output },
        { "custom_tool_call_output", tool_output },
        { "reasoning", reasoning },
        { "web_search_call", search_call },
        { "additional_tools", responses_more_tools },
        { "tool_search_call", search_tools },
        { "tool_search_output", found_tools },
    };
    static const char *const others[] = {
        "mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "compaction_trigger",
        "program",        "program_output"
    };
    const char *type = json_string_value(json_object_get(item, "type"));

    if (!type && json_object_get(item, "role"))
        type = "message";
    if (type && strcmp(type, "item_reference") == 0)
        return ask_refuse_message(asking, "",
                                  "An item_reference is not taken: responses are not kept here, so "
                                  "items are sent whole, as clients do that are told 'store': "
                                  "false.");
    for (size_t i = 0; type && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].type, type) == 0)
            return kinds[i].read(asking, item);
    for (size_t i = 0; type && i < sizeof(others) / sizeof(others[0]); i++)
        if (strcmp(others[i], type) == 0 || strstr(type, "_call"))
            return ask_note(asking->ask, "Items of the type '%.40s' were left out.", type);
    return ask_refuse_message(asking, "", "An item of the type '%.40s' is not taken here.",
                              type ? type : "");
}
