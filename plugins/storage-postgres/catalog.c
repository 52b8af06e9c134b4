/* SPDX-License-Identifier: Apache-2.0 */
/* Which sets and key columns there are.  Several servers share the tables: each keeps a copy, and
 * finds out that it is old when what it writes does not fit (see keys.c). */
#include "postgres.h"

#include "cleanup.h"
#include "document.h"
#include "error.h"

#include <stdio.h>
#include <string.h>

enum { SQL_MAX = 1024, VERSION = 1 };

struct catalog {
    pthread_mutex_t lock;
    json_t *keys;    /* {set: {field: N}}; guarded by lock, replaced as a whole */
    json_t *indexed; /* {set: {field: true}}; the same */
};

struct catalog *catalog_new(void)
{
    struct catalog *catalog = calloc(1, sizeof(*catalog));

    if (!catalog)
        return NULL;
    pthread_mutex_init(&catalog->lock, NULL);
    catalog->keys = json_object();
    catalog->indexed = json_object();
    return catalog;
}

void catalog_free(struct catalog *catalog)
{
    if (!catalog)
        return;
    json_decref(catalog->keys);
    json_decref(catalog->indexed);
    pthread_mutex_destroy(&catalog->lock);
    free(catalog);
}

/* ---- the database ---- */

static int check_version(struct conn *conn, struct ein_error *err)
{
    PGresult *result = NULL;
    int64_t version = 0;
    int r = conn_run(conn, "SELECT version FROM ein_schema", NULL, 0, &result, err);

    if (r < 0)
        return r;
    if (PQntuples(result) == 1)
        version = result_number(result, 0, 0);
    PQclear(result);
    if (version == VERSION)
        return 0;
    return error_set(
        err, EIN_E_UNSUPPORTED,
        "The tables are of version %lld, and this einion knows version %d: a newer one "
        "has used them",
        (long long)version, VERSION);
}

static int make_tables(struct conn *conn, struct ein_error *err)
{
    EIN_FREE char *text = NULL;
    char *schema = PQescapeIdentifier(conn->pg, conn->store->schema, strlen(conn->store->schema));
    int r;

    if (!schema ||
        asprintf(&text,
                 "CREATE SCHEMA IF NOT EXISTS %s;"
                 "CREATE TABLE IF NOT EXISTS ein_schema(version integer NOT NULL);"
                 "INSERT INTO ein_schema SELECT %d WHERE NOT EXISTS (SELECT 1 FROM ein_schema);"
                 "CREATE TABLE IF NOT EXISTS ein_sets(name text PRIMARY KEY);"
                 "CREATE TABLE IF NOT EXISTS ein_keys(set_name text NOT NULL REFERENCES ein_sets,"
                 " field text NOT NULL, number integer NOT NULL, indexed boolean NOT NULL,"
                 " PRIMARY KEY(set_name, field))",
                 schema, VERSION) < 0)
        r = error_no_memory(err);
    else
        r = conn_script(conn, text, err);
    PQfreemem(schema);
    return r;
}

/* The schema may not be there yet, so its name is locked, not itself. */
static int lock_schema(struct conn *conn, struct ein_error *err)
{
    const struct sql_bind name = { SQL_TEXT, conn->store->schema, strlen(conn->store->schema), 0 };

    return conn_run(conn, "SELECT pg_advisory_xact_lock(hashtext('einion'), hashtext($1))", &name,
                    1, NULL, err);
}

int catalog_migrate(struct conn *conn, void *data, struct ein_error *err)
{
    int r = conn_begin(conn, err);

    (void)data;
    if (r >= 0)
        r = lock_schema(conn, err);
    if (r >= 0)
        r = make_tables(conn, err);
    if (r >= 0)
        r = check_version(conn, err);
    if (r >= 0)
        r = conn_commit(conn, err);
    return r < 0 ? r : catalog_load(conn, err);
}

/* ---- the copy ---- */

static int add_row(json_t *keys, json_t *indexed, const PGresult *result, int row)
{
    const char *set = PQgetvalue(result, row, 0);
    json_t *of_set = json_object_get(keys, set), *index = json_object_get(indexed, set);

    if (!of_set) {
        if (json_object_set_new(keys, set, of_set = json_object()) < 0 ||
            json_object_set_new(indexed, set, index = json_object()) < 0)
            return -1;
    }
    if (PQgetisnull(result, row, 1))
        return 0; /* a set without keys */
    if (*PQgetvalue(result, row, 3) == 't' &&
        json_object_set_new(index, PQgetvalue(result, row, 1), json_true()) < 0)
        return -1;
    return json_object_set_new(of_set, PQgetvalue(result, row, 1),
                               json_integer(result_number(result, row, 2)));
}

int catalog_load(struct conn *conn, struct ein_error *err)
{
    struct catalog *catalog = conn->store->catalog;
    EIN_JSON json_t *keys = json_object();
    EIN_JSON json_t *indexed = json_object();
    PGresult *result = NULL;
    int r = conn_run(conn,
                     "SELECT s.name, k.field, k.number, k.indexed FROM ein_sets s"
                     " LEFT JOIN ein_keys k ON k.set_name = s.name ORDER BY s.name, k.number",
                     NULL, 0, &result, err);

    for (int row = 0; r >= 0 && row < PQntuples(result); row++)
        if (add_row(keys, indexed, result, row) < 0)
            r = error_no_memory(err);
    PQclear(result);
    if (r < 0 && conn->again) { /* nobody changes these tables */
        conn->again = false;
        conn_say(conn->store, "42P01", "the tables are gone, or not to be seen any more");
        return error_set(err, r, "The database's tables are gone, or not to be seen any more");
    }
    if (r < 0)
        return r;
    EIN_LOCKED(&catalog->lock);
    json_t *old_keys = catalog->keys, *old_indexed = catalog->indexed;
    catalog->keys = EIN_TAKE(keys);
    catalog->indexed = EIN_TAKE(indexed);
    json_decref(old_keys);
    json_decref(old_indexed);
    return 0;
}

json_t *catalog_keys(struct postgres *store, const char *set)
{
    EIN_LOCKED(&store->catalog->lock);
    return json_incref(json_object_get(store->catalog->keys, set));
}

json_t *catalog_indexed(struct postgres *store, const char *set)
{
    EIN_LOCKED(&store->catalog->lock);
    return json_incref(json_object_get(store->catalog->indexed, set));
}

int catalog_find(struct conn *conn, const char *set, json_t **ret_keys, struct ein_error *err)
{
    int r = 0;

    *ret_keys = catalog_keys(conn->store, set);
    if (!*ret_keys)
        r = catalog_load(conn, err);
    if (r >= 0 && !*ret_keys)
        *ret_keys = catalog_keys(conn->store, set);
    return r;
}

int catalog_names(struct conn *conn, json_t **ret_names, struct ein_error *err)
{
    EIN_JSON json_t *names = json_array();
    const char *name;
    json_t *keys;
    int r = names ? catalog_load(conn, err) : error_no_memory(err);

    if (r < 0)
        return r;
    EIN_LOCKED(&conn->store->catalog->lock);
    json_object_foreach(conn->store->catalog->keys, name, keys)
    {
        if (json_array_append_new(names, json_string(name)) < 0)
            return error_no_memory(err);
    }
    *ret_names = EIN_TAKE(names);
    return 0;
}

/* ---- making a set ---- */

static int make_set(struct conn *conn, const char *set, struct ein_error *err)
{
    const struct sql_bind name = { SQL_TEXT, set, strlen(set), 0 };
    char text[SQL_MAX];
    int r;

    snprintf(text, sizeof(text),
             "CREATE TABLE IF NOT EXISTS \"set_%s\"(seq bigserial PRIMARY KEY,"
             " id text COLLATE \"C\" NOT NULL UNIQUE, rev text NOT NULL, body text NOT NULL,"
             " keys integer NOT NULL CONSTRAINT keys_are_up_to_date CHECK (keys = 0))",
             set);
    r = conn_begin(conn, err);
    if (r >= 0)
        r = conn_script(conn, LOCK_TABLES, err);
    if (r >= 0)
        r = conn_script(conn, text, err);
    if (r >= 0)
        r = conn_run(conn, "INSERT INTO ein_sets VALUES($1) ON CONFLICT DO NOTHING", &name, 1, NULL,
                     err);
    if (r >= 0)
        r = conn_commit(conn, err);
    return r < 0 ? r : catalog_load(conn, err);
}

int catalog_need(struct conn *conn, const char *set, json_t **ret_keys, struct ein_error *err)
{
    int r = catalog_find(conn, set, ret_keys, err);

    if (r < 0 || *ret_keys)
        return r;
    r = make_set(conn, set, err);
    if (r < 0)
        return r;
    *ret_keys = catalog_keys(conn->store, set);
    return *ret_keys ? 0 : error_set(err, EIN_E_INTERNAL, "The set '%s' could not be made", set);
}
