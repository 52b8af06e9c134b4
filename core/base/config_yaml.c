/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "config_source.h"
#include "yaml_scalar.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

/* YAML events -> JSON.  Anchors and aliases are refused: a configuration needs none, and a few
 * lines of them can stand for gigabytes. */

struct reader {
    struct source *source;
    yaml_parser_t parser;
    int depth;
};

static json_t *read_node(struct reader *reader, const char *path, const yaml_event_t *event);

/* ---- reporting ---- */

void source_fault(struct source *source, const char *origin, const char *path, const char *fmt, ...)
{
    va_list args;

    source->fault_count++;
    (void)buf_printf(source->faults, "%s: ", origin ? origin : source->name);
    if (*path)
        (void)buf_printf(source->faults, "%s: ", path);
    va_start(args, fmt);
    (void)buf_vprintf(source->faults, fmt, args);
    va_end(args);
    (void)buf_char(source->faults, '\n');
}

void path_join(char out[CONFIG_PATH_MAX], const char *path, const char *name)
{
    (void)snprintf(out, CONFIG_PATH_MAX, "%s%s%s", path, *path ? "." : "", name);
}

static void origin_at(const struct reader *reader, yaml_mark_t mark, char out[CONFIG_PATH_MAX])
{
    (void)snprintf(out, CONFIG_PATH_MAX, "%s:%zu", reader->source->name, mark.line + 1);
}

static void remember(struct reader *reader, const char *path, yaml_mark_t mark)
{
    char origin[CONFIG_PATH_MAX];

    origin_at(reader, mark, origin);
    (void)json_object_set_new(reader->source->origins, path, json_string(origin));
}

__attribute__((format(printf, 4, 5))) static json_t *fault(struct reader *reader, yaml_mark_t mark,
                                                           const char *path, const char *fmt, ...)
{
    char origin[CONFIG_PATH_MAX], text[CONFIG_PATH_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    origin_at(reader, mark, origin);
    source_fault(reader->source, origin, path, "%s", text);
    return NULL;
}

/* ---- scalars ---- */

static json_t *read_scalar(struct reader *reader, const char *path, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    EIN_FREE char *expanded = NULL;
    char why[CONFIG_WHY_MAX];
    json_t *value;

    if (memchr(text, '\0', len))
        return fault(reader, event->start_mark, path, "has a NUL character in it");
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !strchr(text, '$')) {
        value = yaml_scalar(text);
    } else {
        /* What the environment gives is text, whatever it looks like; the schema decides. */
        expanded = expand(text, len, why);
        if (!expanded)
            return fault(reader, event->start_mark, path, "%s", why);
        value = json_string(expanded);
    }
    return value ? value : fault(reader, event->start_mark, path, "is not UTF-8");
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

static json_t *read_list(struct reader *reader, const char *path)
{
    EIN_JSON json_t *list = json_array();
    bool more = true;

    while (more) {
        char here[CONFIG_PATH_MAX], index[24];
        yaml_event_t event;
        json_t *item;

        if (!next_event(reader, &event))
            return NULL;
        more = event.type != YAML_SEQUENCE_END_EVENT;
        if (more) {
            (void)snprintf(index, sizeof(index), "%zu", json_array_size(list));
            path_join(here, path, index);
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
static bool read_member(struct reader *reader, const char *path, const yaml_event_t *key,
                        json_t *map)
{
    const char *name = (const char *)key->data.scalar.value;
    bool is_name =
        key->type == YAML_SCALAR_EVENT && *name && strlen(name) == key->data.scalar.length;
    char here[CONFIG_PATH_MAX];
    yaml_event_t event;
    json_t *value;

    path_join(here, path, is_name ? name : "?");
    if (!is_name)
        (void)fault(reader, key->start_mark, path, "a key is not a plain text");
    else if (json_object_get(map, name))
        (void)fault(reader, key->start_mark, here, "is there twice, first at %s",
                    json_string_value(json_object_get(reader->source->origins, here)));
    else
        remember(reader, here, key->start_mark);
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

static json_t *read_map(struct reader *reader, const char *path)
{
    EIN_JSON json_t *map = json_object();
    bool more = true;

    while (more) {
        yaml_event_t event;

        if (!next_event(reader, &event))
            return NULL;
        more = event.type != YAML_MAPPING_END_EVENT;
        if (more && !read_member(reader, path, &event, map)) {
            yaml_event_delete(&event);
            return NULL;
        }
        yaml_event_delete(&event);
    }
    return EIN_TAKE(map);
}

/* NULL is a gap after a lesser fault, or parser.error says that there is no more. */
static json_t *read_node(struct reader *reader, const char *path, const yaml_event_t *event)
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
        (void)fault(reader, event->start_mark, path, "YAML %s are not supported",
                    anchor ? "anchors" : "tags");

    if (event->type == YAML_ALIAS_EVENT)
        return fault(reader, event->start_mark, path, "YAML aliases are not supported");
    if (event->type == YAML_SCALAR_EVENT)
        return read_scalar(reader, path, event);
    if (reader->depth == CONFIG_DEPTH_MAX) {
        reader->parser.error = YAML_COMPOSER_ERROR;
        return fault(reader, event->start_mark, path, "is deeper than %d levels", CONFIG_DEPTH_MAX);
    }

    reader->depth++;
    result =
        event->type == YAML_SEQUENCE_START_EVENT ? read_list(reader, path) : read_map(reader, path);
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

static json_t *read_document(struct reader *reader, const char *path)
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
    result = read_node(reader, path, &event);
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

json_t *yaml_read(struct source *source, const char *path, const char *text, size_t len)
{
    struct reader reader = { .source = source };
    json_t *result;

    if (!yaml_parser_initialize(&reader.parser)) {
        source_fault(source, NULL, "", "no memory");
        return NULL;
    }
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, len);
    result = read_document(&reader, path);
    yaml_parser_delete(&reader.parser);
    return result;
}
