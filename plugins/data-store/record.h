/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "data_store.h"
#include "document.h"
#include <jansson.h>

/* Which record: texts are lent. */
struct record_key {
    const char *user, *ns, *key;
    char id[DOC_ID_MAX + 1];
};

/* Fills `id` too.  EIN_E_INVALID if that is longer than the store takes. */
int record_key_init(struct record_key *at, const char *user, const char *ns, const char *key,
                    struct ein_error *err);

/* NOT_FOUND with the API's sentence.  DENIED if the id is that of another user's record. */
int record_read(const struct data_store *store, const struct record_key *at, json_t **ret_doc,
                struct ein_error *err);

/* Visits the stored documents that `query` finds; `each` may return EIN_E_NO_MEMORY. */
int record_find(const struct data_store *store, const struct ein_query *query, ein_doc_fn *each,
                void *data, struct ein_error *err);

/* A stored document that is new.  `metadata` and `agent` may be NULL.  NULL: no memory. */
json_t *record_new(const struct record_key *at, const json_t *value, const json_t *metadata,
                   const char *agent);

/* The members that writing `value` replaces in the stored `old`: metadata, if given, is
 * merged; without an agent nothing was accessed.  NULL: no memory. */
json_t *record_changes(const json_t *old, const json_t *value, const json_t *metadata,
                       const char *agent);

/* TOO_LARGE if the setting max_value_bytes says so. */
int record_check_value(const struct data_store *store, const json_t *value, struct ein_error *err);

/* What the API shows of the stored `doc`, members in its order.  NULL: no memory. */
json_t *record_view(const json_t *doc);
