/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"
#include <orcania.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A piece has its size before it.  What ulfius has a list of grows by one pointer at a time: a
 * piece has room for a few. */
enum { SIZE = 4096, HEADER = 16, GRAIN = 32 };

static _Thread_local _Alignas(max_align_t) char memory[SIZE];
static _Thread_local size_t used = SIZE; /* before a request, and on all other threads */

static bool is_ours(const void *piece)
{
    return (uintptr_t)piece - (uintptr_t)memory < SIZE;
}

static size_t *size_of(void *piece)
{
    return (size_t *)((char *)piece - HEADER);
}

/* What does not fit is on the heap. */
static void *take(size_t size)
{
    size_t whole = (HEADER + size + GRAIN - 1) / GRAIN * GRAIN;
    char *piece = memory + used + HEADER;

    if (size > SIZE || whole > SIZE - used)
        return malloc(size);
    used += whole;
    *size_of(piece) = whole - HEADER;
    return piece;
}

static void *retake(void *piece, size_t size)
{
    void *larger;

    if (!is_ours(piece))
        return piece ? realloc(piece, size) : take(size);
    if (size <= *size_of(piece))
        return piece;
    larger = take(size);
    return larger ? memcpy(larger, piece, *size_of(piece)) : NULL;
}

static void give_back(void *piece)
{
    if (!is_ours(piece))
        free(piece);
}

void scratch_install(void)
{
    o_set_alloc_funcs(take, retake, give_back);
}

void scratch_begin(void)
{
    used = 0;
}
