/* SPDX-License-Identifier: Apache-2.0 */
/* What a client is told of its request: a list of sentences, each of them once. */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdarg.h>

enum {
    NOTES_MAX = 64, /* a last one says that there is more */
    NOTE_SIZE = 512 /* bytes of one, with its NUL */
};

/* Adds a sentence to *notes, which is made when there is a first one.  0 or NO_MEMORY. */
int notes_add(json_t **notes, const char *fmt, ...) EIN_PRINTF(2, 3);
int notes_vadd(json_t **notes, const char *fmt, va_list args);
