/* SPDX-License-Identifier: Apache-2.0 */
/* What implementations of erasure/1 share: finding what is somebody's, by a field that is indexed.
 */
#pragma once

#include <einion/services.h>
#include <jansson.h>

/* Deletes all documents of SET whose FIELD is UID, and adds to *count how many. */
int erase_docs(const struct ein_host *host, struct ein_ctx *ctx, const char *set, const char *field,
               const char *uid, uint64_t *count, struct ein_error *err);

/* Documents with which more has to go. */
struct erase_what {
    const char *set, *field;    /* likewise */
    const char *const *members; /* that one() needs; NULL: all */
    /* Deletes DOC with what belongs to it, or begins to end it.  NOT_FOUND, CONFLICT: somebody else
     * was ahead. */
    int (*one)(void *self, const json_t *doc, struct ein_error *err);
};

/* Calls WHAT->one() for the first so many; the caller is asked again for the rest. */
int erase_some(const struct ein_host *host, struct ein_ctx *ctx, const struct erase_what *what,
               void *self, const char *uid, uint64_t *count, struct ein_error *err);
