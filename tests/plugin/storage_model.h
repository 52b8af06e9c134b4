/* SPDX-License-Identifier: Apache-2.0 */
/* What plugin.h says of documents, in the most simple way: a list that is gone over and sorted for
 * each question.  It shares no code with the stores. */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>

enum { MODEL_STORES = 3, MODEL_ORDER = 4 };

struct model_doc {
    char *id;
    uint64_t seq;
    json_t *members; /* never changed, but replaced */
    char revs[MODEL_STORES][EIN_REV_SIZE];
};

struct model {
    struct model_doc *docs; /* as created */
    size_t count;
    uint64_t last_seq;
};

/* Where a walk is: behind the document with these values. */
struct model_place {
    bool set;
    json_t *members;
    char *id;
    uint64_t seq;
};

/* What PATH leads to: a new reference or NULL. */
json_t *model_value(const json_t *members, const char *id, const char *path);

void model_done(struct model *model);
void model_copy(struct model *to, const struct model *from);
struct model_doc *model_get(struct model *model, const char *id);

/* 0 or the error that the first that cannot be done gives, and then nothing is done.  Whether
 * `expect` is a document's revision is read in revs[0]. */
int model_batch(struct model *model, const struct ein_doc_op *ops, size_t count);
/* In order and behind PLACE; free(). */
const struct model_doc **model_find(const struct model *model, const json_t *where,
                                    const char *const *order, const struct model_place *place,
                                    size_t *ret_count);
struct model_doc *model_claim(struct model *model, const char *due_field, int64_t now,
                              int64_t lease);

void model_stand(struct model_place *place, const struct model_doc *behind);
void model_leave(struct model_place *place);
