/* SPDX-License-Identifier: Apache-2.0 */
/* A query as SQL over a table (seq, id, rev, body, k1, k2, ...).  The shape of the text follows
 * from its operators alone: every name, path and value is bound.  A field is the bytes that sort
 * as its values do (key.h): a column kN where it has one, else ein_key() of the text. */
#pragma once

#include "query.h"

enum sql_type { SQL_BYTES, SQL_TEXT, SQL_NUMBER };

struct sql_bind {
    enum sql_type type;
    const void *data; /* lent from the query, and as long */
    size_t len;
    int64_t number; /* SQL_NUMBER */
};

struct sql {
    char *text;
    struct sql_bind *binds;
    size_t bind_count;
};

struct sql_of {
    const char *columns, *table; /* as they stand in the text */
    const json_t *keys;          /* {field: N of its column} */
    bool numbered;               /* parameters are $1, $2, ..., not ? */
    const json_t *cut;           /* {field: true}: its index has only the first key_indexed bytes
                                    of a key.  Needs numbered: values are named twice */
    unsigned key_indexed;
    uint32_t most; /* rows, whatever the query's limit is; 0: as many as there are */
    bool ordered;  /* by order and seq, up to sql_rows() of them */
};

/* sql_done() in any case. */
int sql_query(const struct sql_of *of, const struct query *query, struct sql *ret_sql,
              struct ein_error *err);
void sql_done(struct sql *sql);
/* The most rows that it gives: one more than the limit, or `most` if that is not more. */
int64_t sql_rows(const struct sql_of *of, const struct query *query);
