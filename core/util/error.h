/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>

/* Writes code and text (cut to fit, at a whole UTF-8 character); returns code.  err may be NULL. */
int error_set(struct ein_error *err, int code, const char *fmt, ...) EIN_PRINTF(3, 4);

/* Likewise EIN_E_NO_MEMORY, in the words for all of them. */
int error_no_memory(struct ein_error *err);

/* Around a call of what others have written: no text of before is taken for theirs, and a failure
 * without one gets one.  error_due() returns `result`. */
void error_clear(struct ein_error *err);
int error_due(struct ein_error *err, int result);
