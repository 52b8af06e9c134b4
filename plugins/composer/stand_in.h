/* SPDX-License-Identifier: Apache-2.0 */
/* Answers the calls of a rehearsal: from what earlier runs returned, and from schemas. */
#pragma once

#include "composer.h"

struct stand_in {
    const struct ein_host *host;
    const json_t *declared;
    const json_t *output; /* fields that the agent returns; may be NULL */
    json_t *calls;        /* [{"call", "answeredFrom"}] */
    json_t *faults;       /* of calls that should not have been made, in sentences */
    json_t *store;        /* {namespace: {key: value}} */
    size_t store_max;     /* bytes that may be written to it, as JSON */
    size_t stored;        /* that were */
    bool blind;           /* something was answered whose form nobody knows */
};

/* 0 or NO_MEMORY; stand_in_done() in any case. */
int stand_in_init(struct stand_in *stand, const struct composing *composing);
void stand_in_done(struct stand_in *stand);

ein_stand_in stand_in_answer; /* its data is the struct stand_in */
