/* SPDX-License-Identifier: Apache-2.0 */
/* A schema with its $refs replaced, level by level: what does not fit any more is what lies
 * deepest.  One that is inside itself ends where it begins anew. */
#include "read.h"

#include <stdio.h>
#include <string.h>

enum {
    MEMO_KEY_SIZE = 24,
    SCHEMA_STEPS = 8 /* to look for the keywords of one, and to make what becomes of it */
};

struct item {
    json_t *source; /* lent from the document; without $ref once it was taken up */
    json_t *target; /* lent from the result */
    size_t parent;
    unsigned depth;
};

struct expansion {
    struct reading *reading;
    struct item *items;
    size_t count, capacity;
    size_t left; /* bytes */
    bool failed; /* no memory */
};

/* ---- what a schema is made of ---- */

enum keyword_kind { VALUE, SCHEMA_ONE, SCHEMA_LIST, SCHEMA_MAP };
static const struct keyword {
    const char *name;
    enum keyword_kind kind;
} keywords[] = {
    { "type", VALUE },
    { "format", VALUE },
    { "title", VALUE },
    { "description", VALUE },
    { "required", VALUE },
    { "enum", VALUE },
    { "const", VALUE },
    { "default", VALUE },
    { "nullable", VALUE },
    { "minimum", VALUE },
    { "maximum", VALUE },
    { "exclusiveMinimum", VALUE },
    { "exclusiveMaximum", VALUE },
    { "multipleOf", VALUE },
    { "minLength", VALUE },
    { "maxLength", VALUE },
    { "pattern", VALUE },
    { "minItems", VALUE },
    { "maxItems", VALUE },
    { "uniqueItems", VALUE },
    { "minProperties", VALUE },
    { "maxProperties", VALUE },
    { "readOnly", VALUE },
    { "writeOnly", VALUE },
    { "deprecated", VALUE },
    { "contentEncoding", VALUE },
    { "contentMediaType", VALUE },
    { "example", VALUE },
    { "examples", VALUE },
    { "dependentRequired", VALUE },
    { "properties", SCHEMA_MAP },
    { "patternProperties", SCHEMA_MAP },
    { "dependentSchemas", SCHEMA_MAP },
    { "items", SCHEMA_ONE },
    { "additionalProperties", SCHEMA_ONE },
    { "unevaluatedProperties", SCHEMA_ONE },
    { "propertyNames", SCHEMA_ONE },
    { "contains", SCHEMA_ONE },
    { "not", SCHEMA_ONE },
    { "if", SCHEMA_ONE },
    { "then", SCHEMA_ONE },
    { "else", SCHEMA_ONE },
    { "prefixItems", SCHEMA_LIST },
    { "allOf", SCHEMA_LIST },
    { "anyOf", SCHEMA_LIST },
    { "oneOf", SCHEMA_LIST },
};
enum { KEYWORDS = sizeof(keywords) / sizeof(keywords[0]) };

/* ---- what it costs ---- */

/* The bytes of a value as JSON text, about; more than `max` where it is more than that. */
static size_t value_bytes(json_t *value, size_t max)
{
    size_t sum = 2, i;
    const char *name;
    size_t len;
    json_t *one;

    switch (json_typeof(value)) {
    case JSON_STRING:
        return json_string_length(value) + 2;
    case JSON_ARRAY:
        json_array_foreach(value, i, one)
        {
            if (sum > max)
                break;
            sum += 1 + value_bytes(one, max - sum);
        }
        return sum;
    case JSON_OBJECT:
        json_object_keylen_foreach(value, name, len, one)
        {
            sum += len + 4;
            if (sum > max)
                break;
            sum += value_bytes(one, max - sum);
        }
        return sum;
    default:
        return 6;
    }
}

static bool charge(struct expansion *expansion, size_t bytes)
{
    if (bytes > expansion->left)
        return false;
    expansion->left -= bytes;
    return true;
}

static void put(struct expansion *expansion, json_t *object, const char *name, json_t *take_value)
{
    if (json_object_set_new_nocheck(object, name, take_value) < 0)
        expansion->failed = true;
}

/* The sentences count as well: where they would be too long together, they are empty. */
static void cut(struct expansion *expansion, json_t *target, const char *why)
{
    put(expansion, target, "x-cut", json_string(fits(expansion->reading, strlen(why)) ? why : ""));
}

static void cut_large(struct expansion *expansion, json_t *target)
{
    char why[80];

    (void)snprintf(why, sizeof(why), "the schema is longer than %zu bytes",
                   expansion->reading->limits->schema_bytes);
    cut(expansion, target, why);
}

/* ---- the pieces that wait ---- */

static bool grow(struct expansion *expansion)
{
    size_t capacity = expansion->capacity ? 2 * expansion->capacity : 64;
    struct item *grown;

    if (expansion->count < expansion->capacity)
        return true;
    grown = reallocarray(expansion->items, capacity, sizeof(*grown));
    if (!grown)
        return false;
    expansion->items = grown;
    expansion->capacity = capacity;
    return true;
}

/* What becomes of the schema `source` below the item `parent`; NULL: no memory. */
static json_t *wait_for(struct expansion *expansion, size_t parent, json_t *source)
{
    json_t *target;

    if (!json_is_object(source)) /* true and false are schemas, and nothing else */
        return json_is_boolean(source) ? json_incref(source) : json_true();
    target = grow(expansion) ? json_object() : NULL;
    if (!target) {
        expansion->failed = true;
        return json_null();
    }
    expansion->items[expansion->count] =
        (struct item){ source, target, parent,
                       expansion->count ? expansion->items[parent].depth + 1 : 0 };
    expansion->count++;
    return target;
}

/* Is `source` what one of the items above is made of? */
static bool is_inside(const struct expansion *expansion, size_t index, const json_t *source)
{
    while (index > 0) {
        index = expansion->items[index].parent;
        if (expansion->items[index].source == source)
            return true;
    }
    return false;
}

/* ---- keywords ---- */

static bool take_value(struct expansion *expansion, json_t *target, const char *name, json_t *value)
{
    if (!charge(expansion, value_bytes(value, expansion->left) + strlen(name) + 4))
        return false;
    put(expansion, target, name, json_incref(value));
    return true;
}

static bool take_map(struct expansion *expansion, size_t index, const char *name, json_t *map)
{
    json_t *into = json_object(), *one;
    const char *key;
    size_t len;

    put(expansion, expansion->items[index].target, name, into);
    json_object_keylen_foreach(map, key, len, one)
    {
        if (expansion->failed || !charge(expansion, len + 6))
            return false;
        put(expansion, into, key, wait_for(expansion, index, one));
    }
    return true;
}

static bool take_list(struct expansion *expansion, size_t index, const char *name, json_t *list)
{
    json_t *into = json_array(), *one;
    size_t i;

    put(expansion, expansion->items[index].target, name, into);
    json_array_foreach(list, i, one)
    {
        if (expansion->failed || !charge(expansion, 3))
            return false;
        if (json_array_append_new(into, wait_for(expansion, index, one)) < 0)
            expansion->failed = true;
    }
    return true;
}

/* false: it does not fit any more. */
static bool take_keyword(struct expansion *expansion, size_t index, const struct keyword *keyword,
                         json_t *value)
{
    json_t *target = expansion->items[index].target;
    const char *name = keyword->name;

    if (json_object_get(target, name)) /* beside a $ref */
        return true;
    if (keyword->kind == VALUE)
        return take_value(expansion, target, name, value);
    if (!charge(expansion, strlen(name) + 6))
        return false;
    if (keyword->kind == SCHEMA_MAP && json_is_object(value))
        return take_map(expansion, index, name, value);
    if (json_is_array(value)) /* old "items" may be a list too */
        return take_list(expansion, index, name, value);
    if (keyword->kind == SCHEMA_ONE)
        put(expansion, target, name, wait_for(expansion, index, value));
    return true;
}

static size_t keyword_index(const char *name)
{
    size_t i = 0;

    while (i < KEYWORDS && !(keywords[i].name[0] == name[0] && strcmp(keywords[i].name, name) == 0))
        i++;
    return i;
}

/* What the source says of each keyword, in the order of the table.  Most sources have few members,
 * and the table is long. */
static void gather(json_t *source, json_t *values[KEYWORDS + 1])
{
    const char *name;
    json_t *value;

    if (json_object_size(source) > KEYWORDS) {
        for (size_t i = 0; i < KEYWORDS; i++)
            values[i] = json_object_get(source, keywords[i].name);
        return;
    }
    json_object_foreach(source, name, value) values[keyword_index(name)] = value;
}

static bool take_keywords(struct expansion *expansion, size_t index, json_t *source)
{
    json_t *values[KEYWORDS + 1] = { NULL }; /* the last: of what is no keyword */
    bool whole = true;

    steps(expansion->reading, SCHEMA_STEPS);
    gather(source, values);
    for (size_t i = 0; i < KEYWORDS; i++) {
        if (values[i] && !expansion->failed)
            whole = take_keyword(expansion, index, &keywords[i], values[i]) && whole;
    }
    return whole;
}

/* ---- from the words of OpenAPI to those of JSON Schema ---- */

static void settle_null(struct expansion *expansion, json_t *target)
{
    json_t *type = json_object_get(target, "type");

    if (json_is_true(json_object_get(target, "nullable")) && json_is_string(type))
        put(expansion, target, "type", json_pack("[O,s]", type, "null"));
    if (json_is_array(json_object_get(target, "type")) ||
        json_is_false(json_object_get(target, "nullable")))
        (void)json_object_del(target, "nullable");
}

/* In 2.0 and 3.0 it says of the limit beside it that it is not one of the values. */
static void settle_exclusive(struct expansion *expansion, json_t *target, const char *name,
                             const char *limit)
{
    const json_t *exclusive = json_object_get(target, name);

    if (!json_is_boolean(exclusive))
        return;
    if (json_is_true(exclusive) && json_object_get(target, limit)) {
        put(expansion, target, name, json_incref(json_object_get(target, limit)));
        (void)json_object_del(target, limit);
    } else {
        (void)json_object_del(target, name);
    }
}

static void settle(struct expansion *expansion, json_t *target)
{
    const char *type = json_string_value(json_object_get(target, "type"));

    if (type && strcmp(type, "file") == 0) {
        put(expansion, target, "type", json_string("string"));
        put(expansion, target, "format", json_string("binary"));
    }
    if (!json_is_array(json_object_get(target, "required")))
        (void)json_object_del(target, "required");
    settle_null(expansion, target);
    settle_exclusive(expansion, target, "exclusiveMinimum", "minimum");
    settle_exclusive(expansion, target, "exclusiveMaximum", "maximum");
}

/* ---- one piece ---- */

/* The last word of "#/components/schemas/Pet". */
static const char *ref_name(json_t *source)
{
    const char *ref = text_member(source, "$ref"), *slash = strrchr(ref, '/');

    return slash ? slash + 1 : "this";
}

static void cut_again(struct expansion *expansion, json_t *target, json_t *source)
{
    const char *name = ref_name(source);
    char why[WHY_SIZE];

    (void)snprintf(why, sizeof(why), "%.*s again, which this is inside of", str_cut(name, 100),
                   name);
    cut(expansion, target, why);
}

static void cut_missing(struct expansion *expansion, json_t *target, const char *why)
{
    cut(expansion, target, why);
    note(expansion->reading, "%s.", why);
}

static void cut_deep(struct expansion *expansion, json_t *target)
{
    char why[80];

    (void)snprintf(why, sizeof(why), "deeper than %u schemas",
                   expansion->reading->limits->schema_depth);
    cut(expansion, target, why);
}

static void expand_one(struct expansion *expansion, size_t index)
{
    json_t *source = expansion->items[index].source, *meant;
    json_t *target = expansion->items[index].target;
    char why[WHY_SIZE];
    bool whole = true;

    if (expansion->items[index].depth >= expansion->reading->limits->schema_depth) {
        cut_deep(expansion, target);
        return;
    }
    meant = refer(expansion->reading, source, why);
    if (!meant) {
        (void)take_keywords(expansion, index, source);
        cut_missing(expansion, target, why);
        return;
    }
    if (is_inside(expansion, index, meant)) {
        cut_again(expansion, target, source);
        return;
    }
    expansion->items[index].source = meant;
    if (meant != source) /* what stands beside the $ref comes first */
        whole = take_keywords(expansion, index, source);
    whole = take_keywords(expansion, index, meant) && whole;
    settle(expansion, target);
    if (!whole)
        cut_large(expansion, target);
}

/* ---- what was expanded before ---- */

/* The same schema is what many operations answer with: {"result", "bytes"} by where it lies. */
static void memo_key(const json_t *schema, char key[MEMO_KEY_SIZE])
{
    (void)snprintf(key, MEMO_KEY_SIZE, "%p", (const void *)schema);
}

static json_t *memo_get(struct reading *reading, const json_t *schema)
{
    char key[MEMO_KEY_SIZE];
    const json_t *entry;

    memo_key(schema, key);
    entry = json_object_get(reading->memo, key);
    if (!entry || !fits(reading, (size_t)json_integer_value(json_array_get(entry, 1))))
        return NULL;
    return json_incref(json_array_get(entry, 0));
}

static void memo_put(struct reading *reading, const json_t *schema, json_t *result, size_t bytes)
{
    char key[MEMO_KEY_SIZE];

    memo_key(schema, key);
    (void)json_object_set_new(reading->memo, key, json_pack("[O,I]", result, (json_int_t)bytes));
}

/* ---- the whole ---- */

static json_t *expand(struct reading *reading, json_t *schema, size_t most, size_t *ret_bytes)
{
    struct expansion expansion = { .reading = reading, .left = most };
    EIN_JSON json_t *result = wait_for(&expansion, 0, schema);

    for (size_t i = 0; i < expansion.count && !expansion.failed; i++) {
        if (most == 0)
            put(&expansion, expansion.items[i].target, "x-cut",
                json_string("there are too many large schemas before it"));
        else
            expand_one(&expansion, i);
    }
    free(expansion.items);
    *ret_bytes = most - expansion.left;
    return expansion.failed ? NULL : EIN_TAKE(result);
}

json_t *schema_expand(struct reading *reading, json_t *schema)
{
    size_t most = reading->limits->schema_bytes, bytes = 0;
    char unused[WHY_SIZE];
    json_t *meant = json_object_size(schema) == 1 ? refer(reading, schema, unused) : schema;
    json_t *result = meant ? memo_get(reading, meant) : NULL;

    if (result)
        return result;
    if (most > reading->total_left)
        most = reading->total_left;
    result = expand(reading, schema, most, &bytes);
    (void)fits(reading, bytes);
    if (result && meant && most == reading->limits->schema_bytes)
        memo_put(reading, meant, result, bytes);
    return result;
}
