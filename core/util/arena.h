/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/* Memory of one request, freed at once.  One thread at a time. */
struct arena_block;
struct arena {
    struct arena_block *blocks;
    char *next, *end;
    size_t used, max;
};

/* `first` (may be NULL) is storage of the caller's that is used before the heap is. */
void arena_init(struct arena *arena, void *first, size_t first_size, size_t max);
void arena_done(struct arena *arena);

/* Zeroed, aligned for any type.  NULL when there is no memory or `max` is passed. */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_text(struct arena *arena, const char *text, size_t len); /* a NUL-ended copy */
char *arena_printf(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
