/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "text_lines.h"

#include <stdint.h>

/* text/event-stream as it comes (WHATWG HTML, 9.2), in pieces that end anywhere. */

enum {
    SSE_EVENT_SIZE = 96, /* bytes of an event's name, with the NUL; a longer one is cut */
    SSE_ID_SIZE = 256    /* bytes of an id, with the NUL; a longer one is ignored */
};

/* EVENT is "message" where the stream names none.  TEXT is the data, NUL-ended, lent; it may be
 * changed.  Non-zero ends the feeding, and is returned. */
typedef int sse_fn(void *data, const char *event, char *text, size_t len);

struct sse {
    sse_fn *on_event;
    void *data;
    struct text_lines lines;
    struct buf text;
    char first[512]; /* where it lies: most are shorter */
    bool began, has_data;
    char event[SSE_EVENT_SIZE];
    char id[SSE_ID_SIZE]; /* the last that came, for Last-Event-ID */
    uint32_t retry_ms;    /* to wait before one asks again; 0: nothing was said */
};

/* The data of an event, and a line, has at most `max` bytes. */
void sse_init(struct sse *sse, size_t max, sse_fn *on_event, void *data);
void sse_done(struct sse *sse);

/* 0, TOO_LARGE, NO_MEMORY, or what on_event() returned.  An event that no empty line has ended is
 * none. */
int sse_feed(struct sse *sse, const void *piece, size_t len);
