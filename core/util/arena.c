/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = _Alignof(max_align_t), BLOCK_SIZE = 4096 };

struct arena_block {
    struct arena_block *next;
    _Alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *arena, void *first, size_t first_size, size_t max)
{
    *arena = (struct arena){ .max = max };
    if (first) {
        arena->next = first;
        arena->end = arena->next + first_size;
    }
}

void arena_done(struct arena *arena)
{
    struct arena_block *block = arena->blocks;

    while (block) {
        struct arena_block *next = block->next;

        free(block);
        block = next;
    }
    *arena = (struct arena){ .max = arena->max };
}

static size_t padding(const char *at)
{
    return -(uintptr_t)at & (ALIGN - 1);
}

/* A piece that would leave most of a block unused gets a block of its own, and the current one
 * stays in use. */
static char *alloc_block(struct arena *arena, size_t size)
{
    size_t room = size > BLOCK_SIZE / 2 ? size : BLOCK_SIZE;
    struct arena_block *block;

    if (room > SIZE_MAX - sizeof(*block))
        return NULL;
    block = malloc(sizeof(*block) + room);
    if (!block)
        return NULL;

    block->next = arena->blocks;
    arena->blocks = block;
    if (room == BLOCK_SIZE) {
        arena->next = block->bytes + size;
        arena->end = block->bytes + room;
    }
    return block->bytes;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t left, pad;
    char *at;

    if (size > arena->max - arena->used)
        return NULL;

    left = (size_t)(arena->end - arena->next);
    pad = arena->next ? padding(arena->next) : 0;
    if (pad <= left && size <= left - pad && arena->next) {
        at = arena->next + pad;
        arena->next = at + size;
    } else {
        at = alloc_block(arena, size);
        if (!at)
            return NULL;
    }

    arena->used += size;
    return memset(at, 0, size);
}

char *arena_text(struct arena *arena, const char *text, size_t len)
{
    char *copy = len < SIZE_MAX ? arena_alloc(arena, len + 1) : NULL;

    if (copy && len > 0)
        memcpy(copy, text, len);
    return copy;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list args, again;
    char *text = NULL;
    int len;

    va_start(args, fmt);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, fmt, args);
    if (len >= 0)
        text = arena_alloc(arena, (size_t)len + 1);
    if (text)
        (void)vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    va_end(args);
    return text;
}
