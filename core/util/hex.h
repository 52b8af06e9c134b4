/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* LEN bytes as 2 * LEN lower-case digits and a NUL. */
void hex_encode(const void *bytes, size_t len, char *ret_text);
/* TEXT is exactly LEN bytes in lower-case digits. */
bool hex_decode(const char *text, void *ret_bytes, size_t len);

/* What the digit C is worth, in either case; -1: it is none. */
int hex_digit(char c);
