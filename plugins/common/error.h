/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGIN_ERROR_H
#define PLUGIN_ERROR_H

#include <einion/plugin.h>

/* Fills `err` (may be NULL) and returns `code`.  A text that is too long is cut
 * between characters. */
int error_set(struct ein_error *err, int code, const char *fmt, ...) EIN_PRINTF(3, 4);

#endif
