/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"
#include "cleanup.h"
#include "error.h"
#include "json_text.h"
#include "member.h"
#include "schema_node.h"
#include "str.h"
#include <string.h>

struct schema {
    json_t *json;
    struct node *root;
};

struct compiler {
    struct ein_error *err;
    int depth;
};

static int compile(struct compiler *c, const json_t *json, struct node **ret_node);

/* ---- keywords ---- */

enum {
    IS_TEXT = 1 << JSON_STRING,
    IS_COUNT = 1 << JSON_INTEGER,
    IS_NUMBER = 1 << JSON_INTEGER | 1 << JSON_REAL,
    IS_LIST = 1 << JSON_ARRAY,
    IS_MAP = 1 << JSON_OBJECT,
    IS_BOOL = 1 << JSON_TRUE | 1 << JSON_FALSE,
    IS_ANY = ~0
};

static const struct {
    const char *name;
    int types;
} keywords[] = {
    { "type", IS_TEXT | IS_LIST },
    { "properties", IS_MAP },
    { "required", IS_LIST },
    { "additionalProperties", IS_BOOL | IS_MAP },
    { "items", IS_MAP },
    { "enum", IS_LIST },
    { "const", IS_ANY },
    { "pattern", IS_TEXT },
    { "minLength", IS_COUNT },
    { "maxLength", IS_COUNT },
    { "minItems", IS_COUNT },
    { "maxItems", IS_COUNT },
    { "minimum", IS_NUMBER },
    { "maximum", IS_NUMBER },
    { "exclusiveMinimum", IS_NUMBER },
    { "default", IS_ANY },
    { "anyOf", IS_LIST },
    { "title", IS_TEXT },
    { "description", IS_TEXT },
    { "format", IS_TEXT },
    { "examples", IS_LIST },
    { "writeOnly", IS_BOOL },
};
enum { KEYWORDS = sizeof(keywords) / sizeof(keywords[0]) };

static int check_keyword(const struct compiler *c, const char *name, const json_t *value)
{
    const char *names[KEYWORDS + 1] = { NULL }, *meant;

    if (str_starts(name, "x-"))
        return 0;
    for (size_t i = 0; i < KEYWORDS; i++) {
        names[i] = keywords[i].name;
        if (!str_eq(name, names[i]))
            continue;
        if (1 << json_typeof(value) & keywords[i].types)
            return 0;
        return error_set(c->err, EIN_E_INVALID, "schema: '%s' has a value of the wrong type", name);
    }
    meant = str_nearest(name, names);
    return error_set(c->err, EIN_E_INVALID, "schema: '%s' is not supported%s%s%s", name,
                     meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
}

static int check_keywords(const struct compiler *c, const json_t *json)
{
    json_t *members = (json_t *)json;
    int r = 0;

    if (!json_is_object(json))
        return error_set(c->err, EIN_E_INVALID, "schema: not an object");
    for (void *it = json_object_iter(members); it && r == 0;
         it = json_object_iter_next(members, it))
        r = check_keyword(c, json_object_iter_key(it), json_object_iter_value(it));
    return r;
}

/* ---- type ---- */

static const struct {
    const char *name, *title;
    enum schema_type type;
} types[] = {
    { "string", "str", SCHEMA_STRING },   { "integer", "int", SCHEMA_INTEGER },
    { "number", "float", SCHEMA_NUMBER }, { "boolean", "bool", SCHEMA_BOOLEAN },
    { "array", "list", SCHEMA_ARRAY },    { "object", "dict", SCHEMA_OBJECT },
    { "null", "none", SCHEMA_NULL },
};

static int read_type_name(const struct compiler *c, const json_t *name, struct node *node)
{
    const char *text = json_string_value(name);

    for (size_t i = 0; text && i < sizeof(types) / sizeof(types[0]); i++) {
        if (!str_eq(text, types[i].name))
            continue;
        if (types[i].type == SCHEMA_NULL)
            node->is_nullable = true;
        if (node->type == SCHEMA_ANY || node->type == SCHEMA_NULL) {
            node->type = types[i].type;
            node->title = types[i].title;
        } else if (types[i].type != SCHEMA_NULL) {
            return error_set(c->err, EIN_E_INVALID,
                             "schema: only one type beside \"null\"; use anyOf");
        }
        return 0;
    }
    return error_set(c->err, EIN_E_INVALID, "schema: unknown type '%s'", text ? text : "");
}

static int read_type(const struct compiler *c, const json_t *json, struct node *node)
{
    const json_t *type = json_object_get(json, "type"), *name;
    size_t i;
    int r = 0;

    if (json_is_string(type))
        return read_type_name(c, type, node);
    json_array_foreach(type, i, name)
    {
        if (r == 0)
            r = read_type_name(c, name, node);
    }
    if (!type && json_object_get(json, "properties"))
        node->type = SCHEMA_OBJECT;
    else if (!type && !json_object_get(json, "enum") && !json_object_get(json, "const") &&
             !json_object_get(json, "anyOf"))
        node->is_nullable = true;
    return r;
}

/* ---- choices ---- */

/* As Python's repr(). */
static void add_choice(struct buf *out, const json_t *choice)
{
    EIN_FREE char *text = NULL;
    const char *quote;

    if (json_is_string(choice)) {
        quote = strchr(json_string_value(choice), '\'') ? "\"" : "'";
        (void)buf_printf(out, "%s%s%s", quote, json_string_value(choice), quote);
        return;
    }
    text = json_text_dump(choice, NULL);
    (void)buf_text(out, json_is_true(choice)    ? "True"
                        : json_is_false(choice) ? "False"
                        : json_is_null(choice)  ? "None"
                        : text                  ? text
                                                : "");
}

static int read_choices(const struct compiler *c, const json_t *json, struct node *node)
{
    json_t *list = json_object_get(json, "enum"), *single = json_object_get(json, "const"), *choice;
    struct buf expected;
    size_t i, count;

    if (!list && !single)
        return 0;
    node->choices = list ? json_incref(list) : json_pack("[O]", single);
    count = json_array_size(node->choices);
    if (count == 0)
        return error_set(c->err, EIN_E_INVALID, "schema: an empty enum");

    buf_init(&expected, SCHEMA_TEXT_MAX);
    json_array_foreach(node->choices, i, choice)
    {
        add_choice(&expected, choice);
        if (i + 1 < count)
            (void)buf_text(&expected, i + 2 < count ? ", " : " or ");
    }
    node->expected = buf_take(&expected, NULL);
    return node->expected ? 0 : error_no_memory(c->err);
}

/* ---- limits ---- */

static int read_count(const struct compiler *c, const json_t *json, const char *name, size_t *ret)
{
    const json_t *value = json_object_get(json, name);

    if (!value)
        return 0;
    if (json_integer_value(value) < 0)
        return error_set(c->err, EIN_E_INVALID, "schema: '%s' is negative", name);
    *ret = (size_t)json_integer_value(value);
    return 0;
}

/* Back-references make matching exponential. */
static bool has_back_reference(const char *pattern)
{
    for (; *pattern; pattern++)
        if (*pattern == '\\' && *++pattern >= '1' && *pattern <= '9')
            return true;
        else if (!*pattern)
            break;
    return false;
}

static int read_pattern(const struct compiler *c, const json_t *json, struct node *node)
{
    const char *pattern = text_of(json, "pattern");
    char why[80];
    int r;

    if (!pattern)
        return 0;
    if (strlen(pattern) > PATTERN_MAX || has_back_reference(pattern))
        return error_set(c->err, EIN_E_INVALID, "schema: this pattern is too costly: %s", pattern);
    r = regcomp(&node->regex, pattern, REG_EXTENDED | REG_NOSUB);
    if (r != 0) {
        (void)regerror(r, &node->regex, why, sizeof(why));
        return error_set(c->err, EIN_E_INVALID, "schema: pattern '%s': %s", pattern, why);
    }
    node->pattern = pattern;
    return 0;
}

static int read_limits(const struct compiler *c, const json_t *json, struct node *node)
{
    bool is_array = node->type == SCHEMA_ARRAY;
    int r;

    node->is_secret = json_is_true(json_object_get(json, "writeOnly"));
    node->len_max = SIZE_MAX;
    r = read_count(c, json, is_array ? "minItems" : "minLength", &node->len_min);
    if (r == 0)
        r = read_count(c, json, is_array ? "maxItems" : "maxLength", &node->len_max);
    node->at_least = json_object_get(json, "minimum");
    node->at_most = json_object_get(json, "maximum");
    node->more_than = json_object_get(json, "exclusiveMinimum");
    return r < 0 ? r : read_pattern(c, json, node);
}

/* ---- what is inside ---- */

static int read_property(struct compiler *c, const char *name, const json_t *json,
                         struct property *property)
{
    char other[256];

    property->name = name;
    property->unset = json_object_get(json, "default");
    if (str_to_snake(name, other, sizeof(other)) || str_to_camel(name, other, sizeof(other))) {
        property->other = strdup(other);
        if (!property->other)
            return error_no_memory(c->err);
    }
    return compile(c, json, &property->node);
}

static int read_required(const struct compiler *c, const json_t *required, struct node *node)
{
    const json_t *name;
    size_t i, at;

    json_array_foreach(required, i, name)
    {
        for (at = 0; at < node->property_count; at++)
            if (str_eq(node->properties[at].name, json_string_value(name)))
                break;
        if (at == node->property_count)
            return error_set(c->err, EIN_E_INVALID, "schema: required '%s' is not a property",
                             json_is_string(name) ? json_string_value(name) : "");
        node->properties[at].is_required = true;
    }
    return 0;
}

static int read_properties(struct compiler *c, const json_t *json, struct node *node)
{
    json_t *properties = json_object_get(json, "properties");
    size_t count = json_object_size(properties);
    int r = 0;

    if (count > 0)
        node->properties = calloc(count, sizeof(*node->properties));
    if (count > 0 && !node->properties)
        return error_no_memory(c->err);

    for (void *it = json_object_iter(properties); it && r == 0;
         it = json_object_iter_next(properties, it))
        r = read_property(c, json_object_iter_key(it), json_object_iter_value(it),
                          &node->properties[node->property_count++]);
    return r < 0 ? r : read_required(c, json_object_get(json, "required"), node);
}

static int read_additional(struct compiler *c, const json_t *json, struct node *node)
{
    const json_t *additional = json_object_get(json, "additionalProperties");

    node->refuses_unknown = json_is_false(additional);
    node->keeps_unknown =
        json_is_true(additional) || (!additional && !json_object_get(json, "properties"));
    return json_is_object(additional) ? compile(c, additional, &node->additional) : 0;
}

static int read_any_of(struct compiler *c, const json_t *json, struct node *node)
{
    const json_t *branches = json_object_get(json, "anyOf"), *branch;
    size_t i;
    int r = 0;

    if (!branches)
        return 0;
    node->any_of = calloc(json_array_size(branches) + 1, sizeof(struct node *));
    if (!node->any_of)
        return error_no_memory(c->err);

    json_array_foreach(branches, i, branch)
    {
        if (str_eq(text_of(branch, "type"), "null"))
            node->is_nullable = true;
        else if (r == 0)
            r = compile(c, branch, &node->any_of[node->any_count++]);
    }
    if (r == 0 && node->any_count == 0)
        r = error_set(c->err, EIN_E_INVALID, "schema: anyOf without a branch");
    return r;
}

/* ---- */

static void node_free(struct node *node)
{
    if (!node)
        return;
    for (size_t i = 0; i < node->property_count; i++) {
        free(node->properties[i].other);
        node_free(node->properties[i].node);
    }
    for (size_t i = 0; i < node->any_count; i++)
        node_free(node->any_of[i]);
    node_free(node->items);
    node_free(node->additional);
    if (node->pattern)
        regfree(&node->regex);
    json_decref(node->choices);
    free(node->properties);
    free(node->any_of);
    free(node->expected);
    free(node);
}

static int read_node(struct compiler *c, const json_t *json, struct node *node)
{
    const char *title = text_of(json, "title");
    const json_t *items = json_object_get(json, "items");
    int r;

    if ((r = check_keywords(c, json)) < 0 || (r = read_type(c, json, node)) < 0 ||
        (r = read_choices(c, json, node)) < 0 || (r = read_limits(c, json, node)) < 0 ||
        (r = read_properties(c, json, node)) < 0 || (r = read_additional(c, json, node)) < 0 ||
        (r = read_any_of(c, json, node)) < 0)
        return r;
    if (title || !node->title)
        node->title = title ? title : "any";
    return items ? compile(c, items, &node->items) : 0;
}

/* What was made is in *ret_node also after a failure, for whoever frees the whole. */
static int compile(struct compiler *c, const json_t *json, struct node **ret_node)
{
    int r;

    if (c->depth == SCHEMA_DEPTH_MAX)
        return error_set(c->err, EIN_E_INVALID, "schema: deeper than %d levels", SCHEMA_DEPTH_MAX);
    *ret_node = calloc(1, sizeof(**ret_node));
    if (!*ret_node)
        return error_no_memory(c->err);

    c->depth++;
    r = read_node(c, json, *ret_node);
    c->depth--;
    return r;
}

/* A default that its own schema refuses would reach a handler unchecked. */
static int check_defaults(const struct compiler *c, const struct node *node)
{
    int r = 0;

    for (size_t i = 0; i < node->property_count && r == 0; i++) {
        const struct property *property = &node->properties[i];
        const struct schema inner = { .root = property->node };
        EIN_JSON json_t *value = NULL, *faults = NULL;

        if (property->unset && !json_is_null(property->unset) &&
            schema_check(&inner, SCHEMA_CONFIG, "default", property->unset, &value, &faults) < 0)
            r = error_set(c->err, EIN_E_INVALID, "schema: the default of '%s' does not fit",
                          property->name);
        if (r == 0)
            r = check_defaults(c, property->node);
    }
    for (size_t i = 0; i < node->any_count && r == 0; i++)
        r = check_defaults(c, node->any_of[i]);
    if (r == 0 && node->items)
        r = check_defaults(c, node->items);
    return r == 0 && node->additional ? check_defaults(c, node->additional) : r;
}

int schema_compile_json(const json_t *json, struct schema **ret_schema, struct ein_error *err)
{
    struct compiler c = { .err = err };
    struct schema *schema = calloc(1, sizeof(*schema));
    int r;

    if (!schema)
        return error_no_memory(err);
    schema->json = json_incref((json_t *)json);
    r = compile(&c, json, &schema->root);
    if (r == 0)
        r = check_defaults(&c, schema->root);
    if (r < 0) {
        schema_free(schema);
        return r;
    }
    *ret_schema = schema;
    return 0;
}

int schema_compile(const char *text, struct schema **ret_schema, struct ein_error *err)
{
    EIN_JSON json_t *json = NULL;
    struct json_fault fault;
    size_t len = strlen(text);

    if (len > SCHEMA_TEXT_MAX)
        return error_set(err, EIN_E_INVALID, "schema: longer than %d bytes", SCHEMA_TEXT_MAX);
    json = json_text_parse(text, len, 4 * SCHEMA_DEPTH_MAX, &fault);
    if (!json)
        return error_set(err, EIN_E_INVALID, "schema: %s at character %zu", fault.text,
                         fault.offset);
    return schema_compile_json(json, ret_schema, err);
}

void schema_free(struct schema *schema)
{
    if (!schema)
        return;
    node_free(schema->root);
    json_decref(schema->json);
    free(schema);
}

const json_t *schema_json(const struct schema *schema)
{
    return schema->json;
}

const struct node *schema_root(const struct schema *schema)
{
    return schema->root;
}
