/* SPDX-License-Identifier: Apache-2.0 */
/* One completion, or embedding, on its way.  It lives on the caller's stack and belongs to its
 * thread. */
#pragma once

#include "built_in.h"
#include "completion.h"
#include "models.h"
#include "names.h"
#include "usage.h"

enum stage { STAGE_CHECK, STAGE_KEY, STAGE_RESERVE, STAGE_SETTLE, STAGES };

struct work {
    struct models *models;
    const struct ein_completion_call *call;
    ein_llm_sink *sink;
    void *data;
    struct ein_completion_outcome *ret;

    int64_t began_us, deadline_us;
    uint64_t waited_us; /* for vendors, and between attempts */
    uint64_t client_us; /* in the sink */
    uint64_t first_us;  /* from the beginning to the first piece; 0: there was none */
    uint64_t stage_us[STAGES];
    struct size size;
    struct running running;

    json_t *limits; /* of the caller's key; may be NULL */
    bool files;     /* are sent */
    bool embeds;    /* inputs, and does not answer messages */
    bool refuse;
    bool counted;   /* for the limits of its user and key */
    bool limited;   /* by a limit of our own, the last model */
    bool forbidden; /* to the caller's key is the model that was asked for */
    bool final;     /* and no other model changes that */

    /* Of the model that is tried. */
    struct found found;
    const struct model *model; /* of `found` */
    json_t *parameters;        /* may be NULL */
    struct built_in built_in;
    struct names names;
    uint64_t used; /* tokens, of all attempts and models */

    /* Of the attempt. */
    struct ein_llm_outcome outcome;
    struct lease lease;
    bool held;         /* `lease` is */
    bool stopped;      /* the sink has said so */
    uint64_t pieces;   /* that the caller was given */
    uint64_t received; /* bytes of answer */
    uint64_t sources;  /* that it cites */
    uint64_t vectors;  /* of embed() */
    const char *wrong; /* with a piece, which nobody was given; NULL: nothing */
};

static inline const struct completion *settings_of(const struct work *work)
{
    return &work->models->completion;
}

/* attempt.c: asks the model once, and settles what that has cost. */
int attempt_run(struct work *work, struct ein_error *err);

/* budget.c: sets aside what the attempt may cost, once; gives back what was not needed. */
int budget_reserve(struct work *work, struct ein_error *err);
void budget_settle(struct work *work, int result);
void budget_release(struct work *work);

/* meter.c */
void meter_call(const struct work *work, int result);
void meter_attempt(const struct work *work, int result, uint64_t took_us);
struct ein_span *meter_begin(const struct work *work);
void meter_end(const struct work *work, struct ein_span *span, int result);
