/* SPDX-License-Identifier: Apache-2.0 */
/* What a request's headers ask for. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum coding { CODING_GZIP, CODING_BR, CODINGS, CODING_NONE = CODINGS };

/* The best of those in Accept-Encoding (NULL: there is none), br before gzip. */
enum coding ask_coding(const char *accept_encoding);

enum range { RANGE_ALL, RANGE_PART, RANGE_OUTSIDE };

/* What "Range" says of SIZE bytes.  RANGE_ALL: nothing, nothing that is understood, or several
 * parts.  RANGE_PART: *ret_len bytes from *ret_first on. */
enum range ask_range(const char *range, uint64_t size, uint64_t *ret_first, uint64_t *ret_len);
