/* SPDX-License-Identifier: Apache-2.0 */
/* A query becomes SQL whose shape follows from its operators alone: every name,
 * path and value is bound.  A field is the bytes that sort as its values do: a
 * column kN where it is indexed, else ein_key() of the text. */
#include "cache.h"
#include "catalog.h"
#include "document.h"
#include "documents.h"
#include "error.h"
#include "hits.h"
#include "readers.h"

#include <string.h>

enum { BINDS_PER_TERM = 3 };

struct bind {
    const void *data;
    size_t len;
    int64_t number;
    bool is_text, is_number; /* else a blob */
};

struct builder {
    sqlite3_str *sql;
    const json_t *indexes;
    struct bind *binds;
    size_t bind_count, bind_max;
};

static void add_bind(struct builder *builder, struct bind bind)
{
    if (builder->bind_count < builder->bind_max)
        builder->binds[builder->bind_count] = bind;
    builder->bind_count++;
}

static bool is_id(const char *field)
{
    return strcmp(field, "_id") == 0;
}

static void add_field(struct builder *builder, const char *field)
{
    const json_t *number = json_object_get(builder->indexes, field);

    if (is_id(field)) {
        sqlite3_str_appendall(builder->sql, "id");
    } else if (number) {
        sqlite3_str_appendf(builder->sql, "k%lld", json_integer_value(number));
    } else {
        sqlite3_str_appendall(builder->sql, "ein_key(body, ?)");
        add_bind(builder, (struct bind){ field, strlen(field), .is_text = true });
    }
}

/* FIELD SIGN KEY.  The id is stored as text, without the key's tag. */
static void add_comparison(struct builder *builder, const char *field, const char *sign,
                           const struct key *key)
{
    add_field(builder, field);
    sqlite3_str_appendf(builder->sql, " %s ?", sign);
    if (is_id(field))
        add_bind(builder, (struct bind){ key->data + 1, key->len - 1, .is_text = true });
    else
        add_bind(builder, (struct bind){ key->data, key->len });
}

static void add_in(struct builder *builder, const struct query_term *term)
{
    const char *separator = "";

    add_field(builder, term->field);
    sqlite3_str_appendall(builder->sql, " IN (");
    for (size_t i = 0; i < term->key_count; i++) {
        const struct key *key = &term->keys[i];
        if (is_id(term->field) && key_tag(key) != KEY_TEXT)
            continue;
        sqlite3_str_appendf(builder->sql, "%s?", separator);
        separator = ", ";
        if (is_id(term->field))
            add_bind(builder, (struct bind){ key->data + 1, key->len - 1, .is_text = true });
        else
            add_bind(builder, (struct bind){ key->data, key->len });
    }
    sqlite3_str_appendall(builder->sql, ")");
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

static void add_bounds(struct builder *builder, const struct query_term *term)
{
    static const unsigned char null = KEY_NULL, other = KEY_OTHER;

    if (comparisons[term->op].not_null) {
        sqlite3_str_appendall(builder->sql, " AND ");
        add_comparison(builder, term->field, ">", &(struct key){ (unsigned char *)&null, 1 });
    }
    if (comparisons[term->op].not_other) {
        sqlite3_str_appendall(builder->sql, " AND ");
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
    sqlite3_str_appendall(builder->sql, always ? "1" : "0");
    return true;
}

static bool is_empty_prefix_of_id(const struct query_term *term)
{
    return is_id(term->field) && term->op == QUERY_PREFIX && term->keys[0].len == 1;
}

static void add_term(struct builder *builder, const struct query_term *term)
{
    if (is_id(term->field) && add_id_against_other_type(builder, term))
        return;
    if (is_empty_prefix_of_id(term)) {
        sqlite3_str_appendall(builder->sql, "1");
    } else if (term->op == QUERY_IN) {
        add_in(builder, term);
    } else if (term->op == QUERY_PREFIX) {
        add_comparison(builder, term->field, ">=", &term->keys[0]);
        sqlite3_str_appendall(builder->sql, " AND ");
        add_comparison(builder, term->field, "<", &term->keys[1]);
    } else {
        add_comparison(builder, term->field, comparisons[term->op].sign, &term->keys[0]);
        if (!is_id(term->field))
            add_bounds(builder, term);
    }
}

static void add_terms(struct builder *builder, const struct query *query)
{
    for (size_t i = 0; i < query->term_count; i++) {
        sqlite3_str_appendall(builder->sql, i ? " AND (" : " WHERE (");
        add_term(builder, &query->terms[i]);
        sqlite3_str_appendall(builder->sql, ")");
    }
}

/* Behind the cursor in (a, b, seq): a > A OR a = A AND (b > B OR b = B AND seq > SEQ). */
static void add_cursor(struct builder *builder, const struct query *query)
{
    if (!query->resumed)
        return;
    sqlite3_str_appendall(builder->sql, query->term_count ? " AND (" : " WHERE (");
    for (size_t i = 0; i < query->order_count; i++) {
        const struct query_order *order = &query->order[i];
        add_comparison(builder, order->field, order->descending ? "<=" : ">=", &query->after[i]);
        sqlite3_str_appendall(builder->sql, " AND (");
        add_comparison(builder, order->field, order->descending ? "<" : ">", &query->after[i]);
        sqlite3_str_appendall(builder->sql, " OR (");
    }
    sqlite3_str_appendall(builder->sql, "seq > ?");
    add_bind(builder, (struct bind){ .number = (int64_t)query->after_seq, .is_number = true });
    for (size_t i = 0; i < query->order_count; i++)
        sqlite3_str_appendall(builder->sql, "))");
    sqlite3_str_appendall(builder->sql, ")");
}

static void add_order(struct builder *builder, const struct query *query)
{
    sqlite3_str_appendall(builder->sql, " ORDER BY ");
    for (size_t i = 0; i < query->order_count; i++) {
        add_field(builder, query->order[i].field);
        sqlite3_str_appendall(builder->sql, query->order[i].descending ? " DESC, " : ", ");
    }
    sqlite3_str_appendall(builder->sql, "seq");
}

static int bind_all(sqlite3_stmt *stmt, const struct builder *builder, struct ein_error *err)
{
    for (size_t i = 0; i < builder->bind_count; i++) {
        const struct bind *bind = &builder->binds[i];
        int column = (int)i + 1, r;
        if (bind->is_number)
            r = sqlite3_bind_int64(stmt, column, bind->number);
        else if (bind->is_text)
            r = sqlite3_bind_text64(stmt, column, bind->data, bind->len, SQLITE_STATIC,
                                    SQLITE_UTF8);
        else
            r = sqlite3_bind_blob64(stmt, column, bind->data, bind->len, SQLITE_STATIC);
        if (r != SQLITE_OK)
            return doc_no_memory(err);
    }
    return 0;
}

static size_t most_binds(const struct query *query)
{
    size_t count = 1 + query->order_count * 2 * 3 + 1; /* limit; in cursor and order; seq */

    for (size_t i = 0; i < query->term_count; i++)
        count += query->terms[i].key_count + 2 * BINDS_PER_TERM;
    return count;
}

/* Prepares and binds SELECT COLUMNS for QUERY, in order unless they are counted. */
static int prepare(struct db *db, const char *columns, const char *set, const json_t *indexes,
                   const struct query *query, bool ordered, struct builder *builder,
                   sqlite3_stmt **ret_stmt, struct ein_error *err)
{
    builder->indexes = indexes;
    builder->bind_max = most_binds(query);
    builder->binds = calloc(builder->bind_max, sizeof(*builder->binds));
    if (!builder->binds)
        return doc_no_memory(err);

    builder->sql = sqlite3_str_new(db->handle);
    sqlite3_str_appendf(builder->sql, "SELECT %s FROM \"set_%w\"", columns, set);
    add_terms(builder, query);
    add_cursor(builder, query);
    if (ordered) {
        add_order(builder, query);
        sqlite3_str_appendall(builder->sql, " LIMIT ?");
        add_bind(builder, (struct bind){ .number = (int64_t)query->limit + 1, .is_number = true });
    }
    char *sql = sqlite3_str_finish(builder->sql);
    int r = sql ? db_prepare(db, sql, ret_stmt, err) : doc_no_memory(err);
    sqlite3_free(sql);
    if (r >= 0 && builder->bind_count > builder->bind_max)
        r = error_set(err, EIN_E_INTERNAL, "A query has more values than were foreseen");
    return r < 0 ? r : bind_all(*ret_stmt, builder, err);
}

/* A document that is known under the row's revision need not be parsed again. */
static int read_hit(struct sqlite *store, const char *set, sqlite3_stmt *stmt, json_t **ret_doc,
                    struct ein_error *err)
{
    const char *id = (const char *)sqlite3_column_text(stmt, 1);
    const char *rev = (const char *)sqlite3_column_text(stmt, 2);
    uint64_t ticket;
    EIN_JSON json_t *known = cache_get(store->cache, set, id, &ticket);

    if (known && strcmp(doc_rev(known), rev) == 0) {
        *ret_doc = EIN_TAKE(known);
        return 0;
    }
    const char *body = (const char *)sqlite3_column_text(stmt, 3);
    return doc_decode(body ? body : "", (size_t)sqlite3_column_bytes(stmt, 3), id, rev, ret_doc,
                      err);
}

static int select_hits(struct sqlite *store, struct db *db, const char *set, const json_t *indexes,
                       const struct query *query, struct hits *hits, struct ein_error *err)
{
    EIN_STMT sqlite3_stmt *stmt = NULL;
    struct builder builder = { 0 };
    int r = prepare(db, "seq, id, rev, body", set, indexes, query, true, &builder, &stmt, err);

    while (r >= 0 && (r = db_step(db, stmt, err)) > 0) {
        json_t *doc;
        r = read_hit(store, set, stmt, &doc, err);
        if (r >= 0)
            r = hits_add(hits, doc, (uint64_t)sqlite3_column_int64(stmt, 0), err);
    }
    free(builder.binds);
    return r;
}

static int collect(struct sqlite *store, const char *set, const struct query *query,
                   struct hits *hits, struct ein_error *err)
{
    EIN_JSON json_t *indexes = catalog_set(store->catalog, set);
    struct db *db;
    int r;

    if (!indexes)
        return 0;
    r = readers_take(store->readers, &db, err);
    if (r < 0)
        return r;
    r = select_hits(store, db, set, indexes, query, hits, err);
    readers_give(store->readers, db);
    return r;
}

/* The documents are handed out after the reader has been given back: `each` may
 * take its time, and may call the store. */
int sqlite_find(void *impl, const char *set, const struct ein_query *from, ein_doc_fn *each,
                void *data, char **ret_cursor, struct ein_error *err)
{
    struct sqlite *store = impl;
    struct hits hits = { 0 };
    struct query query;
    int r = sqlite_check_open(store, err);

    if (r < 0)
        return r;
    r = query_parse(&query, set, from, err);
    if (r >= 0)
        r = collect(store, set, &query, &hits, err);
    if (r >= 0)
        r = hits_deliver(&hits, &query, store->host, each, data, ret_cursor, err);
    hits_done(&hits);
    query_done(&query);
    return r;
}

static int select_count(struct db *db, const char *set, const json_t *indexes,
                        const struct query *query, uint64_t *ret_count, struct ein_error *err)
{
    EIN_STMT sqlite3_stmt *stmt = NULL;
    struct builder builder = { 0 };
    int r = prepare(db, "count(*)", set, indexes, query, false, &builder, &stmt, err);

    if (r >= 0)
        r = db_step(db, stmt, err);
    if (r >= 0)
        *ret_count = (uint64_t)sqlite3_column_int64(stmt, 0);
    free(builder.binds);
    return r < 0 ? r : 0;
}

static int count(struct sqlite *store, const char *set, const struct query *query,
                 uint64_t *ret_count, struct ein_error *err)
{
    EIN_JSON json_t *indexes = catalog_set(store->catalog, set);
    struct db *db;
    int r;

    if (!indexes) {
        *ret_count = 0;
        return 0;
    }
    r = readers_take(store->readers, &db, err);
    if (r < 0)
        return r;
    r = select_count(db, set, indexes, query, ret_count, err);
    readers_give(store->readers, db);
    return r;
}

int sqlite_tally(void *impl, const char *set, const json_t *where, uint64_t *ret_count,
                 struct ein_error *err)
{
    struct sqlite *store = impl;
    struct query query;
    int r = sqlite_check_open(store, err);

    if (r < 0)
        return r;
    r = query_parse_where(&query, set, where, err);
    if (r >= 0)
        r = count(store, set, &query, ret_count, err);
    query_done(&query);
    return r;
}
