/* SPDX-License-Identifier: Apache-2.0 */
#include "slow_call.h"
#include "cleanup.h"
#include "error.h"
#include "json_depth.h"
#include "span.h"

#include <string.h>
#include <unistd.h>

enum { STACK_SIZE = 1 << 20 /* providers of models, and the JSON of what they say */ };

bool slow_count(struct agent *agent, enum slow_lane lane)
{
    struct run *run = agent->run;
    const uint32_t most[SLOW_LANES] = { [SLOW_HTTP] = run->limits.http_calls,
                                        [SLOW_LLM] = run->limits.llm_calls,
                                        [SLOW_MCP] = run->limits.mcp_calls };

    if (run->slow_made[lane] >= most[lane])
        return false;
    run->slow_made[lane]++;
    return true;
}

void *slow_new(struct agent *agent, int64_t id, const struct slow_kind *kind, size_t size,
               const char *too_many)
{
    bool may = slow_count(agent, kind->lane);
    struct slow_call *call = may ? calloc(1, size) : NULL;

    if (call)
        call->kind = kind;
    else
        agent_refuse(agent, id, "RuntimeError", may ? "no memory" : too_many);
    return call;
}

static bool has_room(const struct run *run, enum slow_lane lane)
{
    const uint32_t most[SLOW_LANES] = { [SLOW_HTTP] = run->limits.http_in_flight,
                                        [SLOW_LLM] = run->limits.llm_in_flight,
                                        [SLOW_MCP] = run->limits.mcp_in_flight };

    return run->slow_running[lane] < most[lane];
}

/* ---- their turn ---- */

static void wake_run(int wake)
{
    uint64_t one = 1;

    (void)!write(wake, &one, sizeof(one));
}

void slow_tell(struct slow_call *call)
{
    if (!atomic_exchange(&call->has_news, true))
        wake_run(call->wake);
}

static void *perform(void *data)
{
    struct slow_call *call = data;
    int wake = call->wake;

    span_enter(call->host, call->place);
    call->kind->perform(call);
    atomic_store(&call->finished, true);
    wake_run(wake);
    return NULL;
}

static bool begin(struct slow_call *call)
{
    pthread_attr_t attributes;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    call->begun = pthread_create(&call->thread, &attributes, perform, call) == 0;
    pthread_attr_destroy(&attributes);
    return call->begun;
}

static void let_go(struct slow_call *call)
{
    if (call->cancel)
        call->host->cancel->drop(call->cancel);
    json_decref(call->json);
    call->kind->free(call);
}

const char *python_error(int code, const char *not_found, const char *unavailable)
{
    switch (code) {
    case EIN_E_INVALID:
    case EIN_E_TOO_LARGE:
        return "ValueError";
    case EIN_E_DENIED:
        return "PermissionError";
    case EIN_E_TIMEOUT:
        return "TimeoutError";
    case EIN_E_NOT_FOUND:
        return not_found;
    case EIN_E_UNAVAILABLE:
        return unavailable;
    case EIN_E_FULL:
        return "OSError"; /* as where a disk is full */
    default:
        return "RuntimeError";
    }
}

static void answer(struct slow_call *call, struct agent *agent)
{
    agent->held -= call->held;
    if (call->kind->answer)
        call->kind->answer(call, agent);
    else if (call->r == 0)
        agent_reply(agent, call->id, EIN_TAKE(call->json), NULL, 0);
    else
        agent_refuse(agent, call->id,
                     python_error(call->r, call->kind->not_found, call->kind->unavailable),
                     call->err.text);
}

static void unlink_call(struct run *run, const struct slow_call *call)
{
    struct slow_call **link = &run->slow;

    while (*link != call)
        link = &(*link)->next;
    *link = call->next;
}

static void begin_waiting(struct run *run)
{
    struct slow_call *next;

    for (struct slow_call *call = run->slow; call; call = next) {
        next = call->next;
        if (call->begun || !has_room(run, call->kind->lane))
            continue;
        if (begin(call)) {
            run->slow_running[call->kind->lane]++;
            continue;
        }
        struct agent *agent = run_agent(run, call->serial);
        call->r = error_set(&call->err, EIN_E_BUSY, "The server has no thread for the call.");
        unlink_call(run, call);
        if (agent)
            answer(call, agent);
        let_go(call);
        next = run->slow; /* the agent may have ended, and its calls with it */
    }
}

void slow_begin(struct agent *agent, int64_t id, struct slow_call *take_call)
{
    struct run *run = agent->run;
    struct slow_call **last = &run->slow;

    take_call->host = run->runtime->host;
    take_call->ctx = run->runtime->ctx;
    take_call->serial = agent->serial;
    take_call->id = id;
    take_call->held = agent->asking->json_len +
                      JSON_VALUE_BYTES * json_values(agent->asking->json, agent->asking->json_len);
    agent->held += take_call->held;
    take_call->wake = run->wake;
    memcpy(take_call->place, agent->place, sizeof(take_call->place));
    if (take_call->r < 0) {
        answer(take_call, agent);
        let_go(take_call);
        return;
    }
    take_call->cancel = take_call->host->cancel->make(take_call->ctx, run->cancel);
    while (*last)
        last = &(*last)->next;
    *last = take_call;
    begin_waiting(run);
}

/* ---- the end ---- */

/* Takes it off the run's list, its thread being at its end. */
static void take_off(struct run *run, struct slow_call *call)
{
    if (call->begun) {
        pthread_join(call->thread, NULL);
        run->slow_running[call->kind->lane]--;
    }
    unlink_call(run, call);
}

/* True: the agent has ended of it, and its calls with it. */
static bool pass_news(struct slow_call *call, struct agent *agent)
{
    if (!atomic_exchange(&call->has_news, false) || !agent)
        return false;
    call->kind->news(call, agent);
    return agent->ended;
}

void slow_collect(struct run *run)
{
    struct slow_call *next;
    uint64_t count;

    (void)!read(run->wake, &count, sizeof(count));
    for (struct slow_call *call = run->slow; call; call = next) {
        struct agent *agent = run_agent(run, call->serial);
        next = call->next;
        if (!atomic_load(&call->finished)) {
            if (pass_news(call, agent))
                next = run->slow;
            continue;
        }
        take_off(run, call);
        if (agent && call->kind->note)
            call->kind->note(call, agent);
        if (agent)
            answer(call, agent);
        let_go(call);
        next = run->slow; /* an agent may have ended, and its calls with it */
    }
    begin_waiting(run);
}

static void cancel(struct slow_call *call)
{
    if (call->cancel)
        call->host->cancel->fire(call->cancel);
    if (call->kind->stop)
        call->kind->stop(call);
}

struct slow_call *slow_find(const struct run *run, uint32_t serial, int64_t id)
{
    struct slow_call *call = run->slow;

    while (call && (call->serial != serial || call->id != id))
        call = call->next;
    return call;
}

void slow_cancel(struct run *run, uint32_t serial, int64_t call_id)
{
    struct slow_call *call = slow_find(run, serial, call_id);

    if (call)
        cancel(call);
}

void slow_leave(struct agent *agent)
{
    struct run *run = agent->run;
    struct slow_call *next;

    for (struct slow_call *call = run->slow; call; call = call->next)
        if (call->serial == agent->serial)
            cancel(call);
    for (struct slow_call *call = run->slow; call; call = next) {
        next = call->next;
        if (call->serial != agent->serial)
            continue;
        take_off(run, call);
        if (call->begun && call->kind->note)
            call->kind->note(call, agent);
        let_go(call);
    }
}

void slow_end(struct run *run)
{
    if (run->cancel)
        run->runtime->host->cancel->fire(run->cancel);
    for (struct slow_call *call = run->slow; call; call = call->next)
        cancel(call);
    while (run->slow) {
        struct slow_call *call = run->slow;
        take_off(run, call);
        let_go(call);
    }
}
