/* SPDX-License-Identifier: Apache-2.0 */
/* One ticket while this server works on it. */
#pragma once

#include "chat.h"
#include <einion/services.h>
#include <jansson.h>

enum run_stop { /* why it is to stop, once it is; the first counts */
                RUN_WANTED,
                RUN_TAKEN, /* the ticket has ended, or is another worker's: nothing more is written
                            */
                RUN_TIMEOUT,  /* its time is over */
                RUN_BLOCKED,  /* who asked may not be here any more */
                RUN_HAND_BACK /* this server stops */
};

struct run {
    struct run *next, **link; /* guarded by the workers' lock */
    unsigned refs;            /* likewise: the worker's, and the keeper's while it looks */
    json_t *ticket;           /* as it was when it was begun; const */
    const char *id;           /* in ticket */
    const char *runner;       /* in ticket */
    unsigned attempt;
    int64_t ends_at;
    struct live *live;
    struct ein_cancel *cancel;
    int stop; /* enum run_stop; atomic */

    pthread_mutex_t lock;
    char rev[EIN_REV_SIZE]; /* guarded by lock, as is all below: the ticket's */
    int64_t lease_ends;
    bool writing; /* the end is being written: the keeper leaves it alone */
};

/* Claims a ticket that is due: 1, or 0: none is; or a negative enum ein_err. */
int run_claim(struct chat *chat, json_t **ret_ticket, struct ein_error *err);
/* Begins it: 1, or 0: it is not to be, and that is dealt with; or an error. */
int run_begin(struct chat *chat, json_t *ticket, struct run **ret_run, struct ein_error *err);
/* Asks the model and writes the end, or hands the ticket back. */
void run_perform(struct chat *chat, struct run *run);
/* Its cancel fires. */
void run_stop(const struct chat *chat, struct run *run, enum run_stop why);
void run_free(struct chat *chat, struct run *run);

/* keeper.c: extends the lease, and stops what has ended elsewhere or lasts too long. */
void run_keep(struct chat *chat, struct run *run);
