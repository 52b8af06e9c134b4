/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQLITE_SCAN_H
#define SQLITE_SCAN_H

#include "key.h"

/* The key of what the dotted PATH leads to in TEXT, a JSON object without white
 * space, without building the object.  EIN_E_NO_MEMORY or 0. */
int scan_key(const char *text, size_t len, const char *path, struct key *ret_key);

#endif
