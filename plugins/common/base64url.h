/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 4648: section 5 without padding, but where a name says otherwise. */
#pragma once

#include <stddef.h>

/* The bytes that LEN characters encode, with a NUL behind them; free().  NULL: no memory, or not
 * the one encoding that these bytes have (padding, other characters, bits left over). */
unsigned char *base64url_decode(const char *text, size_t len, size_t *ret_len);
/* free(); NULL: no memory. */
char *base64url_encode(const void *data, size_t len);
char *base64url_encode_padded(const void *data, size_t len);
/* Section 4, padded. */
char *base64_encode(const void *data, size_t len);
