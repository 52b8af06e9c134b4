/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENT_IO_H
#define CLIENT_IO_H

#include "list.h"
#include <einion/plugin.h>
#include <stdbool.h>

/* The one thread that moves the bytes of all transfers. */
struct client_io;

enum { CLIENT_TASK_ABORTED = -1 };

/* A transfer as the thread knows it; storage of the caller's. */
struct client_task {
    void *easy;      /* CURL, set up by the caller; the thread's until ended() */
    uint32_t paused; /* atomic: CURLPAUSE_RECV and CURLPAUSE_SEND; set by the thread's callbacks */
    /* On the thread, its last touch: a CURLcode, or CLIENT_TASK_ABORTED. */
    void (*ended)(struct client_task *task, int code);
    /* The thread's own: */
    struct list link, command;
    unsigned asked;
    bool attached;
};

int client_io_new(struct client_io **ret_io, struct ein_error *err);
/* Aborts what is still going on. */
void client_io_free(struct client_io *io);

/* Any thread, under no lock that the callbacks of a transfer take. */
void client_io_add(struct client_io *io, struct client_task *task);
void client_io_resume(struct client_io *io, struct client_task *task); /* after clearing a pause */
void client_io_abort(struct client_io *io, struct client_task *task);  /* ended() follows, once */

#endif
