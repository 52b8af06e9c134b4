/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client_url.h"
#include "list.h"
#include <curl/curl.h>
#include <einion/plugin.h>
#include <stdbool.h>
#include <stdint.h>

/* The lines to other servers.  Any thread. */
struct lines;

/* libcurl's handles with the connection that they keep open: of one thread at a time, which moves
 * its own bytes. */
struct line {
    CURLM *multi;
    CURL *easy;
    bool trusted; /* its connection leads to whom it should */
    int socket;   /* of the connection, while nobody uses it */
    char *url;    /* the last one, and what it says: most lines lead to one URL only */
    CURLU *parsed;
    bool is_set_up; /* what its requests have alike is set */
    bool decodes;
    /* The pool's own: */
    struct list link;
    char *host;
    uint16_t port;
    bool tls;
    uint64_t generation;
    int64_t idle_since_ms;
};

struct line_limits {
    uint32_t connections; /* open at once */
    uint32_t idle;        /* of them, kept open while nobody uses them */
    uint32_t idle_ms;     /* for so long */
};

int lines_new(struct lines **ret_lines, struct ein_error *err);
/* Those who use a line, or wait for one, find that lines_ending(). */
void lines_end(struct lines *lines);
/* None is in use. */
void lines_free(struct lines *lines);
/* New limits, and other settings: no line that exists is used again. */
void lines_configure(struct lines *lines, const struct line_limits *limits);
bool lines_ending(const struct lines *lines);

/* A line to where the URL leads, into *slot; one that is still connected if there is one.  Waits
 * while as many are in use as may be, until until_ms (clock_mono_ms(), TIMEOUT) or the
 * cancel token (may be NULL) fires (CANCELLED). */
int lines_take(struct lines *lines, const struct client_url *url, const struct ein_cancel *cancel,
               int64_t until_ms, struct line **slot, struct ein_error *err);
/* Back again, *slot becomes NULL; keep: its connection is fit for another request. */
void lines_put(struct lines *lines, struct line **slot, bool keep);
/* Wakes the thread that polls *slot or waits for it.  From any thread. */
void lines_wake(struct lines *lines, struct line **slot);
