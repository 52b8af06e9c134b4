/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* Sessions of 2025.  An id says whose it is; nothing else is kept of one until it has ended, so
 * that every server takes those that another has given out. */

enum { SESSION_SIZE = 37 + 16, SESSIONS_ENDED = 1024 };

struct sessions {
    pthread_mutex_t lock;
    char ended[SESSIONS_ENDED][SESSION_SIZE]; /* the last of them; guarded by lock */
    size_t next;                              /* likewise */
};

void sessions_init(struct sessions *sessions);
void sessions_done(struct sessions *sessions);

void session_make(const char *uid, char ret_id[SESSION_SIZE]);
/* Is it one of this user's, and has not ended? */
bool session_is_open(struct sessions *sessions, const char *id, const char *uid);
void session_end(struct sessions *sessions, const char *id);
