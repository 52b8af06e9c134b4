/* SPDX-License-Identifier: Apache-2.0 */
/* YAML events to JSON.  What an alias stands for is shared, not copied; it is counted each time
 * all the same, for whoever walks through it walks through all of it. */
#include "error.h"
#include "read.h"
#include "yaml_scalar.h"

#include <string.h>
#include <yaml.h>

/* What an anchor stands for. */
struct anchor {
    json_t *value; /* NULL until it is complete */
    size_t nodes;
    unsigned height;
};

struct reader {
    const struct spec_limits *limits;
    struct ein_error *err;
    yaml_parser_t parser;
    size_t nodes;   /* so far, behind aliases too */
    unsigned depth; /* here */
    unsigned reach; /* the deepest below what is being read */
    json_t *names;  /* anchor: its index */
    struct anchor *anchors;
    size_t count, capacity;
};

static int read_node(struct reader *reader, const yaml_event_t *event, json_t **ret_value);

static int fault(struct reader *reader, yaml_mark_t mark, int code, const char *what)
{
    return error_set(reader->err, code, "line %zu: %s", mark.line + 1, what);
}

/* The event is the caller's to delete, if it is 0. */
static int next_event(struct reader *reader, yaml_event_t *event)
{
    const yaml_parser_t *parser = &reader->parser;

    if (yaml_parser_parse(&reader->parser, event))
        return 0;
    return fault(reader, parser->problem_mark, EIN_E_INVALID,
                 parser->problem ? parser->problem : "not YAML");
}

static int count_nodes(struct reader *reader, yaml_mark_t mark, size_t more)
{
    if (more > reader->limits->nodes - reader->nodes)
        return fault(reader, mark, EIN_E_TOO_LARGE, "there are too many values");
    reader->nodes += more;
    return 0;
}

static int check_depth(struct reader *reader, yaml_mark_t mark, unsigned below)
{
    if (reader->depth + below > reader->limits->depth)
        return fault(reader, mark, EIN_E_TOO_LARGE, "nested too deeply");
    if (reader->depth + below > reader->reach)
        reader->reach = reader->depth + below;
    return 0;
}

/* ---- scalars ---- */

static int read_scalar(struct reader *reader, const yaml_event_t *event, json_t **ret_value)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !event->data.scalar.tag;
    json_t *value;

    if (memchr(text, '\0', len))
        return fault(reader, event->start_mark, EIN_E_INVALID, "there is a NUL character");
    value = plain ? yaml_scalar(text) : json_string(text);
    if (!value)
        return fault(reader, event->start_mark, EIN_E_INVALID, "it is not UTF-8");
    *ret_value = value;
    return 0;
}

/* ---- anchors ---- */

static int anchor_begin(struct reader *reader, const char *name, size_t *ret_index)
{
    if (reader->count == reader->capacity) {
        size_t capacity = reader->capacity ? 2 * reader->capacity : 16;
        struct anchor *grown = reallocarray(reader->anchors, capacity, sizeof(*grown));

        if (!grown)
            return error_no_memory(reader->err);
        reader->anchors = grown;
        reader->capacity = capacity;
    }
    if (json_object_set_new(reader->names, name, json_integer((json_int_t)reader->count)) < 0)
        return error_no_memory(reader->err);
    reader->anchors[reader->count] = (struct anchor){ .value = NULL };
    *ret_index = reader->count++;
    return 0;
}

static int read_alias(struct reader *reader, const yaml_event_t *event, json_t **ret_value)
{
    const json_t *index = json_object_get(reader->names, (const char *)event->data.alias.anchor);
    const struct anchor *anchor =
        index ? &reader->anchors[(size_t)json_integer_value(index)] : NULL;
    int r;

    if (!anchor)
        return fault(reader, event->start_mark, EIN_E_INVALID, "an alias without an anchor");
    if (!anchor->value)
        return fault(reader, event->start_mark, EIN_E_INVALID,
                     "an alias inside what it stands for");
    r = count_nodes(reader, event->start_mark, anchor->nodes);
    if (r == 0)
        r = check_depth(reader, event->start_mark, anchor->height);
    if (r == 0)
        *ret_value = json_incref(anchor->value);
    return r;
}

/* ---- collections ---- */

static int read_list(struct reader *reader, json_t *list)
{
    int r = 0;

    while (r == 0) {
        yaml_event_t event;
        json_t *item = NULL;

        r = next_event(reader, &event);
        if (r < 0)
            return r;
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return 0;
        }
        r = read_node(reader, &event, &item);
        yaml_event_delete(&event);
        if (r == 0 && json_array_append_new(list, item) < 0)
            r = error_no_memory(reader->err);
    }
    return r;
}

/* "<<": what the map does not have itself. */
static int merge(struct reader *reader, yaml_mark_t mark, json_t *map, const json_t *from)
{
    if (!json_is_object(from))
        return fault(reader, mark, EIN_E_INVALID, "'<<' is neither a map nor a list of maps");
    return json_object_update_missing(map, (json_t *)from) < 0 ? error_no_memory(reader->err) : 0;
}

static int merge_all(struct reader *reader, yaml_mark_t mark, json_t *map, const json_t *merges)
{
    const json_t *from, *one;
    size_t i, k;
    int r = 0;

    json_array_foreach(merges, i, from)
    {
        if (r == 0 && !json_is_array(from))
            r = merge(reader, mark, map, from);
        json_array_foreach(from, k, one)
        {
            if (r == 0)
                r = merge(reader, mark, map, one);
        }
    }
    return r;
}

/* At a key: reads what belongs to it.  `merges` gathers those of "<<", which yield to all others.
 */
static int read_member(struct reader *reader, const yaml_event_t *key, json_t *map, json_t *merges)
{
    const char *name = (const char *)key->data.scalar.value;
    json_t *value = NULL;
    yaml_event_t event;
    bool merged;
    int r;

    if (key->type != YAML_SCALAR_EVENT || strlen(name) != key->data.scalar.length)
        return fault(reader, key->start_mark, EIN_E_INVALID, "a key is not plain text");
    merged = key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && strcmp(name, "<<") == 0;
    r = next_event(reader, &event);
    if (r < 0)
        return r;
    r = read_node(reader, &event, &value);
    yaml_event_delete(&event);
    if (r < 0)
        return r;
    if (merged)
        r = json_array_append_new(merges, value);
    else
        r = json_object_set_new(map, name, value);
    return r < 0 ? error_no_memory(reader->err) : 0;
}

static int read_map(struct reader *reader, json_t *map)
{
    EIN_JSON json_t *merges = json_array();
    yaml_mark_t mark = { 0 };
    int r = merges ? 0 : error_no_memory(reader->err);

    while (r == 0) {
        yaml_event_t event;
        bool ends;

        r = next_event(reader, &event);
        if (r < 0)
            return r;
        mark = event.start_mark;
        ends = event.type == YAML_MAPPING_END_EVENT;
        if (!ends)
            r = read_member(reader, &event, map, merges);
        yaml_event_delete(&event);
        if (ends)
            break;
    }
    return r == 0 ? merge_all(reader, mark, map, merges) : r;
}

static int read_collection(struct reader *reader, const yaml_event_t *event, json_t **ret_value)
{
    bool list = event->type == YAML_SEQUENCE_START_EVENT;
    EIN_JSON json_t *value = list ? json_array() : json_object();
    int r;

    if (!value)
        return error_no_memory(reader->err);
    reader->depth++;
    r = check_depth(reader, event->start_mark, 0);
    if (r == 0)
        r = list ? read_list(reader, value) : read_map(reader, value);
    reader->depth--;
    if (r == 0)
        *ret_value = EIN_TAKE(value);
    return r;
}

/* ---- nodes ---- */

static const char *anchor_name(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return (const char *)event->data.scalar.anchor;
    case YAML_SEQUENCE_START_EVENT:
        return (const char *)event->data.sequence_start.anchor;
    case YAML_MAPPING_START_EVENT:
        return (const char *)event->data.mapping_start.anchor;
    default:
        return NULL;
    }
}

static int read_plain_node(struct reader *reader, const yaml_event_t *event, json_t **ret_value)
{
    int r = count_nodes(reader, event->start_mark, 1);

    if (r < 0)
        return r;
    return event->type == YAML_SCALAR_EVENT ? read_scalar(reader, event, ret_value)
                                            : read_collection(reader, event, ret_value);
}

static int read_node(struct reader *reader, const yaml_event_t *event, json_t **ret_value)
{
    const char *name = anchor_name(event);
    size_t before = reader->nodes, index = 0;
    unsigned reach = reader->reach;
    int r;

    if (event->type == YAML_ALIAS_EVENT)
        return read_alias(reader, event, ret_value);
    if (!name)
        return read_plain_node(reader, event, ret_value);

    r = anchor_begin(reader, name, &index);
    reader->reach = reader->depth;
    if (r == 0)
        r = read_plain_node(reader, event, ret_value);
    if (r == 0)
        reader->anchors[index] = (struct anchor){ .value = json_incref(*ret_value),
                                                  .nodes = reader->nodes - before,
                                                  .height = reader->reach - reader->depth };
    if (reader->reach < reach)
        reader->reach = reach;
    return r;
}

/* ---- documents ---- */

static int skip_event(struct reader *reader, yaml_event_type_t type, const char *otherwise)
{
    yaml_event_t event;
    int r = next_event(reader, &event);

    if (r < 0)
        return r;
    if (event.type != type)
        r = fault(reader, event.start_mark, EIN_E_INVALID, otherwise);
    yaml_event_delete(&event);
    return r;
}

static int read_document(struct reader *reader, json_t **ret_value)
{
    EIN_JSON json_t *value = NULL;
    yaml_event_t event;
    int r;

    if ((r = skip_event(reader, YAML_STREAM_START_EVENT, "not YAML")) < 0 ||
        (r = skip_event(reader, YAML_DOCUMENT_START_EVENT, "there is nothing")) < 0 ||
        (r = next_event(reader, &event)) < 0)
        return r;
    r = read_node(reader, &event, &value);
    yaml_event_delete(&event);
    if (r < 0 || (r = skip_event(reader, YAML_DOCUMENT_END_EVENT, "not YAML")) < 0 ||
        (r = skip_event(reader, YAML_STREAM_END_EVENT, "there is more than one document")) < 0)
        return r;
    *ret_value = EIN_TAKE(value);
    return 0;
}

int yaml_read(const char *text, size_t len, const struct spec_limits *limits, json_t **ret_json,
              struct ein_error *err)
{
    struct reader reader = { .limits = limits, .err = err, .names = json_object() };
    int r;

    if (!reader.names || !yaml_parser_initialize(&reader.parser)) {
        json_decref(reader.names);
        return error_no_memory(err);
    }
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, len);
    r = read_document(&reader, ret_json);
    yaml_parser_delete(&reader.parser);
    for (size_t i = 0; i < reader.count; i++)
        json_decref(reader.anchors[i].value);
    free(reader.anchors);
    json_decref(reader.names);
    return r;
}
