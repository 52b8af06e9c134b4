/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* What json_loadb() with JSON_DECODE_ANY and JSON_REJECT_DUPLICATES reads, in half the time:
 * json_deeper_than() is seen to as well.  NULL does not say that the text is not JSON, only that
 * somebody else should look at it. */
json_t *json_quick(const char *text, size_t len, unsigned depth);

/* A member that is known beforehand: an object of such members, perhaps the only one of a list; any
 * value that is wanted; or text or a number that nobody reads. */
struct json_known {
    const char *name; /* NULL: the end of the table, which has at most 32 */
    size_t place;     /* 0: nobody reads it */
    const struct json_known *members;
    bool list;
};

struct json_found {
    json_t *value;  /* json_decref; NULL: it is not there, or has members */
    const char *at; /* where it stands, also if it has members; NULL: it is not there */
    size_t len;
};

/* Of an object found[place] of what is wanted and has no value yet: the rest is not made.  False:
 * another member is not null, or somebody else should look at it for other reasons. */
bool json_quick_known(const char *text, size_t len, const struct json_known *known,
                      struct json_found *found);
