/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"
#include "cleanup.h"
#include "json_text.h"
#include "schema_node.h"
#include "str.h"
#include <stdlib.h>
#include <string.h>

/* One row a fault: what a client of the API reads, and what an operator reads of a setting.  '#'
 * is what the schema asks for, also the fault's `ctx` under `key`; '%' is how many items came; '~'
 * is an "s" unless '#' is 1. */
static const struct {
    const char *type, *api, *setting, *key;
} texts[] = {
    [FAULT_MISSING] = { "missing", "Field required", "is missing" },
    [FAULT_UNKNOWN] = { "extra_forbidden", "Extra inputs are not permitted", "unknown key" },
    [FAULT_STRING] = { "string_type", "Input should be a valid string", "is not a text" },
    [FAULT_INT] = { "int_type", "Input should be a valid integer", "is not an integer" },
    [FAULT_INT_PARSING] = { "int_parsing",
                            "Input should be a valid integer, unable to parse string as an integer",
                            "is not an integer" },
    [FAULT_INT_SIZE] = { "int_parsing_size",
                         "Unable to parse input string as an integer, exceeded maximum size",
                         "is too large" },
    [FAULT_INT_FLOAT] = { "int_from_float",
                          "Input should be a valid integer, got a number with a fractional part",
                          "is not an integer" },
    [FAULT_FLOAT] = { "float_type", "Input should be a valid number", "is not a number" },
    [FAULT_FLOAT_PARSING] = { "float_parsing",
                              "Input should be a valid number, unable to parse string as a number",
                              "is not a number" },
    [FAULT_FINITE] = { "finite_number", "Input should be a finite number",
                       "is not a finite number" },
    [FAULT_BOOL] = { "bool_type", "Input should be a valid boolean", "is not true or false" },
    [FAULT_BOOL_PARSING] = { "bool_parsing",
                             "Input should be a valid boolean, unable to interpret input",
                             "is not true or false" },
    [FAULT_LIST] = { "list_type", "Input should be a valid list", "is not a list" },
    [FAULT_DICT] = { "dict_type", "Input should be a valid dictionary", "is not a map" },
    [FAULT_MODEL] = { "model_attributes_type",
                      "Input should be a valid dictionary or object to extract fields from",
                      "is not a map" },
    [FAULT_NULL] = { "none_required", "Input should be None", "is not empty" },
    [FAULT_LITERAL] = { "literal_error", "Input should be #", "is not #", "expected" },
    [FAULT_PATTERN] = { "string_pattern_mismatch", "String should match pattern '#'",
                        "does not match the pattern '#'", "pattern" },
    [FAULT_STRING_SHORT] = { "string_too_short", "String should have at least # character~",
                             "has fewer than # character~", "min_length" },
    [FAULT_STRING_LONG] = { "string_too_long", "String should have at most # character~",
                            "has more than # character~", "max_length" },
    [FAULT_LIST_SHORT] = { "too_short", "List should have at least # item~ after validation, not %",
                           "has fewer than # item~", "min_length" },
    [FAULT_LIST_LONG] = { "too_long", "List should have at most # item~ after validation, not %",
                          "has more than # item~", "max_length" },
    [FAULT_GE] = { "greater_than_equal", "Input should be greater than or equal to #",
                   "is less than #", "ge" },
    [FAULT_LE] = { "less_than_equal", "Input should be less than or equal to #", "is more than #",
                   "le" },
    [FAULT_GT] = { "greater_than", "Input should be greater than #", "is not more than #", "gt" },
};

/* The limit of a number is told as one: 5.0. */
static json_t *limit_of(const struct node *node, const json_t *limit)
{
    return node->type == SCHEMA_NUMBER ? json_real(json_number_value(limit))
                                       : json_incref((json_t *)limit);
}

/* What the schema asks for; NULL: nothing that has a value. */
static json_t *asked(enum fault fault, const struct node *node)
{
    switch (fault) {
    case FAULT_LITERAL:
        return json_string(node->expected);
    case FAULT_PATTERN:
        return json_string(node->pattern);
    case FAULT_STRING_SHORT:
    case FAULT_LIST_SHORT:
        return json_integer((json_int_t)node->len_min);
    case FAULT_STRING_LONG:
    case FAULT_LIST_LONG:
        return json_integer((json_int_t)node->len_max);
    case FAULT_GE:
        return limit_of(node, node->at_least);
    case FAULT_LE:
        return limit_of(node, node->at_most);
    case FAULT_GT:
        return limit_of(node, node->more_than);
    default:
        return NULL;
    }
}

static json_t *context(enum fault fault, json_t *what, const json_t *input)
{
    bool is_list = fault == FAULT_LIST_SHORT || fault == FAULT_LIST_LONG;
    json_t *ctx = json_object();

    if (is_list)
        (void)json_object_set_new(ctx, "field_type", json_string("List"));
    (void)json_object_set(ctx, texts[fault].key, what);
    if (is_list)
        (void)json_object_set_new(ctx, "actual_length",
                                  json_integer((json_int_t)json_array_size(input)));
    return ctx;
}

static void add_asked(struct buf *out, const json_t *what)
{
    EIN_FREE char *number = NULL;

    if (json_is_string(what)) {
        (void)buf_text(out, json_string_value(what));
        return;
    }
    number = json_text_dump(what, NULL);
    if (number && str_ends(number, ".0"))
        number[strlen(number) - 2] = '\0';
    (void)buf_text(out, number ? number : "");
}

static void add_hint(struct buf *out, const char *typed, const struct node *node)
{
    EIN_FREE const char **names = calloc(node->property_count + 1, sizeof(*names));
    const char *meant = NULL;

    for (size_t i = 0; names && i < node->property_count; i++)
        names[i] = node->properties[i].name;
    if (names)
        meant = str_nearest(typed, names);
    if (meant)
        (void)buf_printf(out, "; did you mean `%s`?", meant);
}

static json_t *message(const struct check *check, enum fault fault, const struct place *place,
                       const struct node *node, const json_t *what, const json_t *input)
{
    const char *text = check->mode == SCHEMA_CONFIG ? texts[fault].setting : texts[fault].api;
    EIN_FREE char *taken = NULL;
    struct buf out;

    buf_init(&out, 8 * PATTERN_MAX);
    for (; *text; text++) {
        if (*text == '#')
            add_asked(&out, what);
        else if (*text == '%')
            (void)buf_printf(&out, "%zu", json_array_size(input));
        else if (*text != '~')
            (void)buf_char(&out, *text);
        else if (json_integer_value(what) != 1)
            (void)buf_char(&out, 's');
    }
    if (fault == FAULT_UNKNOWN && check->mode == SCHEMA_CONFIG)
        add_hint(&out, place->name, node);
    taken = buf_take(&out, NULL);
    return taken ? json_string(taken) : NULL;
}

static json_t *location(const struct place *place)
{
    json_t *loc = json_array();

    for (; place; place = place->up)
        (void)json_array_insert_new(loc, 0,
                                    place->name ? json_string(place->name)
                                                : json_integer((json_int_t)place->index));
    return loc;
}

/* How much repeating `value` would cost, counted up to `most`. */
static size_t echo_size(const json_t *value, size_t most)
{
    size_t size = 8 + json_string_length(value), i;
    json_t *members = (json_t *)value, *item;

    for (void *it = json_object_iter(members); it && size < most;
         it = json_object_iter_next(members, it))
        size +=
            strlen(json_object_iter_key(it)) + echo_size(json_object_iter_value(it), most - size);
    json_array_foreach(value, i, item)
    {
        if (size >= most)
            break;
        size += echo_size(item, most - size);
    }
    return size;
}

/* A fault repeats its input; a large input with many faults must not make a huge reply. */
static json_t *echo(struct check *check, const json_t *input)
{
    size_t size = echo_size(input, INPUT_ECHO_MAX);

    if (size > INPUT_ECHO_MAX - check->echoed)
        return json_null();
    check->echoed += size;
    return json_incref((json_t *)input);
}

void fault_add(struct check *check, enum fault fault, const struct place *place,
               const struct node *node, const json_t *input)
{
    EIN_JSON json_t *what = NULL;
    json_t *entry;

    if (check->fault_count++ >= FAULTS_MAX || check->is_silent)
        return;
    if (!check->faults)
        check->faults = json_array();

    what = asked(fault, node);
    entry = json_object();
    (void)json_object_set_new(entry, "type", json_string(texts[fault].type));
    (void)json_object_set_new(entry, "loc", location(place));
    (void)json_object_set_new(entry, "msg", message(check, fault, place, node, what, input));
    (void)json_object_set_new(entry, "input",
                              node->is_secret && fault != FAULT_MISSING ? json_null()
                                                                        : echo(check, input));
    if (what)
        (void)json_object_set_new(entry, "ctx", context(fault, what, input));
    if (json_array_append_new(check->faults, entry) < 0)
        check->no_memory = true;
}

json_t *schema_fault_no_body(void)
{
    return json_pack("[{s:s, s:[s], s:s, s:n}]", "type", "missing", "loc", "body", "msg",
                     "Field required", "input");
}

json_t *schema_fault_not_json(size_t offset, const char *text)
{
    return json_pack("[{s:s, s:[s,I], s:s, s:{}, s:{s:s}}]", "type", "json_invalid", "loc", "body",
                     (json_int_t)offset, "msg", "JSON decode error", "input", "ctx", "error", text);
}
