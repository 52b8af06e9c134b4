/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of storage-postgres share. */
#pragma once

#include "document.h"
#include "ids.h"
#include "sql_query.h"

#include <einion/services.h>
#include <jansson.h>
#include <libpq-fe.h>
#include <stdbool.h>

enum {
    KEYS_MAX = 32,     /* columns for fields, of one set */
    KEY_INDEXED = 1024 /* bytes of a key that its index has: PostgreSQL takes no long ones */
};

/* Held by whoever changes tables, until the end of its transaction. */
#define LOCK_TABLES "SELECT pg_advisory_xact_lock(hashtext('einion'), hashtext(current_schema()))"

struct catalog;
struct pool;

struct postgres {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    const char *url, *schema; /* lent from the settings */
    int connections;
    uint32_t connect_s, wait_ms, statement_ms, index_ms, lock_ms;
    size_t max_bytes, find_bytes;
    struct pool *pool;
    struct catalog *catalog;
    bool open;
    uint64_t said; /* of what was wrong, and when: see conn_say() */
    bool still;    /* there is one connection, and its transaction must not end */
};

/* One connection; whoever has it is alone with it. */
struct conn {
    struct postgres *store;
    struct conn *next;
    PGconn *pg; /* NULL: none yet, or lost */
    char name[UUID_SIZE];
    json_t *statements; /* {text: number} of those that are prepared */
    bool broken;        /* something failed on the way, not in the database */
    bool fresh;         /* made for the call that has it */
    bool late;          /* it has not answered in time */
    bool unhurried;     /* a statement may take index_ms */
    bool again;         /* the last failure is worth another try */
    bool committing;    /* whether it has been done is not known */
    int sent;           /* in a pipeline: statements whose results have not been read */
};

/* ---- conn.c ---- */
int conn_open(struct conn *conn, struct ein_error *err);
void conn_close(struct conn *conn);
/* Into the log what is wrong, by its SQLSTATE; once in a while for all who hear the same. */
void conn_say(struct postgres *store, const char *state, const char *text);
bool conn_lost(const struct conn *conn);
/* *ret_result (may be NULL) is for PQclear(). */
int conn_run(struct conn *conn, const char *text, const struct sql_bind *binds, size_t count,
             PGresult **ret_result, struct ein_error *err);
/* The same of a query that is planned for these values, each time: of a plan that is kept the
 * server thinks that values are as rare as they are in the mean, and asks the index for `null`. */
int conn_ask(struct conn *conn, const char *text, const struct sql_bind *binds, size_t count,
             PGresult **ret_result, struct ein_error *err);
/* What belongs to a session, a prepared statement or search_path, is not to be another's. */
int conn_check_session(struct conn *conn, void *data, struct ein_error *err);
int conn_begin(struct conn *conn, struct ein_error *err);
int conn_commit(struct conn *conn, struct ein_error *err);
/* From conn_pipeline() to conn_finish() statements are sent without waiting for their results. */
int conn_pipeline(struct conn *conn, struct ein_error *err);
int conn_send(struct conn *conn, const char *text, const struct sql_bind *binds, size_t count,
              struct ein_error *err);
/* Commits, unless R, what the sending came to, is an error; which it returns. */
int conn_finish(struct conn *conn, int r, struct ein_error *err);
/* Several statements without parameters. */
int conn_script(struct conn *conn, const char *text, struct ein_error *err);

/* ---- pool.c ---- */
int pool_new(struct postgres *store, struct pool **ret_pool, struct ein_error *err);
void pool_free(struct pool *pool);
/* Calls `work` with a connection; once more where others were in the way, or where the connection
 * was lost before anything was done.  What `work` began and did not commit is undone. */
typedef int pool_work(struct conn *conn, void *data, struct ein_error *err);
int pool_do(struct postgres *store, pool_work *work, void *data, struct ein_error *err);
/* Now and then: whether the database is there again. */
void pool_look(void *store);
int postgres_stand_still(void *impl, struct ein_error *err);

/* ---- catalog.c: the tables, and the columns of each ---- */
struct catalog *catalog_new(void);
void catalog_free(struct catalog *catalog);
/* Brings the database up to this version; at start. */
int catalog_migrate(struct conn *conn, void *data, struct ein_error *err);
int catalog_load(struct conn *conn, struct ein_error *err);
/* {field: N of column kN}; NULL: there is no such set.  json_decref. */
json_t *catalog_keys(struct postgres *store, const char *set);
/* The same of a set that another server may just have made. */
int catalog_find(struct conn *conn, const char *set, json_t **ret_keys, struct ein_error *err);
/* The same, the set being made if it is not there. */
int catalog_need(struct conn *conn, const char *set, json_t **ret_keys, struct ein_error *err);
/* The names of all of them, also of those that other servers have made; an array. */
int catalog_names(struct conn *conn, json_t **ret_names, struct ein_error *err);
/* {field: true} of those with an index; json_decref. */
json_t *catalog_indexed(struct postgres *store, const char *set);

/* ---- keys.c: columns that sort as a field does ---- */
/* Makes the column of FIELD if it is not there; INDEXED: and an index over it. */
int keys_need(struct conn *conn, const char *set, const char *field, bool indexed,
              struct ein_error *err);

/* ---- documents.c ---- */
/* Writes DOC in a pipeline: as a new row, unless it is there. */
int document_send(struct conn *conn, const char *set, const char *id, const json_t *keys,
                  bool is_there, const char *rev, const struct doc_text *doc,
                  struct ein_error *err);
int64_t result_number(const PGresult *result, int row, int column);
int result_document(const PGresult *result, int row, int first, json_t **ret_doc,
                    struct ein_error *err);

int postgres_check_open(const struct postgres *store, struct ein_error *err);
int postgres_get(void *impl, const char *set, const char *id, json_t **ret_doc,
                 struct ein_error *err);
int postgres_batch(void *impl, struct ein_doc_op *ops, size_t count, size_t stride,
                   struct ein_error *err);
int postgres_find(void *impl, const char *set, const struct ein_query *query, ein_doc_fn *each,
                  void *data, char **ret_cursor, struct ein_error *err);
int postgres_tally(void *impl, const char *set, const json_t *where, uint64_t *ret_count,
                   struct ein_error *err);
int postgres_weigh(void *impl, const char *set, const json_t *where, uint64_t *ret_bytes,
                   struct ein_error *err);
int postgres_sets(void *impl, json_t **ret_names, struct ein_error *err);
int postgres_index(void *impl, const char *set, const char *field, struct ein_error *err);
int postgres_claim(void *impl, const char *set, const char *due_field, int64_t now, int64_t lease,
                   json_t **ret_doc, struct ein_error *err);
