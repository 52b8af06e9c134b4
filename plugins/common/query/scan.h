/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGIN_SCAN_H
#define PLUGIN_SCAN_H

#include "key.h"

/* The key of what the dotted PATH leads to in TEXT, a JSON object without white
 * space, without building the object.  EIN_E_NO_MEMORY or 0. */
int scan_key(const char *text, size_t len, const char *path, struct key *ret_key);
/* The same of a document that may have been read already: DOC, or NULL. */
int scan_key_of(const json_t *doc, const char *text, size_t len, const char *path,
                struct key *ret_key);

#endif
