/* SPDX-License-Identifier: Apache-2.0 */
/* struct ein_query, checked and taken apart. */
#pragma once

#include "key.h"

#include <einion/plugin.h>
#include <stdint.h>

enum {
    QUERY_TERMS_MAX = 64,
    QUERY_ORDER_MAX = 8,
    QUERY_IN_MAX = 10000,
    QUERY_CURSOR_MAX = 32 << 20 /* bytes; a cursor holds the values that were ordered by */
};

/* What plugins of ABI 1.0 pass. */
#define QUERY_SIZE_1_0 offsetof(struct ein_query, fields)

enum query_op {
    QUERY_EQ,
    QUERY_NE,
    QUERY_GT,
    QUERY_GTE,
    QUERY_LT,
    QUERY_LTE,
    QUERY_IN,
    QUERY_PREFIX /* keys[0] <= key < keys[1] */
};

struct query_term {
    const char *field; /* lent from `where` */
    enum query_op op;
    struct key *keys;
    size_t key_count;
};

struct query_order {
    const char *field; /* lent from `order` */
    bool descending;
};

struct query {
    struct query_term terms[QUERY_TERMS_MAX];
    size_t term_count;
    struct query_order order[QUERY_ORDER_MAX];
    size_t order_count;
    uint32_t limit;            /* UINT32_MAX: all */
    uint64_t fingerprint;      /* of set, where and order */
    const char *const *fields; /* lent; NULL: whole documents */
    bool resumed;              /* only what comes after `after` and `after_seq` */
    struct key after[QUERY_ORDER_MAX];
    uint64_t after_seq;
};

/* FROM may be NULL: every document.  query_done() in any case. */
int query_parse(struct query *query, const char *set, const struct ein_query *from,
                struct ein_error *err);
int query_parse_where(struct query *query, const char *set, const struct json_t *where,
                      struct ein_error *err);
void query_done(struct query *query);

/* What a term compares: `op` with its keys, against KEY. */
bool query_term_match(const struct query_term *term, const struct key *key);

/* Where to go on after DOC, the SEQ-th to be created; free(). */
int query_cursor(const struct query *query, const json_t *doc, uint64_t seq, char **ret_cursor,
                 struct ein_error *err);
int query_resume(struct query *query, const char *cursor, struct ein_error *err);
