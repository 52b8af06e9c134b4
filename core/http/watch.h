/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "list.h"
#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* One thread that looks after all connections: it closes those whose request does not arrive in
 * time, tells requests that wait when their client has left, and calls who wants to be called. */
struct watch;

struct watch_conn { /* storage of the connection */
    struct list link;
    int fd;
    int64_t until_ms; /* atomic, clock_mono_ms(); 0: no deadline */
};

struct watch_entry { /* storage of the request; guarded by the lock of the watch */
    struct list link;
    struct ein_cancel *cancel;
    int fd;
    uint32_t firing;
    json_t *claims;   /* lent; by which it was let in; NULL: none */
    int64_t asked_ms; /* when they were last found good; clock_mono_ms() */
};

struct watch_beat { /* storage of the stream */
    struct list link;
    void (*on_beat)(struct watch_beat *beat, int64_t now_ms); /* must not wait */
};

enum { WATCH_BEAT_MS = 100 };

int watch_new(struct watch **ret_watch, struct ein_error *err);
void watch_free(struct watch *watch); /* joins the thread */

/* From now until watch_conn_remove() `fd` must stay open. */
void watch_conn_add(struct watch *watch, struct watch_conn *conn);
void watch_conn_remove(struct watch *watch, struct watch_conn *conn);
void watch_conn_until(struct watch_conn *conn, int64_t until_ms);

/* on_beat() every WATCH_BEAT_MS until it is removed. */
void watch_beat_add(struct watch *watch, struct watch_beat *beat);
void watch_beat_remove(struct watch *watch, struct watch_beat *beat);

/* Fires `cancel` at the next beat after the peer of `fd` (-1: only with watch_fire_all()) has gone.
 */
void watch_add(struct watch *watch, struct watch_entry *entry, int fd, struct ein_cancel *cancel,
               json_t *claims);
void watch_remove(struct watch *watch, struct watch_entry *entry); /* waits for a firing */
/* Appends the claims of all entries to ALL, and to DUE those that were last found good before
 * `due_ms`; they are taken to be good now. */
void watch_claims(struct watch *watch, int64_t due_ms, json_t *all, json_t *due);
/* Fires the entries with these claims, the same object; whether there were any still to fire. */
bool watch_fire_claims(struct watch *watch, const json_t *claims);
/* All entries that are there, and those that come. */
void watch_fire_all(struct watch *watch);
