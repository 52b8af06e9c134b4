/* SPDX-License-Identifier: Apache-2.0 */
/* Is the code what was asked for?  It is read, then run in the sandbox, where connectors answer
 * from schemas, and its result held against what it is to return. */
#pragma once

#include "composer.h"

struct proof {
    json_t *faults;         /* sentences; empty: it is proved */
    json_t *input;          /* what it was run on */
    json_t *result, *calls; /* of the run; NULL: it was not run */
};

/* 0 when CODE was tried, however that ended; else the status that was replied.  proof_done() in any
 * case. */
int prove(struct composing *composing, const char *code, unsigned attempt, struct proof *ret_proof);
void proof_done(struct proof *proof);

/* Can code be run at all now?  0, or the status that was replied. */
int prove_ready(struct composing *composing);
