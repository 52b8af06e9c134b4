/* SPDX-License-Identifier: Apache-2.0 */
#include "yaml_tree.h"
#include "cleanup.h"
#include "yaml_scalar.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

struct reader {
    const struct yaml_how *how;
    yaml_parser_t parser;
    int depth;
};

static json_t *read_node(struct reader *reader, const char *place, const yaml_event_t *event);

__attribute__((format(printf, 4, 5))) static json_t *fault(struct reader *reader, yaml_mark_t mark,
                                                           const char *place, const char *fmt, ...)
{
    char text[YAML_PLACE_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    reader->how->fault(reader->how->data, mark.line + 1, place, text);
    return NULL;
}

void yaml_place(char out[YAML_PLACE_MAX], const char *place, const char *name)
{
    (void)snprintf(out, YAML_PLACE_MAX, "%s%s%s", place, *place ? "." : "", name);
}

json_t *yaml_nearest(const json_t *places, const char *place)
{
    char around[YAML_PLACE_MAX];

    (void)snprintf(around, sizeof(around), "%s", place);
    for (;;) {
        json_t *found = json_object_get(places, around);
        char *dot = strrchr(around, '.');

        if (found || !dot)
            return found;
        *dot = '\0';
    }
}

/* ---- scalars ---- */

static json_t *scalar_value(const char *text, size_t len, bool plain, char ret_why[YAML_WHY_MAX])
{
    (void)len;
    (void)ret_why;
    return plain ? yaml_scalar(text) : json_string(text);
}

static json_t *read_scalar(struct reader *reader, const char *place, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    char why[YAML_WHY_MAX] = "is not UTF-8";
    json_t *value;

    if (memchr(text, '\0', len))
        return fault(reader, event->start_mark, place, "has a NUL character in it");
    value = (reader->how->scalar ? reader->how->scalar : scalar_value)(
        text, len, event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE, why);
    return value ? value : fault(reader, event->start_mark, place, "%s", why);
}

/* ---- collections ---- */

/* The event is the caller's to delete; false after an error, which was reported. */
static bool next_event(struct reader *reader, yaml_event_t *event)
{
    const yaml_parser_t *parser = &reader->parser;

    if (yaml_parser_parse(&reader->parser, event))
        return true;
    (void)fault(reader, parser->problem_mark, "", "%s%s%s",
                parser->problem ? parser->problem : "not YAML", parser->context ? ", " : "",
                parser->context ? parser->context : "");
    memset(event, 0, sizeof(*event));
    return false;
}

static json_t *read_list(struct reader *reader, const char *place)
{
    EIN_JSON json_t *list = json_array();
    bool more = true;

    while (more) {
        char here[YAML_PLACE_MAX], index[24];
        yaml_event_t event;
        json_t *item;

        if (!next_event(reader, &event))
            return NULL;
        more = event.type != YAML_SEQUENCE_END_EVENT;
        if (more) {
            (void)snprintf(index, sizeof(index), "%zu", json_array_size(list));
            yaml_place(here, place, index);
            item = read_node(reader, here, &event);
            (void)json_array_append_new(list, item ? item : json_null());
        }
        yaml_event_delete(&event);
        if (reader->parser.error)
            return NULL;
    }
    return EIN_TAKE(list);
}

/* At a key: reads the value that belongs to it. */
static bool read_member(struct reader *reader, const char *place, const yaml_event_t *key,
                        json_t *map)
{
    const char *name = (const char *)key->data.scalar.value;
    bool is_name =
        key->type == YAML_SCALAR_EVENT && *name && strlen(name) == key->data.scalar.length;
    char here[YAML_PLACE_MAX];
    yaml_event_t event;
    json_t *value;

    yaml_place(here, place, is_name ? name : "?");
    if (is_name)
        reader->how->member(reader->how->data, key->start_mark.line + 1, here,
                            json_object_get(map, name) != NULL);
    else
        (void)fault(reader, key->start_mark, place, "a key is not a plain text");
    if (key->type != YAML_SCALAR_EVENT)
        json_decref(read_node(reader, here, key)); /* for what it holds to be passed over */
    if (reader->parser.error || !next_event(reader, &event))
        return false;

    value = read_node(reader, here, &event);
    yaml_event_delete(&event);
    if (is_name && value && !json_object_get(map, name))
        (void)json_object_set_new(map, name, value);
    else
        json_decref(value);
    return !reader->parser.error;
}

static json_t *read_map(struct reader *reader, const char *place)
{
    EIN_JSON json_t *map = json_object();
    bool more = true;

    while (more) {
        yaml_event_t event;

        if (!next_event(reader, &event))
            return NULL;
        more = event.type != YAML_MAPPING_END_EVENT;
        if (more && !read_member(reader, place, &event, map)) {
            yaml_event_delete(&event);
            return NULL;
        }
        yaml_event_delete(&event);
    }
    return EIN_TAKE(map);
}

/* NULL is a gap after a lesser fault, or parser.error says that there is no more. */
static json_t *read_node(struct reader *reader, const char *place, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    json_t *result;

    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor || tag)
        (void)fault(reader, event->start_mark, place, "YAML %s are not supported",
                    anchor ? "anchors" : "tags");

    if (event->type == YAML_ALIAS_EVENT)
        return fault(reader, event->start_mark, place, "YAML aliases are not supported");
    if (event->type == YAML_SCALAR_EVENT)
        return read_scalar(reader, place, event);
    if (reader->depth == reader->how->depth_max) {
        reader->parser.error = YAML_COMPOSER_ERROR;
        return fault(reader, event->start_mark, place, "is deeper than %d levels",
                     reader->how->depth_max);
    }

    reader->depth++;
    result = event->type == YAML_SEQUENCE_START_EVENT ? read_list(reader, place)
                                                      : read_map(reader, place);
    reader->depth--;
    return result;
}

/* ---- documents ---- */

static bool skip_event(struct reader *reader, yaml_event_type_t type)
{
    yaml_event_t event;
    bool is_it;

    if (!next_event(reader, &event))
        return false;
    is_it = event.type == type;
    yaml_event_delete(&event);
    return is_it;
}

static json_t *read_document(struct reader *reader, const char *place)
{
    EIN_JSON json_t *result = NULL;
    yaml_event_t event;

    if (!skip_event(reader, YAML_STREAM_START_EVENT) || !next_event(reader, &event))
        return NULL;
    if (event.type == YAML_STREAM_END_EVENT) {
        yaml_event_delete(&event);
        return json_null();
    }
    yaml_event_delete(&event);
    if (!next_event(reader, &event))
        return NULL;
    result = read_node(reader, place, &event);
    yaml_event_delete(&event);
    if (reader->parser.error || !skip_event(reader, YAML_DOCUMENT_END_EVENT))
        return NULL;

    if (!skip_event(reader, YAML_STREAM_END_EVENT)) {
        if (!reader->parser.error)
            (void)fault(reader, reader->parser.mark, "", "there is more than one document");
        return NULL;
    }
    return result ? EIN_TAKE(result) : json_null();
}

json_t *yaml_tree(const struct yaml_how *how, const char *place, const char *text, size_t len)
{
    struct reader reader = { .how = how };
    json_t *result;

    if (!yaml_parser_initialize(&reader.parser))
        return fault(&reader, (yaml_mark_t){ 0 }, "", "no memory");
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, len);
    result = read_document(&reader, place);
    yaml_parser_delete(&reader.parser);
    return result;
}
