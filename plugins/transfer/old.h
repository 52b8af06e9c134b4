/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of the service that einion stands in for, and what becomes of each. */
#pragma once

#include "load.h"

enum { WHY_SIZE = 200 };

/* One import. */
struct old {
    const struct transfer *transfer;
    struct load *load;
    json_t *report;
    uint64_t keys;      /* that went to the vault */
    uint64_t bad_usage; /* entries that have no cost or no time */
};

/* What is made of one document: 0 and it waits in old->load; 1: it is left out, `why` says for
 * what; or an error. */
typedef int old_take(struct old *old, struct load_tally *tally, const json_t *doc,
                     char why[WHY_SIZE], struct ein_error *err);

/* old_convert.c, old_users.c */
old_take old_take_agent, old_take_deployment, old_take_demo, old_take_record, old_take_user;

/* The member NAME, in camelCase, of DOC, which may have it in snake_case; NULL: neither, or null.
 */
const json_t *old_member(const json_t *doc, const char *name);
/* The number NAME as an integer; 0 where it is none that every JSON reader has exactly. */
int64_t old_integer(const json_t *doc, const char *name);
const char *old_text(const json_t *doc, const char *name);

/* The moment that TEXT names, with or without a zone or a fraction, in microseconds, and as einion
 * writes it.  false: it names none. */
bool old_time(const char *text, int64_t *ret_us, char ret_text[28]);

/* Hands over every document of COLLECTION in the source, in their order; *ret_found: is there such
 * a collection? */
typedef int old_each(const json_t *doc, void *data, struct ein_error *err);
struct old_source;
int old_source_open(const struct transfer *transfer, const char *source,
                    struct old_source **ret_source, struct ein_error *err);
void old_source_close(struct old_source *source);
/* An array of the names of all its collections. */
int old_source_names(struct old_source *source, json_t **ret_names, struct ein_error *err);
int old_source_read(struct old_source *source, const char *name, old_each *each, void *data,
                    struct ein_error *err);
