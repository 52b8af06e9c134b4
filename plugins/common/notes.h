/* SPDX-License-Identifier: Apache-2.0 */
/* What a client is told of its request: a list of sentences, each of them once. */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdarg.h>

enum { NOTE_SIZE = 512 }; /* bytes of one, with its NUL */

/* Adds a sentence to *notes, which is made when there is a first one.  Behind MAX of them a last
 * one says that there is more.  0 or NO_MEMORY. */
int notes_add(json_t **notes, size_t max, const char *fmt, ...) EIN_PRINTF(3, 4);
int notes_vadd(json_t **notes, size_t max, const char *fmt, va_list args);
