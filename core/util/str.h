/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL equals only NULL. */
bool str_eq(const char *a, const char *b);
bool str_eq_case(const char *a, const char *b); /* ASCII letters of either case are equal */
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);
/* Is it made of these characters, and not empty? */
bool str_only(const char *text, const char *allowed);
/* A control character of ASCII, the tab among them. */
bool str_has_control(const char *text);
/* Without the white space around it; *len is the length of both. */
const char *str_trim(const char *text, size_t *len);

/* Takes as long for any two texts of the same lengths (for secrets). */
bool str_eq_secret(const char *a, const char *b);

/* Bytes of the token (RFC 9110, 5.6.2: names of headers and of cookies) that the text begins with.
 */
size_t str_token(const char *text);

bool str_is_utf8(const char *text, size_t len); /* RFC 3629, no NUL */

/* Bytes of the one UTF-8 character that the text begins with (a NUL is one); 0: there is none. */
size_t str_utf8_len(const char *text, size_t len);

/* What that character, of `len` bytes, is; and its bytes into `out`, whose number is returned. */
uint32_t str_utf8_read(const char *text, size_t len);
size_t str_utf8_write(uint32_t character, char out[4]);

/* Characters of UTF-8. */
size_t str_count(const char *text, size_t len);

/* The length of what stands for itself in a JSON string: ASCII but '"', '\\' and what is below
 * 0x20. */
size_t str_plain_len(const char *text, size_t len);

/* "camelCase" <-> "snake_case" of an identifier, into out (size bytes); false if it does not
 * fit or is the same. */
bool str_to_snake(const char *camel, char *out, size_t size);
bool str_to_camel(const char *snake, char *out, size_t size);

/* The one of `words` (NULL-ended) nearest to `typed`, if near enough to be meant; or NULL. */
const char *str_nearest(const char *typed, const char *const *words);

/* Unsigned decimal, the whole text. */
bool str_to_u64(const char *text, uint64_t *ret);

/* For hash tables that no client can choose the keys of; differs between machines. */
uint64_t str_hash(const char *text);
uint64_t str_hash_bytes(const char *text, size_t len);
/* For qsort() of `const char *`. */
int str_compare(const void *a, const void *b);
/* As much of TEXT as fits, with its NUL. */
void str_copy(char *to, size_t size, const char *text);
/* How much of TEXT is shown where there is room for MAX bytes: whole characters of UTF-8. */
int str_cut(const char *text, int max);
/* Takes out what is no whole character of UTF-8. */
void str_clean(char *text);
/* vsnprintf(3) as UTF-8: a character that the size or a precision ("%.40s") cuts is left out. */
void str_vformat(char *to, size_t size, const char *fmt, va_list args);
/* asprintf(3): free(); NULL: no memory. */
char *str_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *str_vprint(const char *fmt, va_list args);

/* The token of an Authorization header with the scheme Bearer (RFC 6750, 2.1); NULL: there is none.
 * "null" is what front ends send that log in by cookie: none. */
const char *str_bearer(const char *authorization);
