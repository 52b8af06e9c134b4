/* SPDX-License-Identifier: Apache-2.0 */
/* The one thread that writes.  It takes all that has queued up, does each job in a
 * savepoint of one transaction, commits once, and wakes who waited: everyone gets
 * a durable write for a share of one fsync. */
#pragma once

#include "sqlite.h"

struct writing { /* what a job works with */
    struct sqlite *store;
    struct db *db;
    json_t *sets; /* the catalog as this transaction sees it */
    bool sets_changed;
    json_t *inserts, *replaces; /* {set: the statement}, as they are needed */
    uint64_t seed;              /* of doc_revise() */
    bool eases;                 /* this job has taken something away, or replaced it */
    int64_t growth;             /* bytes of documents that there are more after it */
};

/* >= 0: what it did is kept and its result given to the caller.  Below: undone.
 * It may be run again if the transaction was lost to another's failure. */
typedef int writer_job(struct writing *writing, void *data, struct ein_error *err);

/* Takes DB, on failure too. */
int writer_new(struct sqlite *store, struct db *take_db, struct writer **ret_writer,
               struct ein_error *err);
/* Does what is queued, then marks the file as left in order and closes it. */
void writer_free(struct writer *writer);

/* Returns when the job's result is on disk, or when it failed. */
int writer_do(struct writer *writer, writer_job *run, void *data, struct ein_error *err);
/* Returns when the next job, or a new reader, sees the result; a loss of power may undo it until a
 * synced job has followed.  For what is done again at every start. */
int writer_do_unsynced(struct writer *writer, writer_job *run, void *data, struct ein_error *err);

/* For jobs: SET's table is there, with its indexes in *ret_indexes (lent). */
int writing_need_set(struct writing *writing, const char *set, const json_t **ret_indexes,
                     struct ein_error *err);
/* For jobs that changed ein_sets or ein_indexes. */
int writing_reload(struct writing *writing, struct ein_error *err);
