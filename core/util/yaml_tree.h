/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    YAML_PLACE_MAX = 512, /* "limits.workers", with the NUL */
    YAML_WHY_MAX = 256
};

/* How to read a document, and whom to tell of it.  `place` is "" for the whole. */
struct yaml_how {
    int depth_max;
    /* The value of a scalar; NULL: ret_why, or else it is not UTF-8.  NULL: by its looks where it
     * is plain, as text where it is quoted. */
    json_t *(*scalar)(const char *text, size_t len, bool plain, char ret_why[YAML_WHY_MAX]);
    void (*fault)(void *data, size_t line, const char *place, const char *text);
    /* A member of a map; again: it is there already, which is a fault. */
    void (*member)(void *data, size_t line, const char *place, bool again);
    void *data;
};

/* One document as JSON, null if it is empty, whose values belong at `place`.  Anchors, aliases and
 * tags are refused: a few lines of them can stand for gigabytes.  NULL: it cannot be read on, which
 * was reported, or there is no memory; lesser faults leave a gap where they are. */
json_t *yaml_tree(const struct yaml_how *how, const char *place, const char *text, size_t len);

/* "a.b" and "c" are "a.b.c". */
void yaml_place(char out[YAML_PLACE_MAX], const char *place, const char *name);

/* What {place: anything} has for `place`, or for the nearest above it; NULL: nothing. */
json_t *yaml_nearest(const json_t *places, const char *place);
