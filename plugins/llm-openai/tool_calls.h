/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "buf.h"

#include <jansson.h>

enum { TOOL_CALLS_MAX = 256 };

/* Tool calls whose arguments come in pieces. */
struct tool_call {
    json_int_t index;
    char *id, *name;
    struct buf arguments;
};
struct tool_calls {
    struct tool_call *list;
    size_t count;
    size_t arguments_max;
};

void tool_calls_init(struct tool_calls *calls, size_t arguments_max);
void tool_calls_done(struct tool_calls *calls);

/* One of delta.tool_calls: {"index", "id", "function": {"name", "arguments"}}.  Without an index,
 * a new id begins a new call.  NO_MEMORY, TOO_LARGE. */
int tool_calls_add(struct tool_calls *calls, const json_t *delta);
