/* SPDX-License-Identifier: Apache-2.0 */
#include "yaml_text.h"

#include "cleanup.h"
#include "error.h"
#include "yaml_scalar.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

/* YAML events become JSON.  The first fault ends it: a file is taken as a whole or not at all. */

struct reader {
    const char *name;
    yaml_parser_t parser;
    json_t *lines;
    int depth;
    struct ein_error *err;
    int r; /* 0, or what went wrong first */
};

static json_t *read_node(struct reader *reader, const char *path, const yaml_event_t *event);

__attribute__((format(printf, 4, 5))) static json_t *fault(struct reader *reader, size_t line,
                                                           const char *path, const char *fmt, ...)
{
    char text[YAML_PATH_MAX];
    va_list args;

    if (reader->r < 0)
        return NULL;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    reader->r = error_set(reader->err, EIN_E_INVALID, "%s:%zu: %s%s%s", reader->name, line + 1,
                          path, *path ? ": " : "", text);
    return NULL;
}

/* ---- scalars ---- */

static json_t *read_scalar(struct reader *reader, const char *path, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

    if (memchr(text, '\0', event->data.scalar.length))
        return fault(reader, event->start_mark.line, path, "has a NUL character in it");
    json_t *value = plain ? yaml_scalar(text) : json_string(text);
    return value ? value : fault(reader, event->start_mark.line, path, "is not UTF-8");
}

/* ---- collections ---- */

/* The event is the caller's to delete, also when this is false. */
static bool next_event(struct reader *reader, yaml_event_t *event)
{
    const yaml_parser_t *parser = &reader->parser;

    if (yaml_parser_parse(&reader->parser, event))
        return true;
    fault(reader, parser->problem_mark.line, "", "%s%s%s",
          parser->problem ? parser->problem : "not YAML", parser->context ? ", " : "",
          parser->context ? parser->context : "");
    memset(event, 0, sizeof(*event));
    return false;
}

static void join(char out[YAML_PATH_MAX], const char *path, const char *name)
{
    (void)snprintf(out, YAML_PATH_MAX, "%s%s%s", path, *path ? "." : "", name);
}

static json_t *read_list(struct reader *reader, const char *path)
{
    EIN_JSON json_t *list = json_array();
    bool more = true;

    while (more) {
        char here[YAML_PATH_MAX], index[24];
        yaml_event_t event;

        if (!next_event(reader, &event))
            return NULL;
        more = event.type != YAML_SEQUENCE_END_EVENT;
        if (more) {
            (void)snprintf(index, sizeof(index), "%zu", json_array_size(list));
            join(here, path, index);
            json_t *item = read_node(reader, here, &event);
            if (item)
                (void)json_array_append_new(list, item);
        }
        yaml_event_delete(&event);
        if (reader->r < 0)
            return NULL;
    }
    return EIN_TAKE(list);
}

/* At a key: reads the value that belongs to it. */
static void read_member(struct reader *reader, const char *path, const yaml_event_t *key,
                        json_t *map)
{
    char here[YAML_PATH_MAX];
    yaml_event_t event;

    if (key->type != YAML_SCALAR_EVENT || !*key->data.scalar.value ||
        strlen((const char *)key->data.scalar.value) != key->data.scalar.length) {
        fault(reader, key->start_mark.line, path, "a key is not a plain text");
        return;
    }
    const char *name = (const char *)key->data.scalar.value;
    join(here, path, name);
    if (json_object_get(map, name)) {
        fault(reader, key->start_mark.line, here, "is there twice, first in line %lld",
              (long long)yaml_line_of(reader->lines, here));
        return;
    }
    (void)json_object_set_new(reader->lines, here,
                              json_integer((json_int_t)key->start_mark.line + 1));
    if (!next_event(reader, &event))
        return;
    json_t *value = read_node(reader, here, &event);
    yaml_event_delete(&event);
    if (value && json_object_set_new(map, name, value) < 0)
        fault(reader, key->start_mark.line, path, "a key is not UTF-8");
}

static json_t *read_map(struct reader *reader, const char *path)
{
    EIN_JSON json_t *map = json_object();
    bool more = true;

    while (more) {
        yaml_event_t event;

        if (!next_event(reader, &event))
            return NULL;
        more = event.type != YAML_MAPPING_END_EVENT;
        if (more)
            read_member(reader, path, &event, map);
        yaml_event_delete(&event);
        if (reader->r < 0)
            return NULL;
    }
    return EIN_TAKE(map);
}

static bool is_marked(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor || event->data.scalar.tag;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor || event->data.sequence_start.tag;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor || event->data.mapping_start.tag;
    default:
        return event->type == YAML_ALIAS_EVENT;
    }
}

/* NULL after a fault. */
static json_t *read_node(struct reader *reader, const char *path, const yaml_event_t *event)
{
    if (is_marked(event))
        return fault(reader, event->start_mark.line, path,
                     "anchors, aliases and tags of YAML are not supported");
    if (event->type == YAML_SCALAR_EVENT)
        return read_scalar(reader, path, event);
    if (reader->depth == YAML_DEPTH_MAX)
        return fault(reader, event->start_mark.line, path, "is deeper than %d levels",
                     YAML_DEPTH_MAX);
    reader->depth++;
    json_t *result =
        event->type == YAML_SEQUENCE_START_EVENT ? read_list(reader, path) : read_map(reader, path);
    reader->depth--;
    return result;
}

/* ---- documents ---- */

static bool skip_event(struct reader *reader, yaml_event_type_t type)
{
    yaml_event_t event;

    if (!next_event(reader, &event))
        return false;
    bool is_it = event.type == type;
    yaml_event_delete(&event);
    return is_it;
}

/* An empty document is null. */
static json_t *read_document(struct reader *reader)
{
    EIN_JSON json_t *result = NULL;
    yaml_event_t event;

    if (!skip_event(reader, YAML_STREAM_START_EVENT) || !next_event(reader, &event))
        return NULL;
    bool empty = event.type == YAML_STREAM_END_EVENT;
    yaml_event_delete(&event);
    if (empty)
        return json_null();
    if (!next_event(reader, &event))
        return NULL;
    result = read_node(reader, "", &event);
    yaml_event_delete(&event);
    if (!result || !skip_event(reader, YAML_DOCUMENT_END_EVENT))
        return NULL;
    if (!skip_event(reader, YAML_STREAM_END_EVENT))
        return fault(reader, reader->parser.mark.line, "", "there is more than one document");
    return EIN_TAKE(result);
}

int yaml_parse(const char *name, const char *text, size_t len, json_t **ret_json,
               json_t **ret_lines, struct ein_error *err)
{
    EIN_JSON json_t *lines = json_object();
    struct reader reader = { .name = name, .lines = lines, .err = err };

    if (!lines || !yaml_parser_initialize(&reader.parser))
        return error_no_memory(err);
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, len);
    EIN_JSON json_t *json = read_document(&reader);
    yaml_parser_delete(&reader.parser);
    if (!json)
        return reader.r < 0 ? reader.r : error_no_memory(err);
    *ret_json = EIN_TAKE(json);
    *ret_lines = EIN_TAKE(lines);
    return 0;
}

int64_t yaml_line_of(const json_t *lines, const char *path)
{
    char here[YAML_PATH_MAX];

    (void)snprintf(here, sizeof(here), "%s", path);
    for (;;) {
        const json_t *line = json_object_get(lines, here);
        char *dot = strrchr(here, '.');
        if (line)
            return json_integer_value(line);
        if (!dot)
            return 0;
        *dot = '\0';
    }
}
