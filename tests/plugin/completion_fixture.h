/* SPDX-License-Identifier: Apache-2.0 */
/* completion/1 between a catalog, providers, a ledger and keys that do what a test tells them. */
#pragma once

#include "cleanup.h"
#include "complete.h"
#include "fake_host.h"
#include "models.h"
#include "unit.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 16, SETTLED = 16 };

struct fixture;

/* What a provider does when it is called. */
struct step {
    int r, fault;
    int32_t status; /* the vendor's */
    uint32_t retry_after_ms;
    uint64_t input, cached, output, reasoning;
    int64_t vendor_cost;
    const char *pieces[4];                      /* text, sent first */
    const char *tool;                           /* arguments of a tool call, sent last */
    bool cites;                                 /* a page */
    const char *words;                          /* of the error */
    void (*meanwhile)(struct fixture *fixture); /* before the first piece */
};

struct settled { /* a copy of the entry */
    int64_t cost;
    char hold[EIN_HOLD_SIZE], model[64], provider[64], key_id[64], agent_id[64], run_id[64],
        request_id[64], metadata[256], price[256];
    uint64_t input, cached, cache_write, output, reasoning;
};

struct fixture {
    pthread_mutex_t lock; /* guards what calls change */
    bool many;            /* calls at once: each is given steps[0] */
    uint64_t sum;         /* of what was settled */
    struct fake_host *host;
    struct models models;
    json_t *config;
    struct model catalog[4];
    int found; /* that were not dropped */

    struct step steps[STEPS]; /* of all providers, in order */
    size_t next;
    char asked[STEPS][64]; /* "openai/gpt-5.2" */
    char key[64];          /* that the last one was given; "-": none */
    char parameters[256];
    uint32_t first_byte_ms, idle_ms, total_ms;

    char *secret;   /* of model_keys/1; NULL: NOT_FOUND */
    int keys_out;   /* that were not wiped */
    int key_result; /* of model_keys/1, if < 0 */

    int64_t bound; /* of the last reserve() */
    int holds;     /* open */
    int reserved, extended, released;
    int reserve_result, extend_result, settle_result;
    struct settled settled[SETTLED];
    size_t settled_count;

    struct ein_cancel *cancel;
};

int setup(void **state);
int teardown(void **state);

/* One call of alice's; the outcome's notes are in `notes`. */
struct result {
    int r;
    struct ein_error err;
    struct ein_completion_outcome outcome;
    char text[256]; /* of all pieces */
    int pieces;
    int stop_after; /* pieces; 0: never */
    char notes[1024];
};
struct result ask(struct fixture *fixture, const char *model);
/* With parameters, and members of the call as the test has set them. */
struct result ask_with(struct fixture *fixture, struct ein_completion_call call, int stop_after);
/* Changes a setting; completion_init() reads them again. */
void set(struct fixture *fixture, const char *name, json_t *take_value);
