/* SPDX-License-Identifier: Apache-2.0 */
/* How many tokens a request has, by and large: nobody but the vendor knows, and not before it is
 * asked.  Four bytes of text are a token, a message and a tool four more, an image 1,600, and of a
 * file sixteen characters of its base64 are one. */
#include "openai_api.h"

#include <string.h>

enum { TEXT_BYTES = 4, ITEM = 4, IMAGE = 1600, FILE_BYTES = 16 };

static size_t bytes_of_text(const json_t *json)
{
    const char *name;
    json_t *item;
    size_t i, bytes = 0;

    if (json_is_string(json))
        return json_string_length(json);
    json_array_foreach(json, i, item) bytes += bytes_of_text(item);
    json_object_foreach((json_t *)json, name, item) bytes += strlen(name) + bytes_of_text(item);
    return bytes;
}

static size_t tokens_of_part(const json_t *part)
{
    const char *type = json_string_value(json_object_get(part, "type"));

    if (type && strcmp(type, "image") == 0)
        return IMAGE;
    if (type && strcmp(type, "file") == 0)
        return json_string_length(json_object_get(part, "data")) / FILE_BYTES;
    if (type && strcmp(type, "text") == 0)
        return json_string_length(json_object_get(part, "text")) / TEXT_BYTES;
    return bytes_of_text(part) / TEXT_BYTES;
}

static size_t tokens_of_message(const json_t *message)
{
    const json_t *content = json_object_get(message, "content"), *part;
    size_t i, tokens = ITEM;

    if (json_is_string(content))
        return tokens + json_string_length(content) / TEXT_BYTES;
    json_array_foreach(content, i, part) tokens += tokens_of_part(part);
    return tokens;
}

static size_t tokens_of(const struct ask *ask)
{
    const json_t *item;
    size_t i, tokens = 0;

    json_array_foreach(ask->messages, i, item) tokens += tokens_of_message(item);
    json_array_foreach(ask->tools, i, item) tokens += ITEM + bytes_of_text(item) / TEXT_BYTES;
    json_array_foreach(ask->built_in_tools, i, item) tokens +=
        ITEM + bytes_of_text(item) / TEXT_BYTES;
    return tokens;
}

int anthropic_count(struct ein_req *req, void *self)
{
    const struct openai_api *api = self;
    struct ask ask = { .max_notes = api->limits.notes };
    int r = 0;

    if (read_ask(api, req, anthropic_ask, &ask, &r))
        r = api->host->http->reply(req, 200,
                                   json_pack("{s:I}", "input_tokens", (json_int_t)tokens_of(&ask)));
    ask_done(&ask);
    return r;
}
