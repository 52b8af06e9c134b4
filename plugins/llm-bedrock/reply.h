/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "buf.h"
#include "frames.h"
#include "vendor.h"

enum { REPLY_OPEN_MAX = 16 }; /* blocks at once; the vendor opens one after the other */

struct reply_block {
    bool used;
    int64_t index;
    json_t *tool;       /* {"toolUseId", "name"}; NULL: no tool */
    bool of_the_vendor; /* a tool that it runs itself */
    struct buf input;   /* of the tool */
    struct buf signature, redacted;
};

/* What has been read of one answer. */
struct reply {
    const struct vendor *vendor;
    struct vendor_sink sink;
    struct ein_llm_outcome *outcome; /* kept up to date */
    const char *secret;              /* that no error shows; may be NULL */
    bool hidden;                     /* thoughts are not wanted */
    json_t *sources;                 /* {url: true} of those told */
    struct reply_block open[REPLY_OPEN_MAX];
    bool broken_call; /* a tool call was not JSON; fine if the answer was cut */
    bool stopped;     /* messageStop: all is said */
    bool ended;       /* metadata: and counted */
};

/* Reads one frame.  CANCELLED: the sink did not want more.  Other failures set the outcome's
 * fault. */
int reply_frame(const struct frame *frame, void *reply, struct ein_error *err);
/* Likewise an answer of /converse, which comes in one piece. */
int reply_whole(struct reply *reply, const json_t *answer, struct ein_error *err);
void reply_done(struct reply *reply);

/* block.c: events of one block. */
int block_start(struct reply *reply, const json_t *event, struct ein_error *err);
int block_delta(struct reply *reply, const json_t *event, struct ein_error *err);
int block_stop(struct reply *reply, const json_t *event, struct ein_error *err);
/* Frees what it holds; its place is free then. */
void block_close(struct reply_block *block);

/* errors.c: as vendor_call.classify, without data. */
void bedrock_classify(void *data, struct vendor_failure *failure);
/* The fault of an error of this name ("ThrottlingException", "throttlingException"), else
 * `otherwise`. */
int bedrock_fault(const char *name, int otherwise);
