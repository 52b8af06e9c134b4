/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ask.h"

/* DATA in CODING, on the heap; NULL: it would not be shorter, or there is no memory. */
char *encode(enum coding coding, const char *data, size_t len, size_t *ret_len);
