/* SPDX-License-Identifier: Apache-2.0 */
#include "sql_query.h"

#include "buf.h"
#include "document.h"
#include "error.h"

#include <string.h>

enum { BINDS_PER_COMPARISON = 2, COMPARISONS_PER_TERM = 3, COMPARISONS_PER_ORDER = 3 };

struct builder {
    const struct sql_of *of;
    struct sql *sql;
    struct buf text;
    size_t bind_max;
};

static void add(struct builder *builder, const char *text)
{
    (void)buf_text(&builder->text, text);
}

static void add_bind(struct builder *builder, struct sql_bind bind)
{
    struct sql *sql = builder->sql;

    if (sql->bind_count < builder->bind_max)
        sql->binds[sql->bind_count] = bind;
    sql->bind_count++;
    if (builder->of->numbered)
        (void)buf_printf(&builder->text, "$%zu", sql->bind_count);
    else
        add(builder, "?");
}

static bool is_id(const char *field)
{
    return strcmp(field, "_id") == 0;
}

static void add_field(struct builder *builder, const char *field)
{
    const json_t *number = json_object_get(builder->of->keys, field);

    if (is_id(field)) {
        add(builder, "id");
    } else if (number) {
        (void)buf_printf(&builder->text, "k%d", (int)json_integer_value(number));
    } else {
        add(builder, "ein_key(body, ");
        add_bind(builder, (struct sql_bind){ SQL_TEXT, field, strlen(field), 0 });
        add(builder, ")");
    }
}

static bool is_cut(const struct builder *builder, const char *field)
{
    return json_object_get(builder->of->cut, field) != NULL;
}

/* Whether the index says how a value of FIELD compares with KEY: what it leaves out of a longer
 * one does not count then.  A database that is asked for both thinks that few are both. */
static bool index_decides(const struct builder *builder, const char *field, const struct key *key)
{
    return is_cut(builder, field) && key->len < builder->of->key_indexed;
}

/* As far as it is in the index. */
static void add_indexed_field(struct builder *builder, const char *field)
{
    add(builder, "substring(");
    add_field(builder, field);
    (void)buf_printf(&builder->text, ", 1, %u)", builder->of->key_indexed);
}

/* The id is stored as text, without the key's tag. */
static struct sql_bind key_bind(const char *field, const struct key *key)
{
    if (is_id(field))
        return (struct sql_bind){ SQL_TEXT, key->data + 1, key->len - 1, 0 };
    return (struct sql_bind){ SQL_BYTES, key->data, key->len, 0 };
}

/* What follows from FIELD SIGN (the next parameter), in terms of the index. */
static void add_hint(struct builder *builder, const char *field, const char *sign)
{
    add_indexed_field(builder, field);
    (void)buf_printf(&builder->text, " %s%s substring($%zu, 1, %u) AND ", sign,
                     sign[1] || *sign == '=' ? "" : "=", builder->sql->bind_count + 1,
                     builder->of->key_indexed);
}

static void add_comparison(struct builder *builder, const char *field, const char *sign,
                           const struct key *key)
{
    if (index_decides(builder, field, key)) {
        add_indexed_field(builder, field);
    } else {
        if (is_cut(builder, field) && strcmp(sign, "<>") != 0)
            add_hint(builder, field, sign);
        add_field(builder, field);
    }
    (void)buf_printf(&builder->text, " %s ", sign);
    add_bind(builder, key_bind(field, key));
}

/* The same for FIELD IN (the last COUNT parameters). */
static void add_in_hint(struct builder *builder, const char *field, size_t count)
{
    const char *separator = " IN (";

    add(builder, " AND ");
    add_indexed_field(builder, field);
    for (size_t i = builder->sql->bind_count - count + 1; i <= builder->sql->bind_count; i++) {
        (void)buf_printf(&builder->text, "%ssubstring($%zu, 1, %u)", separator, i,
                         builder->of->key_indexed);
        separator = ", ";
    }
    add(builder, ")");
}

static void add_in(struct builder *builder, const struct query_term *term)
{
    const char *separator = " IN (";
    bool decided = true;
    size_t count = 0;

    for (size_t i = 0; i < term->key_count; i++)
        decided = decided && index_decides(builder, term->field, &term->keys[i]);

    for (size_t i = 0; i < term->key_count; i++) {
        const struct key *key = &term->keys[i];
        if (is_id(term->field) && (key_tag(key) != KEY_TEXT || memchr(key->data, '\0', key->len)))
            continue;
        if (count++ == 0)
            (decided ? add_indexed_field : add_field)(builder, term->field);
        add(builder, separator);
        separator = ", ";
        add_bind(builder, key_bind(term->field, key));
    }
    add(builder, count ? ")" : "1 = 0");
    if (count && !decided && is_cut(builder, term->field))
        add_in_hint(builder, term->field, count);
}

/* The bounds keep null out of ranges, and arrays and objects out of everything. */
static const struct {
    const char *sign;
    bool not_null, not_other;
} comparisons[] = {
    [QUERY_EQ] = { "=", false, false }, [QUERY_NE] = { "<>", false, true },
    [QUERY_GT] = { ">", true, true },   [QUERY_GTE] = { ">=", true, true },
    [QUERY_LT] = { "<", true, false },  [QUERY_LTE] = { "<=", true, false },
};

static bool is_below(const struct query_term *term)
{
    return term->op == QUERY_LT || term->op == QUERY_LTE || term->op == QUERY_PREFIX;
}

static bool is_above_null(const struct query_term *term)
{
    return term->op == QUERY_PREFIX ||
           ((term->op == QUERY_GT || term->op == QUERY_GTE) && key_tag(&term->keys[0]) > KEY_NULL);
}

/* Is what IS says of a condition true of one of those on FIELD? */
static bool one_of_field(const struct query *query, const char *field,
                         bool (*is)(const struct query_term *))
{
    for (size_t i = 0; i < query->term_count; i++)
        if (strcmp(query->terms[i].field, field) == 0 && is(&query->terms[i]))
            return true;
    return false;
}

/* Only those that do not follow from what else is asked of the field: a database that has two
 * bounds on the same side goes through its index from either of them, however far away. */
static void add_bounds(struct builder *builder, const struct query *query,
                       const struct query_term *term)
{
    static const unsigned char null = KEY_NULL, other = KEY_OTHER;

    if (comparisons[term->op].not_null && !one_of_field(query, term->field, is_above_null)) {
        add(builder, " AND ");
        add_comparison(builder, term->field, ">", &(struct key){ (unsigned char *)&null, 1 });
    }
    if (comparisons[term->op].not_other && !one_of_field(query, term->field, is_below)) {
        add(builder, " AND ");
        add_comparison(builder, term->field, "<", &(struct key){ (unsigned char *)&other, 1 });
    }
}

/* An id is text, so what it is compared with decides unless that is text too. */
static bool add_id_against_other_type(struct builder *builder, const struct query_term *term)
{
    static const unsigned char text = KEY_TEXT;

    if (term->op == QUERY_IN || term->op == QUERY_PREFIX || key_tag(&term->keys[0]) == KEY_TEXT)
        return false;
    bool always = query_term_match(term, &(struct key){ (unsigned char *)&text, 1 });
    add(builder, always ? "1 = 1" : "1 = 0");
    return true;
}

/* No id has a zero in it, and not every database takes one in a text: what there is before it
 * decides. */
static bool add_id_against_zero(struct builder *builder, const struct query_term *term)
{
    const struct key *key = &term->keys[0];
    const unsigned char *zero = term->op == QUERY_IN ? NULL : memchr(key->data, '\0', key->len);

    if (!zero)
        return false;
    if (term->op == QUERY_EQ || term->op == QUERY_PREFIX)
        add(builder, "1 = 0");
    else if (term->op == QUERY_NE)
        add(builder, "1 = 1");
    else
        add_comparison(builder, term->field, is_below(term) ? "<=" : ">",
                       &(struct key){ key->data, (size_t)(zero - key->data) });
    return true;
}

static void add_term(struct builder *builder, const struct query *query,
                     const struct query_term *term)
{
    if (is_id(term->field) &&
        (add_id_against_other_type(builder, term) || add_id_against_zero(builder, term)))
        return;
    if (term->op == QUERY_IN) {
        add_in(builder, term);
    } else if (term->op == QUERY_PREFIX) {
        add_comparison(builder, term->field, ">=", &term->keys[0]);
        if (is_id(term->field) && key_tag(&term->keys[1]) != KEY_TEXT)
            return; /* all ids are text */
        add(builder, " AND ");
        add_comparison(builder, term->field, "<", &term->keys[1]);
    } else {
        add_comparison(builder, term->field, comparisons[term->op].sign, &term->keys[0]);
        if (!is_id(term->field))
            add_bounds(builder, query, term);
    }
}

static void add_terms(struct builder *builder, const struct query *query)
{
    for (size_t i = 0; i < query->term_count; i++) {
        add(builder, i || query->resumed ? " AND (" : " WHERE (");
        add_term(builder, query, &query->terms[i]);
        add(builder, ")");
    }
}

/* Behind the cursor in (a, b, seq): a > A OR a = A AND (b > B OR b = B AND seq > SEQ).  It comes
 * before the conditions: of two bounds SQLite begins at the one that it read first, and from those
 * of a range each page would go over all the pages before it. */
static void add_cursor(struct builder *builder, const struct query *query)
{
    if (!query->resumed)
        return;
    add(builder, " WHERE (");
    for (size_t i = 0; i < query->order_count; i++) {
        const struct query_order *order = &query->order[i];
        add_comparison(builder, order->field, order->descending ? "<=" : ">=", &query->after[i]);
        add(builder, " AND (");
        add_comparison(builder, order->field, order->descending ? "<" : ">", &query->after[i]);
        add(builder, " OR (");
    }
    add(builder, "seq > ");
    add_bind(builder, (struct sql_bind){ SQL_NUMBER, NULL, 0, (int64_t)query->after_seq });
    for (size_t i = 0; i < query->order_count; i++)
        add(builder, "))");
    add(builder, ")");
}

static void add_order(struct builder *builder, const struct query *query)
{
    add(builder, " ORDER BY ");
    for (size_t i = 0; i < query->order_count; i++) {
        const struct query_order *order = &query->order[i];
        const char *direction = order->descending ? " DESC, " : ", ";

        if (is_cut(builder, order->field)) {
            add_indexed_field(builder, order->field);
            add(builder, direction);
        }
        add_field(builder, order->field);
        add(builder, direction);
    }
    add(builder, "seq LIMIT ");
    add_bind(builder, (struct sql_bind){ SQL_NUMBER, NULL, 0, sql_rows(builder->of, query) });
}

int64_t sql_rows(const struct sql_of *of, const struct query *query)
{
    return of->most && query->limit > of->most ? of->most : (int64_t)query->limit + 1;
}

static size_t most_binds(const struct query *query)
{
    size_t count = 2 + query->order_count * COMPARISONS_PER_ORDER * BINDS_PER_COMPARISON;

    for (size_t i = 0; i < query->term_count; i++)
        count += query->terms[i].key_count + COMPARISONS_PER_TERM * BINDS_PER_COMPARISON;
    return count;
}

int sql_query(const struct sql_of *of, const struct query *query, struct sql *ret_sql,
              struct ein_error *err)
{
    struct builder builder = { .of = of, .sql = ret_sql, .bind_max = most_binds(query) };

    *ret_sql = (struct sql){ .binds = calloc(builder.bind_max, sizeof(*ret_sql->binds)) };
    if (!ret_sql->binds)
        return error_no_memory(err);
    buf_init(&builder.text, SIZE_MAX);
    (void)buf_printf(&builder.text, "SELECT %s FROM %s", of->columns, of->table);
    add_cursor(&builder, query);
    add_terms(&builder, query);
    if (of->ordered)
        add_order(&builder, query);
    ret_sql->text = buf_take(&builder.text, NULL);
    if (!ret_sql->text)
        return error_no_memory(err);
    if (ret_sql->bind_count > builder.bind_max)
        return error_set(err, EIN_E_INTERNAL, "A query has more values than were foreseen");
    return 0;
}

void sql_done(struct sql *sql)
{
    free(sql->text);
    free(sql->binds);
}
