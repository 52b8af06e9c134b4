/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* A vendor sends a JSON text for every word of an answer, the most of which nobody reads: of what
 * is known beforehand, only what is wanted is made. */

/* A member: an object of such members, perhaps the only one of a list; any value that is wanted; or
 * text or a number that nobody reads. */
struct json_known {
    const char *name; /* NULL: the end of the table, which has at most 32 */
    size_t place;     /* 0: nobody reads it */
    const struct json_known *members;
    bool list;
};

struct json_found {
    json_t *value;  /* json_decref; NULL: it is not there */
    const char *at; /* where it stands */
    size_t len;
};

/* Of an object found[place] of what is wanted and has no value yet.  False: it is no such object,
 * another member is not null, or a text that nobody reads is not plain. */
bool json_known_read(const char *text, size_t len, const struct json_known *known,
                     struct json_found *found);
