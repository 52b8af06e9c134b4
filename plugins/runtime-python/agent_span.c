/* SPDX-License-Identifier: Apache-2.0 */
/* Agents of one run come and go in any order on one thread: it is within an agent's span only here,
 * and where the run was begun everywhere else. */
#include "agent_span.h"
#include "run.h"
#include "span.h"

#include <jansson.h>
#include <stdio.h>

enum { NAME_SIZE = 256 };

void agent_span_begin(struct agent *agent)
{
    struct run *run = agent->run;
    const struct ein_host *host = run->runtime->host;
    char name[NAME_SIZE];

    if (!*run->place)
        return;
    (void)snprintf(name, sizeof(name), "invoke_agent %s", agent->speaker.name);
    span_enter(host, agent->caller ? agent->caller->place : run->place);
    agent->span = span_begin(host, run->runtime->ctx, EIN_SPAN_INTERNAL, name);
    span_where(host, agent->place);
    span_enter(host, run->place);
}

void agent_span_end(struct agent *agent, const char *error)
{
    const struct run *run = agent->run;
    const struct ein_host *host = run->runtime->host;

    if (!agent->span)
        return;
    span_end(host, agent->span, error,
             json_pack("{s:s, s:s, s:s*, s:s*}", "gen_ai.operation.name", "invoke_agent",
                       "gen_ai.agent.name", agent->speaker.name, "gen_ai.agent.id", agent->agent_id,
                       "einion.run_id", run->what->run_id));
    agent->span = NULL;
    span_enter(host, run->place);
}
