/* SPDX-License-Identifier: Apache-2.0 */
/* The span of an agent: those it calls, and what it asks of the world, are within it. */
#pragma once

struct agent;

void agent_span_begin(struct agent *agent);
/* error: what Python calls it; NULL: it went well.  Nothing if it has ended already. */
void agent_span_end(struct agent *agent, const char *error);
