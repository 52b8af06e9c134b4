/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENT_SETUP_H
#define CLIENT_SETUP_H

#include "buf.h"
#include "client_io.h"
#include "client_transfer.h"
#include <curl/curl.h>
#include <pthread.h>

/* A transfer while it runs: what its caller and libcurl's thread share. */
struct running {
    const struct transfer *what;
    struct client_task task;
    struct curl_slist *headers;
    char curl_text[CURL_ERROR_SIZE];
    struct buf spare;        /* the caller's: changes places with `queue` */
    struct buf head;         /* header lines; the caller's once head_done */
    bool head_given;         /* the caller's */
    int64_t began_ms;        /* const */
    char *send;              /* CLIENT_SEND_PIECE bytes; the caller's while send_wanted */
    struct ein_error denied; /* the thread's until it has ended; code 0: not denied */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* guarded by lock: */
    bool cancelled;
    bool connected;
    bool head_done;
    int status;
    struct buf queue;  /* of the body, not yet given to the caller */
    uint64_t received; /* bytes of the body */
    bool send_wanted, send_end;
    size_t send_at, send_len;
    int64_t active_ms; /* when something last moved */
    int fault;         /* why our side stopped: TOO_LARGE, NO_MEMORY */
    bool ended;
    int code; /* CURLcode, or CLIENT_TASK_ABORTED */
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

/* On libcurl's thread: whether the egress policy lets this transfer go there; else why not is in
 * running->denied. */
bool client_setup_address_ok(struct running *running, const struct sockaddr *address);
bool client_setup_ip_ok(struct running *running, const char *ip, uint16_t port);

/* After the end: 0, or what went wrong in our words. */
int client_setup_outcome(const struct running *running, struct ein_error *err);

#endif
