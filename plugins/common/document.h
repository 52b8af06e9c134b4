/* SPDX-License-Identifier: Apache-2.0 */
/* What every storage backend does alike with documents: names, limits, text,
 * revisions, and the sentences in which it refuses. */
#pragma once

#include "doc_op.h"

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>

enum {
    DOC_SET_MAX = 63,     /* bytes of a set's name */
    DOC_ID_MAX = 512,     /* bytes */
    DOC_FIELD_MAX = 255,  /* bytes of a dotted path */
    DOC_BATCH_MAX = 10000 /* operations */
};

/* Could a document have ID (may be NULL)?  What can not names none. */
bool doc_is_id(const char *id);
int doc_check_set(const char *set, struct ein_error *err);
int doc_check_names(const char *set, const char *id, struct ein_error *err);
/* A dotted path to filter, order or index by; `_id` is one. */
int doc_check_field(const char *field, struct ein_error *err);
/* One or two of them, as ein_store.index() takes them: "a,b".  *ret_first (free(), NULL if there is
 * one only) is the first, and *ret_last the other, lent from FIELDS. */
int doc_check_index(const char *set, const char *fields, char **ret_first, const char **ret_last,
                    struct ein_error *err);
/* Names, kinds and types of all operations of a batch. */
int doc_check_ops(const struct ein_doc_op *ops, size_t count, size_t stride, struct ein_error *err);
int doc_check_claim(const char *set, const char *due_field, int64_t now, int64_t lease,
                    int64_t *ret_due, struct ein_error *err);

/* What is stored of a document. */
struct doc_text {
    const char *text;
    size_t len;
    const json_t *members; /* that it was made of, lent; NULL: it was given as text */
    char *own;             /* the text, if it was made: host->mem_free */
};
/* The members of DOC, without `_id` and `_rev`, as JSON text. */
int doc_encode(const struct ein_host *host, const json_t *doc, size_t max_bytes,
               struct doc_text *ret_text, struct ein_error *err);
/* Those of what an EIN_DOC_PUT brings, or the text that it brings in their place. */
int doc_put_text(const struct ein_host *host, const struct ein_doc_op *op, size_t stride,
                 size_t max_bytes, struct doc_text *ret_text, struct ein_error *err);
/* A new document with `_id`, `_rev` and the members of TEXT. */
int doc_decode(const char *text, size_t len, const char *id, const char *rev, json_t **ret_doc,
               struct ein_error *err);
const char *doc_id(const json_t *doc);
const char *doc_rev(const json_t *doc);

/* May OP be done while the revision FOUND (NULL: no document) is stored? */
int doc_expect(const struct ein_doc_op *op, const char *found, struct ein_error *err);
/* What an EIN_DOC_UPDATE makes of STORED, which stays as it is.  Members are shared. */
int doc_update(const struct ein_doc_op *op, const json_t *stored, json_t **ret_doc,
               struct ein_error *err);
/* A copy of STORED, members shared, with FIELD set to VALUE. */
int doc_with_integer(const json_t *stored, const char *field, int64_t value, json_t **ret_doc,
                     struct ein_error *err);
/* "N-RANDOM", N one above that of OLD (NULL: there was none).  SEED, 0 at first, spares the kernel
 * its bytes for each; or NULL. */
int doc_revise(const char *old, uint64_t *seed, char ret_rev[EIN_REV_SIZE], struct ein_error *err);

/* ID may be NULL, and of any length. */
int doc_not_found(const char *set, const char *id, struct ein_error *err);
