/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "member.h"
#include <einion/plugin.h>
#include <einion/services.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One instance of the plugin: the `self` of its route.  const after init. */
struct composer {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    unsigned repairs;  /* tries after the first */
    size_t prompt_max; /* bytes of all that a model is told at first */
    size_t answer_max; /* bytes of what it answers */
    size_t store_max;  /* bytes that a rehearsal may write to its data store */
    uint32_t proof_ms; /* wall time of a rehearsal */
    uint32_t tools_ms; /* for an MCP server to list its tools */
};

/* One request, from its body to its answer. */
struct composing {
    const struct composer *composer;
    struct ein_req *req;
    const json_t *body;
    json_t *declared;        /* what the agent may call: see declared.h */
    size_t tools_len;        /* of the tools in it, as JSON */
    size_t recorded_len;     /* of what its agents have returned, likewise */
    json_t *notes;           /* sentences for whoever asked */
    json_t *messages;        /* what the model was told and has answered so far */
    bool follows;            /* the answer is an event stream */
    bool begun;              /* an event was sent: the status is no longer ours to choose */
    char *answer, *thoughts; /* of the model, the last time */
    struct ein_completion_outcome outcome; /* likewise */
    uint64_t input_tokens, output_tokens;  /* of all times */
    int64_t cost;
};

ein_handler composer_generate; /* generate.c */
