/* SPDX-License-Identifier: Apache-2.0 */
/* A run is a document of "runs", and its trace stands in pieces in "run_events".  While it lasts,
 * and until its end is in the store, it is also in memory on the server where it runs: a writer
 * brings the store up to date every write_ms, for all runs at once, so that a run waits for no
 * disk.  A server that dies takes with it at most what its runs did in that time; that they ran,
 * the lease of their documents tells: whoever finds it over calls them lost. */
#pragma once

#include "map.h"
#include "member.h"

#include <einion/services.h>
#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>

#define RUNS_SET   "runs"
#define EVENTS_SET "run_events" /* {"runId", "from": number of its first event, "events"} */
#define CODE_SET   "run_code"   /* `_id` is the hash; {"code", "dueAt"} */
#define STOPS_SET  "run_stops"  /* `_id` is a run on another server that somebody wants stopped */

enum { RUN_ID_SIZE = 37 };

/* One instance of the plugin. */
struct runs {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    uint32_t write_ms, lease_ms, sweep_ms;
    int64_t keep_ms;
    int64_t keep_bytes;         /* of all records together; 0: no limit */
    int64_t weighed_bytes;      /* what there was of them at weighed_ms; the sweeper's alone */
    int64_t weighed_ms;         /* 0: never */
    size_t value_max, tail_max; /* bytes of an input or a result; of events that wait */

    pthread_mutex_t write_lock; /* of who brings the store up to date; taken before `lock` */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* something waits for the writer, or it is to end */
    struct map live;        /* guarded by lock, as is all below */
    struct map code_seen;   /* hashes whose code was stored not long ago */
    size_t waiting;         /* runs that are not in the store as they are */
    int64_t added_bytes;    /* since the store was weighed */
    bool stopping, writes;  /* the writer runs */
    pthread_t writer;
};

/* ---- live.c: runs in memory ---- */

/* What is kept of values: how much, and whether secrets had to go. */
struct keeping {
    int64_t bytes;
    bool redacted;
};

enum run_end { RUN_GOES_ON, RUN_STOPPED, RUN_SERVER_STOPS, RUN_BLOCKED };

struct ein_run {
    struct map_entry entry; /* by id */
    char id[RUN_ID_SIZE];
    struct runs *runs;
    struct ein_cancel *cancel, *parent;
    bool detached;

    pthread_cond_t grown;  /* for followers; with runs->lock, which guards all below */
    json_t *record;        /* members of the document */
    json_t *tail, *moving; /* events that are not in the store; those on their way */
    int64_t tail_from, moving_from, events, tail_bytes;
    struct keeping kept;
    int64_t began_ms;
    json_t *code; /* the document of its code, where that is to be stored */
    char code_hash[65];
    char stopped_by[400]; /* "": nobody has */
    enum run_end end;
    bool waiting, taken, ended; /* for the writer; by the writer */
    size_t followers;
};

extern const struct ein_runs runs_service;

/* The run ID if it is in memory here; live_drop() it. */
struct ein_run *live_find(struct runs *runs, const char *id);
void live_drop(struct ein_run *run);
int live_stop(struct runs *runs, const char *id, const char *by); /* 0, or NOT_FOUND */
void live_stop_all(struct runs *runs);
void live_stop_blocked(struct runs *runs); /* of whoever may not be here any more */
/* With the lock held: the writer is to look at it. */
void live_touch(struct ein_run *run);
/* With the lock held: frees it if nothing needs it any more. */
void live_free_if_done(struct ein_run *run);
/* The record as it is now, with the code where the store has not got it; json_decref. */
json_t *live_record(struct ein_run *run);

/* ---- record.c ---- */

json_t *record_begin(const struct runs *runs, const struct ein_run_about *about,
                     const char *code_hash, struct keeping *kept);
/* Adds what an event tells: tokens and cost of calls to models. */
void record_count(json_t *record, const json_t *event);
int record_end(struct ein_run *run, const json_t *outcome, const struct ein_error *why);
/* As the API has it.  NULL: no memory. */
json_t *record_show(const json_t *record, const char *id);
/* EVENT without secrets, and its length as JSON. */
json_t *record_event(const struct runs *runs, const json_t *event, int64_t *ret_bytes);
/* TEXT (may be NULL) without secrets; JSON null for none. */
json_t *record_text(const struct runs *runs, const char *text);

/* ---- writer.c ---- */

int writer_start(struct runs *runs, struct ein_error *err);
/* What there is to write now is in the store when it returns. */
int writer_flush(struct runs *runs, struct ein_error *err);
void writer_stop(void *runs);
void writer_forget_code(struct map_entry *seen); /* frees an entry of code_seen */

/* ---- sweep.c ---- */

void sweep(void *runs); /* what is lost, and what is old */
/* The record with its events; NOT_FOUND. */
int sweep_delete(const struct runs *runs, const char *id, const char *rev, struct ein_error *err);
extern const struct ein_erasure runs_erasure;

/* ---- routes ---- */

/* The record ID, if the caller may do with it what the route is for; a document, also while it
 * lives in memory. */
int runs_get_record(struct runs *runs, struct ein_req *req, const char *id, json_t **ret_record,
                    struct ein_error *err);
bool record_is_running(const json_t *record);
/* Whosoever it is; with its code, which is null where that is no longer kept. */
int runs_read_whole(struct runs *runs, const char *id, json_t **ret_record, struct ein_error *err);

ein_handler runs_list, runs_get, runs_stop, runs_delete, runs_follow;
