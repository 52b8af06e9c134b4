/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of messages, in both formats. */
#include "buf.h"
#include "member.h"
#include "openai.h"
#include "turns.h"

#include <string.h>
#include <strings.h>

enum { CHAT_ID_MAX = 40, ID_MAX = 64 }; /* bytes of the id of a call */

bool openai_is_type(const json_t *object, const char *type)
{
    const char *text = text_of(object, "type");

    return text && strcmp(text, type) == 0;
}

int openai_put(json_t *object, const char *name, json_t *take_value)
{
    return json_object_set_new(object, name, take_value) ? EIN_E_NO_MEMORY : 0;
}

int openai_append(json_t *array, json_t *take_value)
{
    return json_array_append_new(array, take_value) ? EIN_E_NO_MEMORY : 0;
}

/* Where the part is: its URL, or one that holds it. */
static json_t *url_of(const json_t *part)
{
    const char *type = text_of(part, "media_type"), *data = text_of(part, "data");

    if (!data)
        return json_incref(json_object_get(part, "url"));
    return json_sprintf("data:%s;base64,%s", type ? type : "application/octet-stream", data);
}

/* "mp3" of "audio/mpeg"; NULL: not audio. */
static const char *audio_format(const json_t *part)
{
    const char *type = text_of(part, "media_type");

    if (!type || !text_of(part, "data") || strncasecmp(type, "audio/", 6) != 0)
        return NULL;
    return strcasecmp(type + 6, "mpeg") == 0 || strcasecmp(type + 6, "mp3") == 0 ? "mp3" : "wav";
}

/* ---- chat completions ---- */

static json_t *chat_file(const json_t *part)
{
    const char *format = audio_format(part);
    const json_t *name = json_object_get(part, "name");

    if (format)
        return json_pack("{s:s, s:{s:O, s:s}}", "type", "input_audio", "input_audio", "data",
                         json_object_get(part, "data"), "format", format);
    return json_pack("{s:s, s:{s:O*, s:o}}", "type", "file", "file", "filename", name, "file_data",
                     url_of(part));
}

static json_t *chat_part(const json_t *part)
{
    if (openai_is_type(part, "image"))
        return json_pack("{s:s, s:{s:o, s:O*}}", "type", "image_url", "image_url", "url",
                         url_of(part), "detail", json_object_get(part, "detail"));
    if (openai_is_type(part, "file"))
        return chat_file(part);
    return json_pack("{s:s, s:O}", "type", "text", "text", json_object_get(part, "text"));
}

/* ---- responses ---- */

static json_t *responses_part(const json_t *part)
{
    const char *place = text_of(part, "data") ? "file_data" : "file_url";
    const json_t *detail = json_object_get(part, "detail");

    if (openai_is_type(part, "image"))
        return detail ? json_pack("{s:s, s:o, s:O}", "type", "input_image", "image_url",
                                  url_of(part), "detail", detail)
                      : json_pack("{s:s, s:o, s:s}", "type", "input_image", "image_url",
                                  url_of(part), "detail", "auto");
    if (openai_is_type(part, "file"))
        return json_pack("{s:s, s:O*, s:o}", "type", "input_file", "filename",
                         json_object_get(part, "name"), place, url_of(part));
    return json_pack("{s:s, s:O}", "type", "input_text", "text", json_object_get(part, "text"));
}

json_t *openai_part(const struct openai_request *request, const json_t *part)
{
    const json_t *cache = json_object_get(part, "cache");
    json_t *made = request->style == OPENAI_CHAT ? chat_part(part) : responses_part(part);

    if (made && cache && request->openai->cache_control &&
        openai_put(made, "cache_control",
                   json_pack("{s:s, s:O*}", "type", "ephemeral", "ttl",
                             json_object_get(cache, "ttl"))) < 0) {
        json_decref(made);
        return NULL;
    }
    return made;
}

/* ---- text ---- */

/* The only text of a content; NULL: there is none, or more than one. */
static json_t *only_text(const json_t *content)
{
    json_t *found = NULL, *part;
    size_t i;

    if (json_is_string(content))
        return (json_t *)content;
    json_array_foreach((json_t *)content, i, part)
    {
        if (!openai_is_type(part, "text"))
            continue;
        if (found)
            return NULL;
        found = json_object_get(part, "text");
    }
    return found;
}

json_t *openai_text(const json_t *content)
{
    EIN_BUF struct buf text = BUF_INIT;
    json_t *only = only_text(content), *part;
    size_t i;

    if (only)
        return json_incref(only);
    json_array_foreach((json_t *)content, i, part)
    {
        if (openai_is_type(part, "text") && text_of(part, "text"))
            (void)buf_text(&text, text_of(part, "text"));
    }
    return text.error ? NULL : json_string(buf_str(&text));
}

json_t *openai_call_id(const struct openai_request *request, const json_t *part)
{
    const char *id = text_or_empty(part, "id");
    char made[TURNS_ID_SIZE];

    return json_string(
        turns_short_id(id, request->style == OPENAI_CHAT ? CHAT_ID_MAX : ID_MAX, "call", made));
}

json_t *openai_arguments(const struct openai_request *request, const json_t *part)
{
    const json_t *arguments = json_object_get(part, "arguments");
    const struct ein_host *host = request->openai->vendor.host;
    size_t len = 0;
    char *text = arguments ? host->json_text(arguments, &len) : NULL;
    json_t *made = json_stringn(text ? text : "{}", text ? len : 2);

    host->mem_free(text);
    return made;
}

const json_t *openai_replay(const struct openai_request *request, const json_t *part)
{
    return turns_replay(part, request->openai->vendor.title);
}
