/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NOTES_H
#define NOTES_H

#include <einion/plugin.h>
#include <jansson.h>

/* Adds a sentence to *notes, which is made when there is a first one. */
void notes_add(json_t **notes, const char *fmt, ...) EIN_PRINTF(2, 3);

#endif
