/* SPDX-License-Identifier: Apache-2.0 */
/* completion/1: the one door to every model. */
#pragma once

#include "calls.h"
#include "leases.h"
#include "limits.h"
#include "retry.h"

struct models;

struct completion {                  /* const after init, but for what its parts guard themselves */
    bool refuse;                     /* parameters that cannot be */
    size_t max_notes;                /* of one call */
    const json_t *pass, *pass_tools; /* names of parameters, and of vendors' tools, that are handed
                                        on as they are */
    const json_t *fallbacks;         /* {"provider/model": ["provider/model"]} */
    uint32_t fallback_on;            /* bits: FAULT() */
    uint32_t connect_ms, first_byte_ms, idle_ms, total_ms;
    uint32_t token_us;      /* what a token of the answer adds to total_ms at least */
    uint64_t image_tokens;  /* the most that an image costs */
    uint64_t output_tokens; /* the most that a model answers of which nothing is known */
    struct retry retry;
    struct limits *limits;
    struct leases leases;
    struct calls calls;
};

int completion_init(struct models *models, const json_t *config, struct ein_error *err);
int completion_start(struct models *models);
void completion_stop(struct models *models); /* wakes the calls that run */
void completion_done(struct models *models); /* also after a failed completion_init() */

extern const struct ein_completion completion_service; /* its impl is the struct models */
