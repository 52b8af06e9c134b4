/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JSON_QUICK_H
#define JSON_QUICK_H

#include <jansson.h>

/* What json_loadb() with JSON_DECODE_ANY and JSON_REJECT_DUPLICATES reads, in half the time:
 * json_deeper_than() is seen to as well.  NULL does not say that the text is not JSON, only that
 * somebody else should look at it. */
json_t *json_quick(const char *text, size_t len, unsigned depth);

/* The same of an object without those members of its own that have these names (NULL-ended, or
 * NULL), where they are text, numbers or null. */
json_t *json_quick_but(const char *text, size_t len, unsigned depth, const char *const *unread);

#endif
