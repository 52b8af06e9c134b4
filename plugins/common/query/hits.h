/* SPDX-License-Identifier: Apache-2.0 */
/* What a find found, in order: one more than asked for, if there is more. */
#pragma once

#include "query.h"

struct hits {
    struct hit {
        json_t *doc;
        uint64_t seq;
    } * list;
    size_t count, capacity;
};

/* Takes the reference, on failure too. */
int hits_add(struct hits *hits, json_t *take_doc, uint64_t seq, struct ein_error *err);
/* Hands them to `each`, which may call the store; the cursor is the host's memory. */
int hits_deliver(const struct hits *hits, const struct query *query, const struct ein_host *host,
                 ein_doc_fn *each, void *data, char **ret_cursor, struct ein_error *err);
void hits_done(struct hits *hits);
