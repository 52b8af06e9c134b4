/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "mcp_server.h"

/* What an agent does, as its client is told: one step for each event of the trace. */
struct progress {
    struct turn *turn;
    const json_t *token;
    json_int_t steps;
};

/* The token that the client wants to know it by; NULL: it does not want to. */
const json_t *progress_token(const struct turn *turn);

/* ein_trace_sink; the data is a struct progress. */
int progress_send(const json_t *event, void *data);
