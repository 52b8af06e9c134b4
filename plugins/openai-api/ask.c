/* SPDX-License-Identifier: Apache-2.0 */
#include "ask.h"

#include "cleanup.h"
#include "json_depth.h"
#include "member.h"
#include "notes.h"
#include "replay.h"
#include "str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void ask_done(struct ask *ask)
{
    free(ask->model);
    json_decref(ask->messages);
    json_decref(ask->tools);
    json_decref(ask->inputs);
    json_decref(ask->built_in_tools);
    json_decref(ask->reply_schema);
    json_decref(ask->parameters);
    json_decref(ask->tool_choice);
    json_decref(ask->aliases);
    json_decref(ask->text);
    json_decref(ask->notes);
    *ask = (struct ask){ 0 };
}

/* ---- what is wrong ---- */

int ask_refuse(const struct asking *asking, const char *param, const char *fmt, ...)
{
    struct flaw *flaw = asking->flaw;
    va_list args;

    va_start(args, fmt);
    str_vformat(flaw->text, sizeof(flaw->text), fmt, args);
    va_end(args);
    (void)snprintf(flaw->param, sizeof(flaw->param), "%s", param);
    return EIN_E_INVALID;
}

int ask_refuse_message(const struct asking *asking, const char *place, const char *fmt, ...)
{
    struct flaw *flaw = asking->flaw;
    va_list args;

    va_start(args, fmt);
    str_vformat(flaw->text, sizeof(flaw->text), fmt, args);
    va_end(args);
    (void)snprintf(flaw->param, sizeof(flaw->param), "%s[%zu]%s", asking->list, asking->message,
                   place);
    return EIN_E_INVALID;
}

int ask_note(struct ask *ask, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int r = notes_vadd(&ask->notes, ask->max_notes, fmt, args);
    va_end(args);
    return r;
}

/* ---- the frame ---- */

int ask_array(const struct asking *asking, const json_t *array, const char *param, uint32_t max)
{
    if (array && !json_is_null(array) && !json_is_array(array))
        return ask_refuse(asking, param, "'%s' is not an array.", param);
    if (json_array_size(array) > max)
        return ask_refuse(asking, param, "'%s' has %zu items; %u are allowed.", param,
                          json_array_size(array), max);
    return 0;
}

int ask_tools(struct asking *asking, const json_t *tools,
              int (*read)(struct asking *asking, json_t *tool))
{
    json_t *tool;
    size_t i;
    int r = ask_array(asking, tools, "tools", asking->limits->tools);

    json_array_foreach(tools, i, tool)
    {
        if (r < 0)
            return r;
        r = read(asking, tool);
    }
    return r;
}

int ask_begin(struct asking *asking, const json_t *body)
{
    const json_t *stream = json_object_get(body, "stream");
    const char *model = json_string_value(json_object_get(body, "model"));
    struct ask *ask = asking->ask;

    if (!model || !*model)
        return ask_refuse(asking, "model", "'model' is missing: \"provider/model\".");
    if (stream && !json_is_boolean(stream) && !json_is_null(stream))
        return ask_refuse(asking, "stream", "'stream' is neither true nor false.");
    asking->values_left = asking->limits->values;
    ask->stream = json_is_true(stream);
    ask->model = strdup(model);
    ask->messages = json_array();
    return ask->model && ask->messages ? 0 : EIN_E_NO_MEMORY;
}

int ask_begin_list(struct asking *asking, const json_t *body)
{
    const json_t *list = json_object_get(body, asking->list);
    int r = ask_begin(asking, body);

    if (r < 0)
        return r;
    if (json_array_size(list) == 0)
        return ask_refuse(asking, asking->list, "'%s' is not an array of messages.", asking->list);
    return ask_array(asking, list, asking->list, asking->limits->messages);
}

void ask_end(struct asking *asking)
{
    json_decref(asking->names);
    json_decref(asking->replays);
    json_decref(asking->known);
    asking->names = asking->replays = asking->known = NULL;
}

int ask_append(json_t *array, json_t *take_item)
{
    return json_array_append_new(array, take_item) < 0 ? EIN_E_NO_MEMORY : 0;
}

int ask_add(json_t **array, json_t *take_item)
{
    if (!*array)
        *array = json_array();
    return ask_append(*array, take_item);
}

int ask_message(struct asking *asking, const char *role, json_t *take_content)
{
    if (!take_content)
        return EIN_E_NO_MEMORY;
    return ask_append(asking->ask->messages,
                      json_pack("{s:s, s:o}", "role", role, "content", take_content));
}

json_t *ask_parts(struct asking *asking, const char *role, const char *type)
{
    json_t *messages = asking->ask->messages, *parts;
    const json_t *last = json_array_get(messages, json_array_size(messages) - 1);
    const char *its_role = json_string_value(json_object_get(last, "role")), *first;

    parts = json_object_get(last, "content");
    first = json_string_value(json_object_get(json_array_get(parts, 0), "type"));
    if (its_role && strcmp(its_role, role) == 0 && json_is_array(parts) &&
        (!type || (first && strcmp(first, type) == 0)))
        return parts;
    parts = json_array();
    return ask_message(asking, role, parts) < 0 ? NULL : parts;
}

static int set(json_t **object, const char *name, json_t *take_value)
{
    if (!*object)
        *object = json_object();
    return json_object_set_new(*object, name, take_value) < 0 ? EIN_E_NO_MEMORY : 0;
}

int ask_parameter(struct ask *ask, const char *name, json_t *value)
{
    return set(&ask->parameters, name, json_incref(value));
}

int ask_parameter_new(struct ask *ask, const char *name, json_t *take_value)
{
    return set(&ask->parameters, name, take_value);
}

static const struct ask_field *find_field(const struct ask_field *fields, const char *name)
{
    for (size_t i = 0; i < ASK_FIELDS_MAX && fields[i].name; i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

int ask_fields(struct asking *asking, const json_t *body,
               const struct ask_field fields[ASK_FIELDS_MAX])
{
    json_t *given[ASK_FIELDS_MAX] = { NULL }, *value;
    const char *name;
    int r = 0;

    json_object_foreach((json_t *)body, name, value)
    {
        const struct ask_field *field = find_field(fields, name);
        bool deep = json_is_object(value) || json_is_array(value);
        enum ask_use use = field ? field->use : deep ? USE_NOTE : USE_PARAMETER;

        if (r < 0 || json_is_null(value))
            continue;
        if (use == USE_PARAMETER)
            r = ask_parameter(asking->ask, field ? field->as : name, value);
        else if (use == USE_NOTE && !json_is_false(value))
            r = ask_note(asking->ask, "'%.64s' was left out.", name);
        else if (use == USE_ELSEWHERE)
            given[field - fields] = value;
    }
    for (size_t i = 0; r >= 0 && i < ASK_FIELDS_MAX; i++)
        if (given[i] && fields[i].read)
            r = fields[i].read(asking, given[i]);
    return r;
}

/* ---- small things ---- */

int ask_data_url(const char *url, size_t len, json_t *part)
{
    static const char scheme[] = "data:", coding[] = ";base64";
    const char *comma = memchr(url, ',', len), *type = url + sizeof(scheme) - 1, *end;

    if (!comma || strncmp(url, scheme, sizeof(scheme) - 1) != 0)
        return 0;
    end = comma - (sizeof(coding) - 1);
    if (end <= type || memcmp(end, coding, sizeof(coding) - 1) != 0)
        return 0;
    if (memchr(type, ';', (size_t)(end - type))) /* ";charset=" is of no interest */
        end = memchr(type, ';', (size_t)(end - type));
    comma++;
    if (json_object_set_new(part, "media_type", json_stringn_nocheck(type, (size_t)(end - type))) <
            0 ||
        json_object_set_new(part, "data",
                            json_stringn_nocheck(comma, len - (size_t)(comma - url))) < 0)
        return EIN_E_NO_MEMORY;
    return 1;
}

json_t *ask_cache(const json_t *block)
{
    const json_t *control = json_object_get(block, "cache_control");
    const char *ttl = json_string_value(json_object_get(control, "ttl"));

    if (!json_is_object(control))
        return NULL;
    return json_pack("{s:s}", "ttl", ttl && strcmp(ttl, "1h") == 0 ? ttl : "5m");
}

/* Counts the marks of what is in LIST, and takes the first *drop of them away. */
static size_t unmark(json_t *list, size_t *drop)
{
    size_t count = 0, i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        count += unmark(json_object_get(item, "content"), drop);
        count += json_object_get(item, "cache") != NULL;
        if (*drop > 0 && json_object_del(item, "cache") == 0)
            (*drop)--;
    }
    return count;
}

int ask_trim_marks(struct ask *ask)
{
    size_t drop = 0;
    size_t count = unmark(ask->tools, &drop) + unmark(ask->messages, &drop);

    if (count <= ASK_MARKS_MAX)
        return 0;
    drop = count - ASK_MARKS_MAX;
    (void)unmark(ask->tools, &drop);
    (void)unmark(ask->messages, &drop);
    return ask_note(ask, "Of %zu 'cache_control' the last %d were kept.", count, ASK_MARKS_MAX);
}

static bool is_part(const json_t *part, const char *type)
{
    return strcmp(text_or_empty(part, "type"), type) == 0;
}

/* The answers of CALLS go to `ordered` from `results`, where null takes their place. */
static int take_results(const json_t *calls, json_t *results, json_t *ordered)
{
    const json_t *part;
    size_t i;

    json_array_foreach(calls, i, part)
    {
        const char *id = text_or_empty(part, "id");
        json_t *result = json_object_get(results, id);

        if (!is_part(part, "tool_call") || !result || json_is_null(result))
            continue;
        if (json_array_append(ordered, result) < 0 || json_object_set(results, id, json_null()) < 0)
            return EIN_E_NO_MEMORY;
    }
    return 0;
}

static int order_results(const json_t *calls, json_t *message)
{
    const json_t *content = json_object_get(message, "content");
    EIN_JSON json_t *results = json_object(), *ordered = json_array();
    json_t *part;
    size_t i;

    json_array_foreach(content, i, part)
    {
        const char *id = text_or_empty(part, "id");

        if (is_part(part, "tool_result") && !json_object_get(results, id) &&
            json_object_set(results, id, part) < 0)
            return EIN_E_NO_MEMORY;
    }
    if (json_object_size(results) < 2)
        return 0;
    if (take_results(calls, results, ordered) < 0)
        return EIN_E_NO_MEMORY;
    json_array_foreach(content, i, part)
    {
        const char *id = text_or_empty(part, "id");

        if (is_part(part, "tool_result") && json_is_null(json_object_get(results, id)))
            (void)json_object_del(results, id);
        else if (json_array_append(ordered, part) < 0)
            return EIN_E_NO_MEMORY;
    }
    return json_object_set(message, "content", ordered) < 0 ? EIN_E_NO_MEMORY : 0;
}

int ask_order_results(struct ask *ask)
{
    int r = 0;

    for (size_t i = 1; r >= 0 && i < json_array_size(ask->messages); i++) {
        const json_t *calls = json_object_get(json_array_get(ask->messages, i - 1), "content");
        json_t *message = json_array_get(ask->messages, i);

        if (json_is_array(calls) && json_is_array(json_object_get(message, "content")))
            r = order_results(calls, message);
    }
    return r;
}

bool ask_is_pair(const json_t *json, const char *one, const char *other)
{
    return json_object_size(json) == 2 && json_object_get(json, one) &&
           json_object_get(json, other);
}

int ask_remember(struct asking *asking, const json_t *id, json_t *name)
{
    return set(&asking->names, json_string_value(id), json_incref(name));
}

json_t *ask_replay(struct asking *asking, const json_t *text)
{
    EIN_JSON json_t *replay = NULL;
    EIN_JSON json_t *id = NULL;

    if (json_is_string(text))
        replay = replay_read(json_string_value(text), &asking->values_left);
    id = json_incref(json_object_get(replay, REPLAY_CALL));
    if (!json_is_string(id))
        return EIN_TAKE(replay);
    (void)json_object_del(replay, REPLAY_CALL);
    (void)set(&asking->replays, json_string_value(id), EIN_TAKE(replay));
    return NULL;
}

json_t *ask_replay_of(const struct asking *asking, const json_t *id)
{
    return json_object_get(asking->replays, json_string_value(id));
}

int ask_arguments(struct asking *asking, json_t *given, const char *place, json_t **ret_arguments)
{
    const char *text = json_string_value(given);

    if (json_is_object(given))
        *ret_arguments = json_incref(given);
    else if (!given || (text && text[strspn(text, " \t\r\n")] == '\0'))
        *ret_arguments = json_object();
    else if (!text)
        return ask_refuse_message(asking, place, "The arguments of a call are not a text.");
    else if (!json_take_values(text, json_string_length(given), &asking->values_left))
        return ask_refuse_message(asking, place,
                                  "The arguments of calls have more than %u values (json_values).",
                                  asking->limits->values);
    else
        *ret_arguments = json_object_read(text, json_string_length(given), asking->limits->depth);
    if (!*ret_arguments)
        return ask_refuse_message(asking, place,
                                  "The arguments of a call are not the text of a JSON object.");
    return 0;
}
