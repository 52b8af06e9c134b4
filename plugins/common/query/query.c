/* SPDX-License-Identifier: Apache-2.0 */
#include "query.h"

#include "cleanup.h"
#include "document.h"
#include "error.h"
#include "hash.h"

#include <string.h>

enum operand { SCALAR, SCALARS, TEXT };

static const struct {
    const char *name;
    enum query_op op;
    enum operand operand;
} operators[] = {
    { "$ne", QUERY_NE, SCALAR },       { "$gt", QUERY_GT, SCALAR },   { "$gte", QUERY_GTE, SCALAR },
    { "$lt", QUERY_LT, SCALAR },       { "$lte", QUERY_LTE, SCALAR }, { "$in", QUERY_IN, SCALARS },
    { "$prefix", QUERY_PREFIX, TEXT },
};

static bool is_scalar(const json_t *value)
{
    return !json_is_array(value) && !json_is_object(value);
}

static int add_term(struct query *query, const char *field, enum query_op op, size_t key_count,
                    struct query_term **ret_term, struct ein_error *err)
{
    struct query_term *term = &query->terms[query->term_count];

    if (query->term_count == QUERY_TERMS_MAX)
        return error_set(err, EIN_E_INVALID, "A filter has at most %d conditions", QUERY_TERMS_MAX);
    struct key *keys = calloc(key_count ? key_count : 1, sizeof(*keys));
    if (!keys)
        return error_no_memory(err);

    *term = (struct query_term){ field, op, keys, key_count };
    query->term_count++;
    *ret_term = term;
    return 0;
}

static int add_scalar(struct query *query, const char *field, enum query_op op, const json_t *value,
                      struct ein_error *err)
{
    struct query_term *term = NULL;
    int r = add_term(query, field, op, 1, &term, err);

    if (r < 0)
        return r;
    return key_make(value, &term->keys[0]) < 0 ? error_no_memory(err) : 0;
}

static int add_in(struct query *query, const char *field, const json_t *values,
                  struct ein_error *err)
{
    struct query_term *term = NULL;
    size_t i;
    json_t *value;
    int r;

    if (!json_is_array(values))
        return error_set(err, EIN_E_INVALID, "'$in' of '%s' is not an array", field);
    if (json_array_size(values) > QUERY_IN_MAX)
        return error_set(err, EIN_E_INVALID, "'$in' of '%s' has more than %d values", field,
                         QUERY_IN_MAX);

    r = add_term(query, field, QUERY_IN, json_array_size(values), &term, err);
    if (r < 0)
        return r;
    json_array_foreach(values, i, value)
    {
        if (!is_scalar(value))
            return error_set(err, EIN_E_INVALID,
                             "'$in' of '%s' compares with null, booleans, numbers and text only",
                             field);
        if (key_make(value, &term->keys[i]) < 0)
            return error_no_memory(err);
    }
    return 0;
}

static int add_prefix(struct query *query, const char *field, const json_t *text,
                      struct ein_error *err)
{
    struct query_term *term = NULL;
    int r;

    if (!json_is_string(text))
        return error_set(err, EIN_E_INVALID, "'$prefix' of '%s' is not text", field);
    r = add_term(query, field, QUERY_PREFIX, 2, &term, err);
    if (r < 0)
        return r;
    if (key_make(text, &term->keys[0]) < 0 || key_make_past_prefix(text, &term->keys[1]) < 0)
        return error_no_memory(err);
    return 0;
}

static int add_operator(struct query *query, const char *field, const char *name,
                        const json_t *value, struct ein_error *err)
{
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (strcmp(name, operators[i].name) != 0)
            continue;
        if (operators[i].operand == SCALARS)
            return add_in(query, field, value, err);
        if (operators[i].operand == TEXT)
            return add_prefix(query, field, value, err);
        if (!is_scalar(value))
            return error_set(err, EIN_E_INVALID,
                             "'%s' of '%s' compares with null, booleans, numbers and text only",
                             name, field);
        return add_scalar(query, field, operators[i].op, value, err);
    }
    return error_set(err, EIN_E_INVALID,
                     "'%.40s' of '%s' is not an operator: $ne $gt $gte $lt $lte $in $prefix", name,
                     field);
}

static int add_condition(struct query *query, const char *field, const json_t *condition,
                         struct ein_error *err)
{
    const char *name;
    json_t *value;
    int r = doc_check_field(field, err);

    if (r < 0)
        return r;
    if (json_is_array(condition))
        return error_set(err, EIN_E_INVALID, "'%s' cannot be compared with an array", field);
    if (!json_is_object(condition))
        return add_scalar(query, field, QUERY_EQ, condition, err);
    if (json_object_size(condition) == 0)
        return error_set(err, EIN_E_INVALID, "'%s' has no operator", field);

    json_object_foreach((json_t *)condition, name, value)
    {
        r = add_operator(query, field, name, value, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int parse_where(struct query *query, const json_t *where, struct ein_error *err)
{
    const char *field;
    json_t *condition;

    if (!where)
        return 0;
    if (!json_is_object(where))
        return error_set(err, EIN_E_INVALID, "A filter is a JSON object");
    json_object_foreach((json_t *)where, field, condition)
    {
        int r = add_condition(query, field, condition, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int parse_order(struct query *query, const char *const *order, struct ein_error *err)
{
    for (; order && *order; order++) {
        bool descending = **order == '-';
        const char *field = *order + descending;
        int r = doc_check_field(field, err);

        if (r < 0)
            return r;
        if (query->order_count == QUERY_ORDER_MAX)
            return error_set(err, EIN_E_INVALID, "Documents are ordered by at most %d fields",
                             QUERY_ORDER_MAX);
        query->order[query->order_count++] = (struct query_order){ field, descending };
    }
    return 0;
}

/* Two queries that differ anywhere but in limit and cursor have different ones. */
static int take_fingerprint(struct query *query, const char *set, const json_t *where,
                            struct ein_error *err)
{
    EIN_FREE char *text = json_dumps(where, JSON_COMPACT | JSON_SORT_KEYS);
    uint64_t hash = hash_fnv(HASH_FNV_START, set, strlen(set) + 1);

    if (where && !text)
        return error_no_memory(err);
    if (text)
        hash = hash_fnv(hash, text, strlen(text) + 1);
    for (size_t i = 0; i < query->order_count; i++) {
        hash = hash_fnv(hash, query->order[i].descending ? "-" : "+", 1);
        hash = hash_fnv(hash, query->order[i].field, strlen(query->order[i].field) + 1);
    }
    query->fingerprint = hash;
    return 0;
}

int query_parse_where(struct query *query, const char *set, const json_t *where,
                      struct ein_error *err)
{
    struct ein_query from = { .struct_size = sizeof(from), .where = where };

    return query_parse(query, set, &from, err);
}

int query_parse(struct query *query, const char *set, const struct ein_query *from,
                struct ein_error *err)
{
    static const struct ein_query everything = { .struct_size = sizeof(everything) };
    int r;

    query->term_count = query->order_count = 0;
    query->resumed = false;

    if (!from)
        from = &everything;
    if (from->struct_size < QUERY_SIZE_1_0)
        return error_set(err, EIN_E_INVALID, "A query has at least %zu bytes", QUERY_SIZE_1_0);
    query->limit = from->limit ? from->limit : UINT32_MAX;
    query->fields = EIN_HAS(struct ein_query, from, fields) ? from->fields : NULL;

    r = doc_check_set(set, err);
    if (r >= 0)
        r = parse_where(query, from->where, err);
    if (r >= 0)
        r = parse_order(query, from->order, err);
    if (r >= 0)
        r = take_fingerprint(query, set, from->where, err);
    if (r >= 0 && from->cursor)
        r = query_resume(query, from->cursor, err);
    return r;
}

void query_done(struct query *query)
{
    for (size_t i = 0; i < query->term_count; i++) {
        for (size_t k = 0; k < query->terms[i].key_count; k++)
            key_done(&query->terms[i].keys[k]);
        free(query->terms[i].keys);
    }
    for (size_t i = 0; query->resumed && i < query->order_count; i++)
        key_done(&query->after[i]);
}

static bool is_one_of(const struct query_term *term, const struct key *key)
{
    for (size_t i = 0; i < term->key_count; i++)
        if (key_compare(&term->keys[i], key) == 0)
            return true;
    return false;
}

bool query_term_match(const struct query_term *term, const struct key *key)
{
    const struct key *keys = term->keys;

    if (key_tag(key) == KEY_OTHER)
        return false;

    switch (term->op) {
    case QUERY_EQ:
        return key_compare(key, &keys[0]) == 0;
    case QUERY_NE:
        return key_compare(key, &keys[0]) != 0;
    case QUERY_IN:
        return is_one_of(term, key);
    default:
        break;
    }
    if (key_tag(key) == KEY_NULL)
        return false;

    switch (term->op) {
    case QUERY_GT:
        return key_compare(key, &keys[0]) > 0;
    case QUERY_GTE:
        return key_compare(key, &keys[0]) >= 0;
    case QUERY_LT:
        return key_compare(key, &keys[0]) < 0;
    case QUERY_LTE:
        return key_compare(key, &keys[0]) <= 0;
    case QUERY_PREFIX:
        return key_compare(key, &keys[0]) >= 0 && key_compare(key, &keys[1]) < 0;
    default:
        return false;
    }
}
