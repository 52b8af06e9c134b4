/* SPDX-License-Identifier: Apache-2.0 */
/* What a response goes on from, and what is kept of it.  The translations know these members, the
 * rest is kept.c's. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct kept {
    json_t *before;   /* items of the responses before it, ahead of its input; or NULL */
    json_t *previous; /* the id that the client named, or NULL; it is told back, as are */
    json_t *metadata; /* (or NULL) */
    bool store;
    /* Keeps RESPONSE, which is done, as it is to be told: of the id and with so many items.  False:
     * it is not kept, and a note says why. */
    bool (*keep)(struct kept *kept, const char *id, size_t count, const char *response, size_t len);

    const struct openai_api *api;
    const char *uid; /* whose it is */
    struct ask *ask;
    json_t *input;               /* items, to be kept; or NULL */
    json_t *path;                /* ids of the responses before it: see kept.c */
    size_t items, bytes, values; /* of all of these and their input */
};
