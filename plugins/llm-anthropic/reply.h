/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "buf.h"
#include "vendor.h"

enum { REPLY_OPEN_MAX = 16 }; /* blocks at once; the vendor opens one after the other */

struct reply_block {
    int64_t index;
    json_t *start;                 /* as it began; NULL: this place is free */
    struct buf text;               /* what its deltas say, but for signatures and citations */
    json_t *signature, *citations; /* each may be NULL */
};

struct reply_usage {
    uint64_t input, cached, written, output, reasoning, hour, searches;
};

/* What has been read of one answer, which takes several replies where the vendor pauses. */
struct reply {
    const struct vendor *vendor;
    struct vendor_sink sink;
    struct ein_llm_outcome *outcome; /* kept up to date */
    const char *secret;              /* that no error shows; may be NULL */
    bool keep;                       /* collect `content`, to go on after a pause */
    json_t *content, *sources;       /* blocks, in the vendor's words; {url: true} of those told */
    json_t *queries;                 /* {id: text} of searches that are on their way */
    struct reply_usage before, now;  /* of earlier replies, of this one */
    struct reply_block open[REPLY_OPEN_MAX];
    bool broken_call; /* a tool call was not JSON; fine if the answer was cut */
    bool paused;      /* the vendor wants to be asked to go on */
    bool ended;       /* message_stop */
};

/* Reads one event.  CANCELLED: the sink did not want more.  Other failures set the outcome's
 * fault. */
int reply_event(struct reply *reply, const json_t *event, struct ein_error *err);
/* Reads an answer that did not come as events. */
int reply_whole(struct reply *reply, const json_t *message, struct ein_error *err);
/* Another reply goes on where this one paused. */
void reply_next(struct reply *reply);
void reply_done(struct reply *reply);

/* block.c: events of one block, as reply_event() reads them. */
int block_start(struct reply *reply, const json_t *event, struct ein_error *err);
int block_delta(struct reply *reply, const json_t *event, struct ein_error *err);
int block_stop(struct reply *reply, const json_t *event, struct ein_error *err);
/* Frees what it holds; its place is free then. */
void block_close(struct reply_block *block);

/* errors.c: as vendor_call.classify, without data. */
void anthropic_classify(void *data, struct vendor_failure *failure);
