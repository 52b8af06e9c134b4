/* SPDX-License-Identifier: Apache-2.0 */
#include "agent_span.h"
#include "bridge.h"
#include "cleanup.h"
#include "clock.h"
#include "death.h"
#include "error.h"
#include "member.h"
#include "run.h"
#include "slow_call.h"
#include "str.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum {
    READ_MAX = 256 << 10,  /* in one turn, so that others have theirs */
    EVENT_MAX = 64 << 10,  /* one printed line on its way */
    UNREAD_MAX = 1 << 20,  /* answers that wait before no more is read from a child */
    EXIT_WAIT_MS = 500,    /* for a process that may live on without its socket */
    REPORT_WAIT_MS = 30000 /* for the word of a zygote that others keep from its processor */
};

/* ---- start ---- */

static int check_source(const struct run *run, const char *code, struct ein_error *err)
{
    size_t len = strlen(code), max = (size_t)run->limits.source_kb << 10;

    if (len > max)
        return error_set(err, EIN_E_INVALID, "The agent's code has %zu bytes; the limit is %zu.",
                         len, max);
    return 0;
}

/* By as much as this run may have less than is configured. */
static int lower_limit(const struct child *child, int which, uint64_t less)
{
    struct rlimit limit;

    if (less == 0)
        return 0;
    if (child->pid == 0)
        errno = ESRCH;
    if (child->pid == 0 || prlimit(child->pid, which, NULL, &limit) < 0)
        return -1;
    limit.rlim_max = limit.rlim_max > less ? limit.rlim_max - less : 0;
    limit.rlim_cur = limit.rlim_max;
    return prlimit(child->pid, which, &limit, NULL);
}

/* A pool child has the configured limits; this run may have asked for less. */
static int lower_limits(const struct run *run, const struct child *child, struct ein_error *err)
{
    const struct limits *had = &run->runtime->settings.limits, *now = &run->limits;
    const struct {
        int which;
        uint64_t less;
    } table[] = {
        { RLIMIT_CPU, had->cpu_s - now->cpu_s },
        { RLIMIT_AS, (uint64_t)(had->address_space_mb - now->address_space_mb) << 20 },
        { RLIMIT_NPROC, had->threads - now->threads },
        { RLIMIT_NOFILE, had->open_files - now->open_files },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (lower_limit(child, table[i].which, table[i].less) < 0)
            return error_set(err, EIN_E_UNAVAILABLE, "the run's limits could not be lowered: %s",
                             strerror(errno));
    }
    return 0;
}

static json_t *shared(const struct json_t *value)
{
    return value ? json_incref((json_t *)value) : json_object();
}

static int send_job(struct agent *agent, const struct agent_job *job, struct ein_error *err)
{
    const struct run *run = agent->run;
    EIN_JSON json_t *message = json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:b, s:i, s:i, s:i, s:i}", "t", "job", "code", job->code,
        "input", shared(job->input), "tools", shared(job->tools), "env", shared(job->secrets),
        "mute", run->trace.muted, "events", (int)run->trace.lines_left, "result_max",
        (int)(run->limits.result_kb << 10), "http_window", (int)(run->limits.http_window_kb << 10),
        "uploads", (int)run->limits.http_in_flight);

    if (!message)
        return error_set(err, EIN_E_INVALID, "The agent's code is not UTF-8 text.");
    return wire_append(&agent->out, message, NULL, 0, err);
}

int agent_start(struct run *run, struct agent *caller, int64_t call_id, const struct agent_job *job,
                struct ein_error *err)
{
    size_t frame_max = (size_t)run->limits.frame_kb << 10;
    int r = check_source(run, job->code, err);

    if (r < 0)
        return r;
    struct agent *agent = calloc(1, sizeof(*agent));
    if (!agent)
        return error_no_memory(err);
    agent->run = run;
    agent->caller = caller;
    agent->call_id = call_id;
    agent->serial = ++run->agents_made;
    agent->speaker = (struct speaker){ job->name, job->id, caller ? caller->speaker.depth + 1 : 0 };
    agent->agent_id = job->agent_id;
    agent->document = job->document;
    agent->imports = job->imports;
    agent->in.max = frame_max + WIRE_HEAD;
    agent->out.max = 4 * frame_max;
    agent->raw.max = (size_t)run->limits.raw_output_kb << 10;

    agent_span_begin(agent);
    r = send_job(agent, job, err);
    if (r == 0)
        r = pool_take(run->runtime->pool, clock_mono_ms() + run->limits.start_ms, &agent->child,
                      err);
    if (r == 0)
        r = lower_limits(run, agent->child, err);
    if (r < 0) {
        agent_free(agent);
        return r;
    }
    agent->began_ms = clock_mono_ms();
    struct agent **last = &run->agents;
    while (*last)
        last = &(*last)->next;
    *last = agent;
    agent_writable(agent);
    return 0;
}

static void let_go(struct agent *agent)
{
    if (agent->child)
        pool_release(agent->run->runtime->pool, agent->child);
    agent->child = NULL;
}

void agent_free(struct agent *agent)
{
    agent_span_end(agent, "RuntimeError");
    let_go(agent);
    json_decref(agent->hosts);
    wire_buffer_free(&agent->in);
    wire_buffer_free(&agent->out);
    wire_buffer_free(&agent->raw);
    free(agent);
}

/* ---- the end ---- */

static void show_start(struct agent *agent)
{
    if (agent->started)
        return;
    agent->started = true;
    agent->began_ms = clock_mono_ms();
    trace_start(&agent->run->trace, &agent->speaker);
}

/* What native code wrote to descriptors 1 and 2. */
static void show_raw(struct agent *agent)
{
    const char *text = agent->raw.bytes;
    size_t left = wire_buffer_len(&agent->raw);

    while (left && agent->started) {
        const char *end = memchr(text, '\n', left);
        size_t len = end ? (size_t)(end - text) : left;
        if (len)
            trace_stdout(&agent->run->trace, &agent->speaker, text, len, 0);
        len += end != NULL;
        text += len;
        left -= len;
    }
    agent->raw.start = agent->raw.end = 0;
    if (agent->started)
        trace_lost(&agent->run->trace, &agent->speaker, agent->raw_lost);
    agent->raw_lost = 0;
}

static void show_end(struct agent *agent, bool success)
{
    if (agent->started)
        trace_end(&agent->run->trace, &agent->speaker, clock_mono_ms() - agent->began_ms, success);
}

/* What it has called ends with it. */
static void drop_calls(struct agent *agent)
{
    /* The newest first: an agent that one of them called ends before it. */
    for (;;) {
        struct agent *last = NULL;
        for (struct agent *other = agent->run->agents; other; other = other->next)
            if (other->caller == agent && !other->ended)
                last = other;
        if (!last)
            break;
        agent_abandon(last);
    }
    slow_leave(agent);
}

static void end(struct agent *agent)
{
    agent->ended = true;
    let_go(agent);
}

void agent_abandon(struct agent *agent)
{
    drop_calls(agent);
    agent_output(agent);
    show_raw(agent);
    show_end(agent, false);
    agent_span_end(agent, "CancelledError");
    end(agent);
}

static void succeed(struct agent *agent, struct json_t *take_result)
{
    struct run *run = agent->run;

    drop_calls(agent);
    agent_output(agent);
    show_raw(agent);
    show_end(agent, true);
    agent_span_end(agent, NULL);
    end(agent);
    if (agent->caller) {
        agent_reply(agent->caller, agent->call_id, take_result, NULL, 0);
        return;
    }
    run->done = true;
    run->result = take_result;
}

void agent_fail(struct agent *agent, const char *type, const char *message, const char *traceback)
{
    struct run *run = agent->run;
    EIN_FREE char *text = NULL;

    drop_calls(agent);
    show_raw(agent);
    if (agent->started)
        trace_error(&run->trace, &agent->speaker, type, message, traceback);
    show_end(agent, false);
    agent_span_end(agent, type);
    end(agent);
    if (agent->caller) {
        agent_refuse(agent->caller, agent->call_id, type, message);
        return;
    }
    int len = asprintf(&text, "%s: %s", type, message);
    run->done = true;
    run->error = trace_text(run->runtime->host, len < 0 ? type : text,
                            len < 0 ? strlen(type) : (size_t)len, 0);
    if (len < 0)
        text = NULL;
}

static void fail_protocol(struct agent *agent, const char *what)
{
    char message[300];

    snprintf(message, sizeof(message), "The agent's process sent %s.", what);
    agent_fail(agent, "RuntimeError", message, "");
}

static size_t first_line(const struct wire_buffer *raw)
{
    const char *end = memchr(raw->bytes, '\n', wire_buffer_len(raw));

    return end ? (size_t)(end - raw->bytes) : wire_buffer_len(raw);
}

static bool has_exited(const struct child *child)
{
    struct pollfd wait = { child->pidfd, POLLIN, 0 };

    return poll(&wait, 1, 0) > 0;
}

/* Its socket is at an end: it exited, was killed, or closed it and lives on, until now. */
static void explain_death(struct agent *agent)
{
    struct run *run = agent->run;
    struct pool *pool = run->runtime->pool;
    bool starved, lives = false;
    uint32_t cpu_ms;
    int status;

    bool known = pool_wait_exit(pool, agent->child, EXIT_WAIT_MS, &status, &cpu_ms, &starved);
    if (!known) {
        lives = !has_exited(agent->child);
        if (lives)
            child_kill(agent->child);
        known = pool_wait_exit(pool, agent->child, REPORT_WAIT_MS, &status, &cpu_ms, &starved);
    }
    if (!known || (lives && status == SIGKILL)) {
        agent_fail(agent, "RuntimeError", "The agent closed its connection to the server.", "");
        return;
    }
    agent_output(agent);
    if (!agent->ready &&
        death_is_isolation(status, agent->raw.bytes, wire_buffer_len(&agent->raw))) {
        struct ein_error fault;
        (void)error_set(&fault, EIN_E_UNAVAILABLE, "%.*s", (int)first_line(&agent->raw),
                        agent->raw.bytes);
        agent->raw.start = agent->raw.end = 0;
        if (!agent->caller)
            run->fault = fault;
        agent_fail(agent, "RuntimeError", fault.text, "");
        return;
    }
    struct death death = death_of(status, cpu_ms, starved, &run->limits);
    agent_fail(agent, death.type, death.message, "");
}

/* ---- what it says ---- */

static void on_ready(struct agent *agent, const json_t *message, const struct frame *frame)
{
    (void)message;
    (void)frame;
    agent->ready = true;
}

static void on_began(struct agent *agent, const json_t *message, const struct frame *frame)
{
    (void)message;
    (void)frame;
    show_start(agent);
}

static uint64_t cut_already(const json_t *message)
{
    json_int_t more = json_integer_value(json_object_get(message, "more"));

    return more > 0 ? (uint64_t)more : 0;
}

static void on_stdout(struct agent *agent, const json_t *message, const struct frame *frame)
{
    const json_t *text = json_object_get(message, "message");

    if (frame->json_len > EVENT_MAX || !json_is_string(text))
        return;
    show_start(agent);
    trace_stdout(&agent->run->trace, &agent->speaker, json_string_value(text),
                 json_string_length(text), cut_already(message));
}

static void on_log(struct agent *agent, const json_t *message, const struct frame *frame)
{
    const json_t *text = json_object_get(message, "message");

    if (frame->json_len > EVENT_MAX || !json_is_string(text))
        return;
    show_start(agent);
    trace_log(&agent->run->trace, &agent->speaker, text_or_empty(message, "level"),
              text_or_empty(message, "logger"), json_string_value(text), json_string_length(text),
              cut_already(message));
}

static void on_call(struct agent *agent, const json_t *message, const struct frame *frame)
{
    struct run *run = agent->run;

    if (++run->calls_made > run->limits.calls) {
        agent_fail(agent, "RuntimeError", "The agent made too many calls to the server.", "");
        return;
    }
    agent->asking = frame;
    bridge_call(agent, message, frame->blob, frame->blob_len);
}

static void on_cancel(struct agent *agent, const json_t *message, const struct frame *frame)
{
    (void)frame;
    bridge_cancel(agent, json_integer_value(json_object_get(message, "id")));
}

static void on_body(struct agent *agent, const json_t *message, const struct frame *frame)
{
    if (!bridge_body(agent, message, frame->blob, frame->blob_len))
        fail_protocol(agent, "more of a request's body than allowed");
}

static void on_used(struct agent *agent, const json_t *message, const struct frame *frame)
{
    (void)frame;
    bridge_used(agent, message);
}

static void on_result(struct agent *agent, const json_t *message, const struct frame *frame)
{
    json_t *value = json_object_get(message, "v");

    show_start(agent);
    if (frame->json_len > ((size_t)agent->run->limits.result_kb << 10) + WIRE_HEAD + 64)
        agent_fail(agent, "ValueError", "The result is too large.", "");
    else
        succeed(agent, value ? json_incref(value) : json_null());
}

static void on_error(struct agent *agent, const json_t *message, const struct frame *frame)
{
    const char *said = text_or_empty(message, "type");
    char type[128];

    (void)frame;
    snprintf(type, sizeof(type), "%.*s", str_cut(said, sizeof(type) - 1), said);
    agent_fail(agent, *type ? type : "RuntimeError", text_or_empty(message, "msg"),
               text_or_empty(message, "tb"));
}

static const struct {
    const char *kind;
    void (*handle)(struct agent *agent, const json_t *message, const struct frame *frame);
} kinds[] = {
    { "ready", on_ready }, { "began", on_began },   { "stdout", on_stdout }, { "log", on_log },
    { "call", on_call },   { "cancel", on_cancel }, { "result", on_result }, { "error", on_error },
    { "body", on_body },   { "used", on_used },
};

/* What a child may not say is not heard. */
static void handle(struct agent *agent, const json_t *message, const struct frame *frame)
{
    const char *kind = text_or_empty(message, "t");

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            kinds[i].handle(agent, message, frame);
}

bool agent_throttled(const struct agent *agent)
{
    const struct limits *limits = &agent->run->limits;

    return agent->in_flight >= limits->calls_in_flight ||
           agent->held > (size_t)limits->memory_mb << 20 ||
           wire_buffer_len(&agent->out) > UNREAD_MAX;
}

void agent_process(struct agent *agent)
{
    const struct limits *limits = &agent->run->limits;
    struct ein_error err = { 0 };
    struct frame frame;
    int r = 0;

    while (!agent->ended && !agent_throttled(agent)) {
        EIN_JSON json_t *message = NULL;
        if (wire_buffer_len(&agent->in) == 0)
            return;
        r = wire_frame(agent->in.bytes + agent->in.start, wire_buffer_len(&agent->in),
                       (size_t)limits->frame_kb << 10, &frame, &err);
        if (r == 0)
            return;
        if (r > 0)
            r = wire_json(&frame, limits->json_depth, limits->json_values, &message, &err);
        if (r < 0) {
            fail_protocol(agent, err.text);
            return;
        }
        handle(agent, message, &frame);
        wire_buffer_drop(&agent->in, frame.len);
    }
}

void agent_readable(struct agent *agent)
{
    size_t got = 0;

    while (!agent->ended && got < READ_MAX && !agent_throttled(agent)) {
        size_t room_len = agent->in.max - wire_buffer_len(&agent->in);
        room_len = room_len < (64u << 10) ? room_len : 64u << 10;
        char *room = room_len ? wire_buffer_room(&agent->in, room_len) : NULL;
        if (!room) {
            fail_protocol(agent, "more than fits in memory");
            return;
        }
        ssize_t len = recv(agent->child->socket, room, room_len, MSG_DONTWAIT);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0 && errno == EAGAIN)
            return;
        if (len <= 0) {
            explain_death(agent);
            return;
        }
        got += (size_t)len;
        agent->in.end += (size_t)len;
        agent_process(agent);
    }
}

void agent_writable(struct agent *agent)
{
    size_t len;

    while (!agent->ended && (len = wire_buffer_len(&agent->out)) > 0) {
        ssize_t sent = send(agent->child->socket, agent->out.bytes + agent->out.start, len,
                            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN)
            return;
        if (sent < 0) {
            /* It has gone; reading will tell why. */
            wire_buffer_drop(&agent->out, len);
            return;
        }
        wire_buffer_drop(&agent->out, (size_t)sent);
    }
}

/* All that is there is taken, so that no writer waits; the first of it is kept. */
void agent_output(struct agent *agent)
{
    char text[4096];
    ssize_t len = -1;

    if (!agent->child || agent->child->output < 0)
        return;
    while ((len = read(agent->child->output, text, sizeof(text))) > 0) {
        size_t free_len = agent->raw.max - wire_buffer_len(&agent->raw);
        size_t kept = (size_t)len < free_len ? (size_t)len : free_len;
        char *room = kept ? wire_buffer_room(&agent->raw, kept) : NULL;
        if (room) {
            memcpy(room, text, kept);
            agent->raw.end += kept;
        }
        agent->raw_lost += (size_t)len - (room ? kept : 0);
    }
    if (len == 0) {
        close(agent->child->output);
        agent->child->output = -1;
    }
}

void agent_look(struct agent *agent)
{
    char path[64], text[128] = "", message[160];
    unsigned long pages = 0;

    if (agent->ended || agent->child->pid == 0)
        return;
    snprintf(path, sizeof(path), "/proc/%d/statm", (int)agent->child->pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    if (fgets(text, sizeof(text), file))
        (void)sscanf(text, "%*u %lu", &pages);
    fclose(file);
    if ((uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) <= (uint64_t)agent->run->limits.memory_mb
                                                                 << 20)
        return;
    snprintf(message, sizeof(message), "The agent used more than its %u MiB of memory.",
             agent->run->limits.memory_mb);
    agent_fail(agent, "MemoryError", message, "");
}

/* ---- what it is told ---- */

void agent_tell(struct agent *agent, const struct json_t *message, const void *blob,
                size_t blob_len)
{
    struct ein_error err = { 0 };

    if (agent->ended)
        return;
    if (wire_append(&agent->out, message, blob, blob_len, &err) < 0)
        agent_fail(agent, "RuntimeError", err.text, "");
    else
        agent_writable(agent);
}

void agent_ask_to_stop(struct agent *agent)
{
    EIN_JSON json_t *message = json_pack("{s:s}", "t", "cancel");

    agent_tell(agent, message, NULL, 0);
}

void agent_reply(struct agent *agent, int64_t call_id, struct json_t *take_value, const void *blob,
                 size_t blob_len)
{
    EIN_JSON json_t *message =
        json_pack("{s:s, s:I, s:o}", "t", "ret", "id", (json_int_t)call_id, "v", take_value);

    if (agent->in_flight)
        agent->in_flight--;
    agent_tell(agent, message, blob, blob_len);
}

void agent_refuse(struct agent *agent, int64_t call_id, const char *type, const char *message)
{
    EIN_JSON json_t *fault = json_pack("{s:s, s:I, s:s, s:s}", "t", "err", "id",
                                       (json_int_t)call_id, "type", type, "msg", message);

    if (agent->in_flight)
        agent->in_flight--;
    agent_tell(agent, fault, NULL, 0);
}
