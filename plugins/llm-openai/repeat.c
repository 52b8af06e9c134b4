/* SPDX-License-Identifier: Apache-2.0 */
#include "repeat.h"

#include <string.h>

void repeat_init(struct repeat *repeat)
{
    *repeat = (struct repeat){ .head = 0 };
    buf_init_in(&repeat->chunk, repeat->first, sizeof(repeat->first), REPEAT_MAX);
}

void repeat_done(struct repeat *repeat)
{
    buf_done(&repeat->chunk);
}

/* ---- learning ---- */

/* Members that tell something, were they there. */
static bool has_any(const json_t *object, const char *const *names)
{
    for (; *names; names++) {
        const json_t *value = json_object_get(object, *names);

        if (value && !json_is_null(value))
            return true;
    }
    return false;
}

/* The text, if there is nothing beside it: else NULL. */
static const json_t *only_text(const json_t *json)
{
    static const char *const of_answer[] = { "error", "usage", "search_results", "citations",
                                             NULL },
                             *const of_choice[] = { "error", "finish_reason", NULL };
    const json_t *choices = json_object_get(json, "choices");
    const json_t *choice = json_array_get(choices, 0), *delta = json_object_get(choice, "delta");
    const char *name;
    json_t *value;

    if (json_array_size(choices) != 1 || has_any(json, of_answer) || has_any(choice, of_choice) ||
        json_integer_value(json_object_get(choice, "index")) != 0)
        return NULL;
    json_object_foreach((json_t *)delta, name, value)
    {
        if (!json_is_null(value) && strcmp(name, "content") != 0 && strcmp(name, "role") != 0)
            return NULL;
    }
    return json_object_get(delta, "content");
}

/* Behind the first quote of the text in CHUNK, where its name stands once; else NULL. */
static const char *find_text(const char *chunk, size_t len)
{
    static const char name[] = "\"content\"";
    const size_t name_len = sizeof(name) - 1;
    const char *at = memmem(chunk, len, name, name_len), *end = chunk + len;

    if (!at)
        return NULL;
    at += name_len;
    if (memmem(at, (size_t)(end - at), name, name_len))
        return NULL;
    while (at < end && (*at == ' ' || *at == ':'))
        at++;
    return at < end && *at == '"' ? at + 1 : NULL;
}

void repeat_learn(struct repeat *repeat, const char *chunk, size_t len, const json_t *json)
{
    const json_t *text = len > 0 && len <= REPEAT_MAX ? only_text(json) : NULL;
    const size_t text_len = json_string_length(text);
    const char *at = json_is_string(text) ? find_text(chunk, len) : NULL;

    buf_clear(&repeat->chunk);
    if (!at || (size_t)(chunk + len - at) <= text_len ||
        memcmp(at, json_string_value(text), text_len) != 0 || at[text_len] != '"')
        return; /* it is written with escapes */
    repeat->head = (size_t)(at - chunk);
    repeat->tail = len - repeat->head - text_len;
    (void)buf_add(&repeat->chunk, chunk, len);
}

/* ---- knowing again ---- */

/* Is it a string's inside that stands for itself?  Whether it is UTF-8, jansson sees. */
static bool is_plain(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == '"' || text[i] == '\\')
            return false;
    return true;
}

json_t *repeat_text(const struct repeat *repeat, const char *chunk, size_t len)
{
    const struct buf *last = &repeat->chunk;
    const size_t head = repeat->head, tail = repeat->tail;

    if (!last->len || len < head + tail || memcmp(chunk, last->data, head) != 0 ||
        memcmp(chunk + len - tail, last->data + last->len - tail, tail) != 0 ||
        !is_plain(chunk + head, len - head - tail))
        return NULL;
    return json_stringn(chunk + head, len - head - tail);
}
