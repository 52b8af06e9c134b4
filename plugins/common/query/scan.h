/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "document.h"
#include "key.h"

/* The key of what the dotted PATH leads to in TEXT, a JSON object without white
 * space, without building the object.  EIN_E_NO_MEMORY or 0. */
int scan_key(const char *text, size_t len, const char *path, struct key *ret_key);
/* The same of a document, where it is at hand without a look at its text. */
int scan_key_of(const struct doc_text *doc, const char *path, struct key *ret_key);
