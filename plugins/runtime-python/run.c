/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"
#include "bridge.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "slow_call.h"
#include "span.h"

#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>

enum {
    LOOK_MS = 250,  /* how often memory is looked at */
    WAIT_FIXED = 2, /* descriptors that are not an agent's */
    AGENT_WAITS = 2
};

struct agent *run_agent(const struct run *run, uint32_t serial)
{
    struct agent *agent = run->agents;

    while (agent && (agent->serial != serial || agent->ended))
        agent = agent->next;
    return agent;
}

/* Those that have ended; the run's own stays first, and to the last. */
static void sweep(struct run *run)
{
    struct agent **link = run->agents ? &run->agents->next : &run->agents;

    while (*link) {
        struct agent *agent = *link;
        if (!agent->ended) {
            link = &agent->next;
            continue;
        }
        *link = agent->next;
        agent_free(agent);
    }
}

/* ---- stopping ---- */

bool run_is_cancelled(const void *data)
{
    const struct run *run = data;
    struct ein_cancel *cancel = run->what->cancel;

    return run->trace.stopped || (cancel && run->runtime->host->cancel->fired(cancel));
}

/* Agents are asked first; after the grace they are killed. */
static void begin_stop(struct run *run, enum run_stop why)
{
    run->stop = why;
    run->deadline_ms = clock_mono_ms() + run->limits.grace_ms;
    for (struct agent *agent = run->agents; agent; agent = agent->next)
        agent_ask_to_stop(agent);
}

struct reason {
    const char *type;
    char text[100];
};

static struct reason stop_reason(const struct run *run)
{
    struct reason reason = { "CancelledError", "The run was cancelled." };

    if (run->stop == STOP_TIMEOUT) {
        reason.type = "TimeoutError";
        snprintf(reason.text, sizeof(reason.text), "The agent did not finish within %g s.",
                 run->limits.timeout_ms / 1000.0);
    }
    if (run->stop == STOP_TRACE) {
        reason.type = "RuntimeError";
        snprintf(reason.text, sizeof(reason.text), "The trace of the run is longer than %u KiB.",
                 run->limits.trace_kb);
    }
    return reason;
}

static void finish_stop(struct run *run)
{
    struct reason reason = stop_reason(run);

    agent_fail(run->agents, reason.type, reason.text, "");
}

static void check_time(struct run *run)
{
    if (run->stop == STOP_NONE && run_is_cancelled(run))
        begin_stop(run, STOP_CANCELLED);
    if (run->stop == STOP_NONE && run->trace.full)
        begin_stop(run, STOP_TRACE);
    if (run->done || clock_mono_ms() < run->deadline_ms)
        return;
    if (run->stop == STOP_NONE)
        begin_stop(run, STOP_TIMEOUT);
    else
        finish_stop(run);
}

/* ---- the loop ---- */

struct waits {
    struct pollfd *fds;
    size_t size;
};

static bool make_room(struct waits *waits, size_t count)
{
    if (count <= waits->size)
        return true;
    struct pollfd *fds = realloc(waits->fds, 2 * count * sizeof(*fds));
    if (!fds)
        return false;
    waits->fds = fds;
    waits->size = 2 * count;
    return true;
}

static struct pollfd wait_socket(const struct agent *agent)
{
    short wanted = agent_throttled(agent) ? 0 : POLLIN;

    if (wire_buffer_len(&agent->out))
        wanted |= POLLOUT;
    /* Without anything to do for it not even its end is of interest. */
    return (struct pollfd){ wanted ? agent->child->socket : -1, wanted, 0 };
}

static size_t fill_waits(struct run *run, struct waits *waits)
{
    const struct ein_host *host = run->runtime->host;
    size_t count = WAIT_FIXED;
    int cancel_fd = -1;

    if (run->stop == STOP_NONE && run->what->cancel)
        cancel_fd = host->cancel->wait_fd(run->what->cancel);
    for (const struct agent *agent = run->agents; agent; agent = agent->next)
        count += AGENT_WAITS;
    if (!make_room(waits, count))
        return 0;
    waits->fds[0] = (struct pollfd){ run->wake, POLLIN, 0 };
    waits->fds[1] = (struct pollfd){ cancel_fd, POLLIN, 0 };
    count = WAIT_FIXED;
    for (const struct agent *agent = run->agents; agent; agent = agent->next) {
        waits->fds[count++] = wait_socket(agent);
        waits->fds[count++] = (struct pollfd){ agent->child->output, POLLIN, 0 };
    }
    return count;
}

static void serve(struct agent *agent, const struct pollfd *socket, const struct pollfd *output)
{
    if (!agent->ended && output->revents)
        agent_output(agent);
    if (!agent->ended && socket->revents & (POLLOUT | POLLERR | POLLHUP))
        agent_writable(agent);
    if (!agent->ended && socket->revents & (POLLIN | POLLERR | POLLHUP))
        agent_readable(agent);
}

static int turn(struct run *run, struct waits *waits, int64_t *look_ms)
{
    struct agent *agent = run->agents;
    size_t count = fill_waits(run, waits);
    int64_t now = clock_mono_ms(), until = *look_ms;

    if (count == 0)
        return EIN_E_NO_MEMORY;
    if (run->deadline_ms < until)
        until = run->deadline_ms;
    (void)poll(waits->fds, count, until > now ? (int)(until - now) : 0);

    /* Agents that join meanwhile are at the end of the list: they have their turn next. */
    for (size_t i = WAIT_FIXED; i < count; i += AGENT_WAITS, agent = agent->next)
        serve(agent, &waits->fds[i], &waits->fds[i + 1]);
    if (waits->fds[0].revents)
        slow_collect(run);
    for (agent = run->agents; agent; agent = agent->next)
        agent_process(agent);
    if (clock_mono_ms() < *look_ms)
        return 0;
    for (agent = run->agents; agent; agent = agent->next)
        agent_look(agent);
    *look_ms = clock_mono_ms() + LOOK_MS;
    return 0;
}

static int loop(struct run *run, struct ein_error *err)
{
    struct waits waits = { 0 };
    int64_t look_ms = clock_mono_ms() + LOOK_MS;
    int r = 0;

    while (!run->done && r == 0) {
        r = turn(run, &waits, &look_ms);
        check_time(run);
        sweep(run);
    }
    free(waits.fds);
    return r < 0 ? error_set(err, r, "no memory") : 0;
}

/* ---- begin and end ---- */

/* The reason counts for more than what the agent made of being stopped. */
static void tell_why(struct run *run)
{
    struct reason reason = stop_reason(run);

    if (run->stop == STOP_NONE)
        return;
    json_decref(run->result);
    json_decref(run->error);
    run->result = NULL;
    run->error = json_sprintf("%s: %s", reason.type, reason.text);
}

static bool imports_are_there(const struct run *run)
{
    size_t i;
    json_t *id;

    json_array_foreach((json_t *)run->what->imports, i, id)
    {
        if (!json_object_get(run->what->agents, json_string_value(id)))
            return false;
    }
    return true;
}

static int perform(struct run *run, struct ein_error *err)
{
    const struct ein_agent_run *what = run->what;
    struct agent_job job = { .id = what->agent_id,
                             .agent_id = what->agent_id,
                             .document = what->agent,
                             .name = what->agent_name ? what->agent_name : "sandbox_agent",
                             .code = what->code,
                             .input = what->input,
                             .tools = what->tools,
                             .imports = what->imports,
                             .secrets = what->secrets };
    int r = agent_start(run, NULL, 0, &job, err);

    if (r == 0) {
        run->deadline_ms = clock_mono_ms() + run->limits.timeout_ms;
        r = loop(run, err);
    }
    if (r == 0 && run->fault.code)
        r = error_set(err, run->fault.code, "%s", run->fault.text);
    if (r == 0)
        tell_why(run);
    return r;
}

int run_perform(struct run *run, struct ein_error *err)
{
    const struct ein_host *host = run->runtime->host;

    if (!imports_are_there(run)) {
        run->error =
            json_string("ValueError: Could not load one or more dependent Gofannon agents.");
        return 0;
    }
    span_where(host, run->place);
    run->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (run->wake < 0)
        return error_set(err, EIN_E_BUSY, "no descriptors for a run");
    run->cancel = host->cancel->make(run->runtime->ctx, run->what->cancel);

    int r = perform(run, err);

    bridge_done(run);
    while (run->agents) {
        struct agent *agent = run->agents;
        run->agents = agent->next;
        agent_free(agent);
    }
    if (run->cancel)
        host->cancel->drop(run->cancel);
    close(run->wake);
    return r;
}
