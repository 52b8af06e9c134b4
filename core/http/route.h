/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "router.h"

struct metrics;

enum { ROUTE_SEGMENTS = 32 }; /* in one template */

enum segment_kind { SEGMENT_LITERAL, SEGMENT_PARAM, SEGMENT_TAIL /* "{name:path}" */ };

struct segment {
    enum segment_kind kind;
    char *text; /* the literal, or the parameter's name */
};

/* A route with its template taken apart. */
struct route_entry {
    struct route route; /* first: what others see */
    struct segment segments[ROUTE_SEGMENTS];
    size_t count;
};

/* Checks everything that one route can have wrong.  The texts name the operation. */
int route_entry_new(const struct route_owner *owner, const struct ein_route *spec, void *self,
                    struct metrics *metrics, struct route_entry **ret_entry, struct ein_error *err);
void route_entry_free(struct route_entry *entry);

/* Whether the same requests would match both, whatever their parameters are called. */
bool route_entry_same(const struct route_entry *a, const struct route_entry *b);
