/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ERROR_H
#define ERROR_H

#include <einion/plugin.h>

/* Writes code and text (cut to fit, at a whole UTF-8 character); returns code.  err may be NULL. */
int error_set(struct ein_error *err, int code, const char *fmt, ...) EIN_PRINTF(3, 4);

int error_status(int code);       /* the HTTP status that says the same */
const char *error_text(int code); /* a sentence, where nobody knew a better one */

#endif
