/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "buf.h"
#include "cancel.h"
#include "client_line.h"
#include "client_transfer.h"
#include <curl/curl.h>

/* A transfer while it runs.  All of it is its caller's thread's, but for the token, which may fire
 * on any. */
struct running {
    const struct transfer *what;
    struct lines *lines;
    struct line *line; /* of its CURL handle; NULL while there is none: lines' lock */
    struct ein_cancel cancel;
    struct curl_slist *headers;
    char curl_text[CURL_ERROR_SIZE];
    struct buf head; /* header lines */
    int64_t began_ms;
    int64_t active_ms; /* when something last moved */
    bool moved;        /* something has, since then */
    bool lingers;      /* since then nothing more is wanted */
    bool may_end;      /* since then nothing more need come */
    bool connected;
    bool head_done;
    uint64_t received; /* bytes of the body */
    size_t trailers;   /* and of the headers behind it */
    int64_t sent;      /* bytes of a body that comes in pieces */
    bool sent_all;     /* as many as were promised, and their end */

    struct ein_error denied; /* code 0: not denied */
    int result;              /* what our side stopped it with; 0: it did not, 1: it has enough */
    struct ein_error *err;   /* of `result`, if that is negative */
    int code;                /* CURLcode, once libcurl has ended it */
};

struct client_callbacks {
    curl_write_callback on_header, on_write;
    curl_read_callback on_read;
    curl_opensocket_callback on_open;
    curl_prereq_callback on_connected;
};

/* The request as libcurl wants it. */
int client_setup(struct running *running, const struct client_callbacks *callbacks,
                 struct ein_error *err);
void client_setup_done(struct running *running);

/* Whether the egress policy lets this transfer go there; else why not is in running->denied. */
bool client_setup_address_ok(struct running *running, const struct sockaddr *address);
bool client_setup_ip_ok(struct running *running, const char *ip, uint16_t port);

/* After libcurl has ended it: 0, or what went wrong in our words. */
int client_setup_outcome(const struct running *running, struct ein_error *err);
