/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "schema.h"
#include <regex.h>
#include <stddef.h>

enum {
    SCHEMA_TEXT_MAX = 262144,
    SCHEMA_DEPTH_MAX = 32,
    PATTERN_MAX = 512,     /* bytes of a pattern */
    PATTERN_INPUT = 65536, /* longer texts match no pattern */
    FAULTS_MAX = 100,      /* that one value is told of */
    INPUT_ECHO_MAX = 65536 /* bytes of input that all faults together repeat */
};

enum schema_type {
    SCHEMA_ANY,
    SCHEMA_STRING,
    SCHEMA_INTEGER,
    SCHEMA_NUMBER,
    SCHEMA_BOOLEAN,
    SCHEMA_ARRAY,
    SCHEMA_OBJECT,
    SCHEMA_NULL
};

struct property {
    const char *name;
    char *other; /* in the other spelling; NULL: there is none */
    struct node *node;
    const json_t *unset; /* its default; NULL: none */
    bool is_required;
};

/* A compiled schema.  `const` members lie in the schema's own JSON. */
struct node {
    enum schema_type type;
    bool is_nullable;
    bool is_secret; /* writeOnly: no fault repeats it */
    const char *title; /* names the branch of an anyOf in `loc` */

    json_t *choices; /* enum, or const in an array */
    char *expected;  /* "'a', 'b' or 'c'" */

    size_t len_min, len_max; /* characters or items; len_max SIZE_MAX: none */
    const json_t *at_least, *at_most, *more_than;
    const char *pattern;
    regex_t regex; /* if pattern */

    struct node *items;
    struct property *properties;
    size_t property_count;
    struct node *additional; /* for the members that no property names; NULL: see below */
    bool keeps_unknown, refuses_unknown;

    struct node **any_of;
    size_t any_count;
};

const struct node *schema_root(const struct schema *schema);

/* ---- faults ---- */

enum fault {
    FAULT_MISSING,
    FAULT_UNKNOWN,
    FAULT_STRING,
    FAULT_INT,
    FAULT_INT_PARSING,
    FAULT_INT_SIZE,
    FAULT_INT_FLOAT,
    FAULT_FLOAT,
    FAULT_FLOAT_PARSING,
    FAULT_FINITE,
    FAULT_BOOL,
    FAULT_BOOL_PARSING,
    FAULT_LIST,
    FAULT_DICT,
    FAULT_MODEL,
    FAULT_NULL,
    FAULT_LITERAL,
    FAULT_PATTERN,
    FAULT_STRING_SHORT,
    FAULT_STRING_LONG,
    FAULT_LIST_SHORT,
    FAULT_LIST_LONG,
    FAULT_GE,
    FAULT_LE,
    FAULT_GT,
    FAULT_NONE = -1
};

/* Where in the value: a chain on the stack, innermost first. */
struct place {
    const struct place *up;
    const char *name; /* NULL: an index */
    size_t index;
};

struct check {
    enum schema_mode mode;
    bool is_exact;  /* no coercion: a first try of anyOf */
    bool is_silent; /* faults are not written down */
    size_t echoed;
    size_t fault_count;
    json_t *faults; /* made with the first */
    bool no_memory;
};

void fault_add(struct check *check, enum fault fault, const struct place *place,
               const struct node *node, const json_t *input);

/* ---- values ---- */

/* FAULT_NONE, and what `value` stands for in *ret_value (NULL: no memory). */
enum fault scalar_check(const struct node *node, bool is_lax, const json_t *value,
                        json_t **ret_value);
