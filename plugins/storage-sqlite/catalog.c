/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog.h"

#include "error.h"

struct catalog {
    pthread_mutex_t lock;
    json_t *sets; /* guarded by lock */
};

struct catalog *catalog_new(void)
{
    struct catalog *catalog = calloc(1, sizeof(*catalog));

    if (catalog)
        pthread_mutex_init(&catalog->lock, NULL);
    return catalog;
}

void catalog_free(struct catalog *catalog)
{
    if (!catalog)
        return;
    json_decref(catalog->sets);
    pthread_mutex_destroy(&catalog->lock);
    free(catalog);
}

json_t *catalog_set(struct catalog *catalog, const char *set)
{
    EIN_LOCKED(&catalog->lock);
    return json_incref(json_object_get(catalog->sets, set));
}

json_t *catalog_names(struct catalog *catalog)
{
    EIN_LOCKED(&catalog->lock);
    EIN_JSON json_t *names = json_array();
    const char *name;
    json_t *set;

    json_object_foreach(catalog->sets, name, set)
    {
        if (json_array_append_new(names, json_string(name)) < 0)
            return NULL;
    }
    return EIN_TAKE(names);
}

void catalog_publish(struct catalog *catalog, json_t *sets)
{
    EIN_LOCKED(&catalog->lock);
    json_decref(catalog->sets);
    catalog->sets = json_incref(sets);
}

static const char *column_text(sqlite3_stmt *stmt, int column)
{
    return (const char *)sqlite3_column_text(stmt, column);
}

int catalog_read(struct db *db, json_t **ret_sets, struct ein_error *err)
{
    EIN_JSON json_t *sets = json_object();
    EIN_STMT sqlite3_stmt *stmt = NULL;
    int r = db_prepare(db,
                       "SELECT name, field, number FROM ein_sets"
                       " LEFT JOIN ein_indexes ON set_name = name ORDER BY name, number",
                       &stmt, err);

    while (r >= 0 && (r = db_step(db, stmt, err)) > 0) {
        const char *name = column_text(stmt, 0), *field = column_text(stmt, 1);
        if (!json_object_get(sets, name) && json_object_set_new(sets, name, json_object()) < 0)
            return error_no_memory(err);
        if (field && json_object_set_new(json_object_get(sets, name), field,
                                         json_integer(sqlite3_column_int64(stmt, 2))) < 0)
            return error_no_memory(err);
    }
    if (r < 0)
        return r;
    *ret_sets = EIN_TAKE(sets);
    return 0;
}
