/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "document.h"
#include "query.h"

/* The key of what the dotted PATH leads to in TEXT, a JSON object without white
 * space, without building the object.  EIN_E_NO_MEMORY or 0. */
int scan_key(const char *text, size_t len, const char *path, struct key *ret_key);
/* What is stored as TEXT, as QUERY asks for it: a new document with `_id`, `_rev` and the members
 * that it names, or all. */
int scan_document(const struct query *query, const char *text, size_t len, const char *id,
                  const char *rev, json_t **ret_doc, struct ein_error *err);
/* Is the text needed for that? */
bool scan_needs_text(const struct query *query);
/* The same of a document, where it is at hand without a look at its text. */
int scan_key_of(const struct doc_text *doc, const char *path, struct key *ret_key);
