/* SPDX-License-Identifier: Apache-2.0 */
#include "chat.h"

#include "cleanup.h"

#include <stdio.h>
#include <string.h>

static int text(const struct asking *asking, json_t *part, const char *place, json_t **ret_part)
{
    json_t *text = json_object_get(part, "text");

    if (!json_is_string(text))
        return ask_refuse_message(asking, place, "A text part has no 'text'.");
    *ret_part =
        ask_is_pair(part, "type", "text")
            ? json_incref(part)
            : json_pack("{s:s, s:O, s:o*}", "type", "text", "text", text, "cache", ask_cache(part));
    return *ret_part ? 0 : EIN_E_NO_MEMORY;
}

/* Some clients write the URL where the object with it belongs. */
static int image(const struct asking *asking, json_t *part, const char *place, json_t **ret_part)
{
    json_t *holder = json_object_get(part, "image_url");
    json_t *url = json_is_object(holder) ? json_object_get(holder, "url") : holder;
    EIN_JSON json_t *made = json_pack("{s:s, s:O*, s:o*}", "type", "image", "detail",
                                      json_object_get(holder, "detail"), "cache", ask_cache(part));
    const char *text = json_string_value(url);
    int r;

    if (!made)
        return EIN_E_NO_MEMORY;
    if (!text)
        return ask_refuse_message(asking, place, "An image part has no 'image_url.url'.");
    if (strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0) {
        r = json_object_set(made, "url", url) < 0 ? EIN_E_NO_MEMORY : 1;
    } else {
        r = ask_data_url(text, json_string_length(url), made);
    }
    if (r < 0)
        return r;
    if (r == 0)
        return ask_refuse_message(
            asking, place, "The URL of an image is neither http(s) nor data:TYPE;base64,DATA.");
    *ret_part = EIN_TAKE(made);
    return 0;
}

static int audio(const struct asking *asking, json_t *part, const char *place, json_t **ret_part)
{
    const json_t *holder = json_object_get(part, "input_audio");
    const char *format = json_string_value(json_object_get(holder, "format"));
    json_t *data = json_object_get(holder, "data");

    if (!format || !json_is_string(data) ||
        (strcmp(format, "wav") != 0 && strcmp(format, "mp3") != 0))
        return ask_refuse_message(asking, place,
                                  "An audio part needs 'data' and the 'format' wav or mp3.");
    *ret_part = json_pack("{s:s, s:s, s:O}", "type", "file", "media_type",
                          *format == 'w' ? "audio/wav" : "audio/mpeg", "data", data);
    return *ret_part ? 0 : EIN_E_NO_MEMORY;
}

static int file(const struct asking *asking, json_t *part, const char *place, json_t **ret_part)
{
    const json_t *holder = json_object_get(part, "file");
    json_t *data = json_object_get(holder, "file_data");
    EIN_JSON json_t *made =
        json_pack("{s:s, s:O*, s:o*}", "type", "file", "name", json_object_get(holder, "filename"),
                  "cache", ask_cache(part));
    const char *text = json_string_value(data);
    int r;

    if (!made)
        return EIN_E_NO_MEMORY;
    if (!text)
        return ask_refuse_message(asking, place,
                                  "A file part has no 'file_data': files are not kept here, so "
                                  "that there is nothing that a 'file_id' could name.");
    if (strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0)
        r = json_object_set(made, "url", data) < 0 ? EIN_E_NO_MEMORY : 1;
    else
        r = ask_data_url(text, json_string_length(data), made);
    if (r == 0 && (json_object_set(made, "data", data) < 0 ||
                   json_object_set_new(made, "media_type", json_string("application/pdf")) < 0))
        r = EIN_E_NO_MEMORY; /* bare base64 */
    if (r < 0)
        return r;
    *ret_part = EIN_TAKE(made);
    return 0;
}

static int read_part(const struct asking *asking, json_t *part, const char *place,
                     json_t **ret_part)
{
    static const struct {
        const char *type;
        int (*read)(const struct asking *asking, json_t *part, const char *place,
                    json_t **ret_part);
    } kinds[] = {
        { "text", text },
        { "image_url", image },
        { "input_audio", audio },
        { "file", file },
    };
    const char *type = json_string_value(json_object_get(part, "type"));

    for (size_t i = 0; type && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].type, type) == 0)
            return kinds[i].read(asking, part, place, ret_part);
    return ask_refuse_message(asking, place,
                              "A part of the type '%.40s' is not taken here: text, image_url, "
                              "input_audio and file are.",
                              type ? type : "");
}

int chat_content(const struct asking *asking, json_t *content, const char *place, chat_as *as,
                 json_t **ret_content)
{
    EIN_JSON json_t *parts = NULL;
    char where[64];
    json_t *part;
    size_t i;
    int r;

    if (json_is_string(content)) {
        *ret_content = json_incref(content);
        return 0;
    }
    if (!json_is_array(content))
        return ask_refuse_message(asking, place, "It is neither a text nor an array of parts.");
    if (json_array_size(content) > asking->limits->parts)
        return ask_refuse_message(asking, place, "It has %zu parts; %u are allowed.",
                                  json_array_size(content), asking->limits->parts);
    parts = json_array();
    json_array_foreach(content, i, part)
    {
        EIN_JSON json_t *same = as ? as(part) : json_incref(part);
        json_t *made = NULL;

        (void)snprintf(where, sizeof(where), "%s[%zu]", place, i);
        r = same ? read_part(asking, same, where, &made)
                 : ask_refuse_message(asking, where, "A part of this type is not taken here.");
        if (r >= 0)
            r = ask_append(parts, made);
        if (r < 0)
            return r;
    }
    *ret_content = EIN_TAKE(parts);
    return 0;
}
