/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog.h"
#include "cleanup.h"
#include "document.h"
#include "error.h"
#include "writer.h"

#include <stdio.h>
#include <string.h>

enum { SQL_MAX = 512, COLUMN_SIZE = 16 };

struct index {
    const char *set, *field;
};

static int add_column(struct db *db, const char *set, int number, struct ein_error *err)
{
    char sql[SQL_MAX];

    sqlite3_snprintf(sizeof(sql), sql, "ALTER TABLE \"set_%w\" ADD COLUMN k%d BLOB", set, number);
    return db_script(db, sql, err);
}

static int fill_column(struct db *db, const struct index *index, int number, struct ein_error *err)
{
    EIN_STMT sqlite3_stmt *stmt = NULL;
    char sql[SQL_MAX];
    int r;

    sqlite3_snprintf(sizeof(sql), sql, "UPDATE \"set_%w\" SET k%d = ein_key(body, ?)", index->set,
                     number);
    r = db_prepare(db, sql, &stmt, err);
    if (r < 0)
        return r;
    sqlite3_bind_text(stmt, 1, index->field, -1, SQLITE_STATIC);
    return db_step(db, stmt, err);
}

static int add_index(struct db *db, const char *set, int number, struct ein_error *err)
{
    char sql[SQL_MAX];

    sqlite3_snprintf(sizeof(sql), sql, "CREATE INDEX \"set_%w_k%d\" ON \"set_%w\"(k%d)", set,
                     number, set, number);
    return db_script(db, sql, err);
}

static int record(struct db *db, const struct index *index, int number, struct ein_error *err)
{
    EIN_STMT sqlite3_stmt *stmt = NULL;
    int r = db_prepare(db, "INSERT INTO ein_indexes VALUES(?, ?, ?)", &stmt, err);

    if (r < 0)
        return r;
    sqlite3_bind_text(stmt, 1, index->set, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, index->field, -1, SQLITE_STATIC);
    sqlite3_bind_int(stmt, 3, number);
    return db_step(db, stmt, err);
}

static int run_index(struct writing *writing, void *data, struct ein_error *err)
{
    const struct index *index = data;
    const json_t *indexes;
    int r = writing_need_set(writing, index->set, &indexes, err);

    if (r < 0)
        return r;
    if (json_object_get(indexes, index->field)) /* someone was faster */
        return 0;
    int number = (int)json_object_size(indexes) + 1;
    if (number > INDEXES_MAX)
        return error_set(err, EIN_E_INVALID, "'%s' has %d indexed fields already", index->set,
                         INDEXES_MAX);

    r = add_column(writing->db, index->set, number, err);
    if (r >= 0)
        r = fill_column(writing->db, index, number, err);
    if (r >= 0)
        r = add_index(writing->db, index->set, number, err);
    if (r >= 0)
        r = record(writing->db, index, number, err);
    return r < 0 ? r : writing_reload(writing, err);
}

/* Where FIELD is: a column's name, "id" or "kN". */
static void name_column(const json_t *indexes, const char *field, char name[COLUMN_SIZE])
{
    if (strcmp(field, "_id") == 0)
        snprintf(name, COLUMN_SIZE, "id");
    else
        snprintf(name, COLUMN_SIZE, "k%d",
                 (int)json_integer_value(json_object_get(indexes, field)));
}

struct pair {
    const char *set, *first, *second;
};

static int run_pair(struct writing *writing, void *data, struct ein_error *err)
{
    const struct pair *pair = data;
    const json_t *indexes;
    char sql[SQL_MAX], first[COLUMN_SIZE], second[COLUMN_SIZE];
    int r = writing_need_set(writing, pair->set, &indexes, err);

    if (r < 0)
        return r;
    name_column(indexes, pair->first, first);
    name_column(indexes, pair->second, second);
    sqlite3_snprintf(sizeof(sql), sql,
                     "CREATE INDEX IF NOT EXISTS \"set_%w_%s_%s\" ON \"set_%w\"(%s, %s)", pair->set,
                     first, second, pair->set, first, second);
    return db_script(writing->db, sql, err);
}

static int index_one(struct sqlite *store, const char *set, const char *field,
                     struct ein_error *err)
{
    EIN_JSON json_t *indexes = catalog_set(store->catalog, set);
    struct index index = { set, field };

    if (strcmp(field, "_id") == 0 || json_object_get(indexes, field))
        return 0;
    return writer_do_unsynced(store->writer, run_index, &index, err);
}

int sqlite_index(void *impl, const char *set, const char *fields, struct ein_error *err)
{
    struct sqlite *store = impl;
    EIN_FREE char *first = NULL;
    struct pair pair = { .set = set };
    int r = sqlite_check_open(store, err);

    if (r >= 0)
        r = doc_check_index(set, fields, &first, &pair.second, err);
    pair.first = first;
    if (r >= 0 && first)
        r = index_one(store, set, first, err);
    if (r >= 0)
        r = index_one(store, set, pair.second, err);
    if (r >= 0 && first)
        r = writer_do_unsynced(store->writer, run_pair, &pair, err);
    return r < 0 ? r : 0;
}
