/* SPDX-License-Identifier: Apache-2.0 */
/* Documents on their way into the store: many in one write, and none over what is there. */
#pragma once

#include "transfer.h"

#include <stdbool.h>

/* What became of those of one set. */
struct load_tally {
    char name[64];
    uint64_t added, same, other; /* brought; there already, alike; there already, and different */
    json_t *others;              /* array of their ids */
};

enum { LOAD_UNITS = 128, LOAD_UNIT_MAX = 3, LOAD_TALLIES = 512 };

struct load_unit { /* documents that belong together: all are written, or none */
    struct load_tally *tally;
    size_t count;
    struct {
        char *set, *id;
        json_t *doc;
    } puts[LOAD_UNIT_MAX];
};

struct load {
    const struct transfer *transfer;
    bool compare; /* with what is there; else whatever is there counts as alike */
    struct load_tally tallies[LOAD_TALLIES];
    size_t tally_count;
    struct load_unit units[LOAD_UNITS];
    size_t unit_count;
};

struct load *load_new(const struct transfer *transfer, bool compare);
void load_free(struct load *load);

/* The tally of NAME, which is made if there is none; NULL: there are too many. */
struct load_tally *load_tally(struct load *load, const char *name);

/* A new unit, counted in TALLY; then its documents.  The first one is what is counted. */
int load_begin(struct load *load, struct load_tally *tally, struct ein_error *err);
int load_put(struct load *load, const char *set, const char *id, json_t *take_doc,
             struct ein_error *err);
/* Writes what waits. */
int load_flush(struct load *load, struct ein_error *err);
