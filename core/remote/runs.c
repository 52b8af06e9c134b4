/* SPDX-License-Identifier: Apache-2.0 */
#include "runs.h"

#include "agent_folder.h"
#include "agents.h"
#include "buf.h"
#include "cancel.h"
#include "cleanup.h"
#include "clock.h"
#include "file.h"
#include "json_text.h"
#include "member.h"
#include "print.h"
#include "str.h"
#include "trace.h"
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 256, INPUT_MAX = 64 * 1024 * 1024, RETRY_S = 60, PAUSE_MS = 500 };

/* ---- a stream of a run ---- */

struct watching {
    const struct session *session;
    int64_t seen; /* events of the trace */
    bool leave;   /* after the first */
    json_t *done; /* the last event; NULL: it has not come */
};

static int on_event(void *data, const char *event, char *text, size_t len)
{
    struct watching *watching = data;
    const struct options *options = watching->session->options;
    struct json_fault fault;
    EIN_JSON json_t *json = json_text_parse(text, len, DEPTH_MAX, &fault);

    if (str_eq(event, "done") && json) {
        watching->done = EIN_TAKE(json);
        return 1;
    }
    if (!str_eq(event, "trace") || !json)
        return 0;
    watching->seen++;
    if (watching->leave)
        return 1;
    if (options->json && !options->quiet)
        print_json(stderr, json);
    else if (!options->quiet)
        trace_print(stderr, json);
    return 0;
}

/* What DONE, the last event of a run or its record, says: the result on stdout, or why there is
 * none. */
static int finish(const struct session *session, const json_t *done)
{
    const char *outcome = text_of(done, "outcome");
    const char *status = text_of(done, "status");
    const char *error = text_of(done, "error");
    const char *reason = text_of(done, "reason");
    const json_t *warnings = json_object_get(done, "schemaWarnings"), *warning;
    bool good = str_eq(outcome ? outcome : status, outcome ? "success" : "completed");
    size_t i;

    json_array_foreach(warnings, i, warning)
    {
        (void)print_failure(0, "%s", json_string_value(warning));
    }
    if (session->options->json)
        print_json(stdout, done);
    else if (good)
        print_json(stdout, json_object_get(done, "result"));
    if (good)
        return REMOTE_OK;
    if (reason)
        return print_failure(REMOTE_FAILED, "the run is %s: %s", status ? status : "over", reason);
    return print_failure(REMOTE_FAILED, "%s", error ? error : "the run has failed");
}

static const char no_run[] = "there is no run '%s'"; /* what 404 means */

static bool pause_is_over(const struct session *session)
{
    struct pollfd wait = { .fd = cancel_fd(session->cancel), .events = POLLIN };

    return poll(&wait, 1, PAUSE_MS) == 0;
}

static int64_t retry_ms(const struct options *options)
{
    uint64_t seconds = RETRY_S;

    if (options->retry)
        (void)str_to_u64(options->retry, &seconds);
    return (int64_t)seconds * 1000;
}

/* From the event after those that were seen to the end, over as many connections as it takes. */
static int follow(const struct session *session, const char *id, struct watching *watching)
{
    EIN_FREE char *path = session_path("runs", id, "/stream");
    EIN_FREE char *absent = str_print(no_run, id);
    int64_t until = clock_mono_ms() + retry_ms(session->options);
    bool told = false;

    for (;;) {
        struct call call = { .method = "GET",
                             .path = path,
                             .last_event = watching->seen,
                             .absent = absent,
                             .on_event = on_event,
                             .data = watching };
        int64_t before = watching->seen;
        int status = session_send(session, &call);
        __attribute__((unused)) EIN_JSON json_t *reply = call.reply; /* it is freed */

        if (watching->done)
            return finish(session, watching->done);
        if (watching->seen > before)
            until = clock_mono_ms() + retry_ms(session->options);
        if ((status == REMOTE_OK ? call.status != 200 && call.status < 500
                                 : status != REMOTE_NOBODY) ||
            session_is_interrupted(session) || clock_mono_ms() >= until)
            return session_fail(session, &call);
        if (!told)
            (void)print_failure(0, "the connection is lost; trying again");
        told = true;
        if (!pause_is_over(session))
            return print_failure(REMOTE_INTERRUPTED, "interrupted");
    }
}

int runs_follow(struct session *session, char **words)
{
    struct watching watching = { .session = session };
    int status = session_catch_signals(session);

    if (status == REMOTE_OK)
        status = follow(session, words[0], &watching);
    json_decref(watching.done);
    return status;
}

/* ---- run ---- */

static int read_input(const struct options *options, const char *word, json_t **ret_input)
{
    const char *path = options->input ? options->input : str_eq(word, "-") ? "-" : NULL;
    EIN_FREE char *text = NULL;
    struct json_fault fault;
    struct ein_error err;

    if (options->input && word)
        return print_failure(REMOTE_USAGE, "the input is JSON or --input, not both");
    if (path && file_read(path, INPUT_MAX, &text, NULL, &err) < 0)
        return print_failure(REMOTE_USAGE, "%s", err.text);
    if (!path)
        text = strdup(word ? word : "{}");
    *ret_input = text ? json_text_parse(text, strlen(text), DEPTH_MAX, &fault) : NULL;
    if (json_is_object(*ret_input))
        return REMOTE_OK;
    if (*ret_input)
        return print_failure(REMOTE_USAGE, "the input is no JSON object, such as {\"a\": 1}");
    return print_failure(REMOTE_USAGE, "the input is not JSON: %s, at character %zu", fault.text,
                         fault.offset);
}

/* What POST /agents/run-code takes of an agent. */
static int order_of(const char *folder, json_t *input, json_t **ret_order)
{
    static const char *const members[] = {
        "code",         "tools",           "gofannonAgents",  "swaggerSpecs", "outputSchema",
        "friendlyName", "invokableModels", "dataStoreConfig", "allowedHosts",
    };
    EIN_JSON json_t *agent = NULL;
    EIN_JSON json_t *order = json_pack("{s:O, s:{}}", "inputDict", input, "tools");
    struct ein_error err;

    if (agent_folder_read(folder, &agent, &err) < 0)
        return print_failure(REMOTE_USAGE, "%s", err.text);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        json_t *value = json_object_get(agent, members[i]);

        if (value && json_object_set(order, members[i], value) < 0)
            return print_failure(REMOTE_FAILED, "no memory");
    }
    if (!text_of(order, "friendlyName") && text_of(agent, "name") &&
        json_object_set(order, "friendlyName", json_object_get(agent, "name")) < 0)
        return print_failure(REMOTE_FAILED, "no memory");
    *ret_order = EIN_TAKE(order);
    return REMOTE_OK;
}

/* A path is a folder, of whose files the code is run as it is; else NAME is what was deployed. */
static int make_call(const struct session *session, char **words, json_t *input, char **ret_path,
                     json_t **ret_body)
{
    const char *detach = session->options->detach ? "?detach=1" : "";

    if (strchr(words[0], '/')) {
        *ret_path = str_print("/agents/run-code/stream%s", detach);
        return order_of(words[0], input, ret_body);
    }
    *ret_path = session_path("rest", words[0], detach);
    *ret_body = json_incref(input);
    return REMOTE_OK;
}

/* METHOD of /runs/ID, and what follows it. */
static int call_run(const struct session *session, const char *method, const char *id,
                    const char *rest, json_t **ret_run)
{
    EIN_FREE char *path = session_path("runs", id, rest);
    EIN_FREE char *absent = str_print(no_run, id);
    struct call call = {
        .method = method, .path = path, .even_if_interrupted = true, .absent = absent
    };
    int status = session_call(session, &call);

    *ret_run = call.reply;
    return status;
}

/* A run ends when who asked for it leaves; asked to stop, it does so also behind a proxy that
 * tells the server late. */
static int interrupted(const struct session *session, const struct call *call)
{
    EIN_JSON json_t *run = NULL;

    if (call->run_id[0] && call_run(session, "POST", call->run_id, "/stop", &run) == REMOTE_OK)
        return print_failure(REMOTE_INTERRUPTED, "interrupted: the run %s is stopped",
                             call->run_id);
    return print_failure(REMOTE_INTERRUPTED, "interrupted");
}

static int end_run(const struct session *session, const struct call *call,
                   const struct watching *watching)
{
    if (watching->done)
        return finish(session, watching->done);
    if (session_is_interrupted(session))
        return interrupted(session, call);
    if (watching->leave && watching->seen) {
        print_line("%s", call->run_id);
        return REMOTE_OK;
    }
    if (watching->seen)
        return print_failure(
            REMOTE_NOBODY, "the connection is lost: 'einion runs show %s' tells what became of it",
            call->run_id);
    return session_fail(session, call);
}

int runs_run(struct session *session, char **words)
{
    struct watching watching = { .session = session, .leave = session->options->detach };
    EIN_JSON json_t *input = NULL;
    EIN_JSON json_t *body = NULL;
    EIN_FREE char *path = NULL;
    struct call call = { .method = "POST", .on_event = on_event, .data = &watching };
    int status = read_input(session->options, words[1], &input);

    if (status == REMOTE_OK)
        status = make_call(session, words, input, &path, &body);
    if (status == REMOTE_OK)
        status = session_catch_signals(session);
    if (status != REMOTE_OK)
        return status;
    call.path = path;
    call.body = body;
    (void)session_send(session, &call);
    status = end_run(session, &call, &watching);
    json_decref(call.reply);
    json_decref(watching.done);
    return status;
}

/* ---- runs ---- */

int runs_list(struct session *session, char **words)
{
    static const struct print_column columns[] = {
        { "ID", "_id" },
        { "STATUS", "status" },
        { "AGENT", "agentName" },
        { "BEGUN", "startedAt" },
        { "MS", "durationMs" },
        { "USD", "usage.costUsd" },
        { 0 },
    };
    const struct options *options = session->options;
    EIN_JSON json_t *agent = NULL;
    EIN_JSON json_t *runs = NULL;
    struct buf path;
    int status = options->agent ? agents_find(session, options->agent, true, &agent) : REMOTE_OK;

    (void)words;
    if (status != REMOTE_OK)
        return status;
    buf_init(&path, SESSION_PATH_MAX);
    (void)buf_text(&path, "/runs");
    session_add_query(&path, "limit", options->limit);
    session_add_query(&path, "agent_id", agent ? text_of(agent, "_id") : options->agent);
    session_add_query(&path, "status", options->status);
    status = path.error ? print_failure(REMOTE_USAGE, "the query is too long")
                        : session_get(session, &runs, path.data);
    buf_done(&path);
    if (status != REMOTE_OK)
        return status;
    if (options->agent && !agent && json_array_size(runs) == 0)
        return print_failure(REMOTE_FAILED, "there is no agent '%s'", options->agent);
    print_list(stdout, options->json, runs, columns);
    return status;
}

int runs_show(struct session *session, char **words)
{
    EIN_JSON json_t *run = NULL;
    int status = call_run(session, "GET", words[0], "", &run);

    if (status == REMOTE_OK && session->options->json)
        print_json(stdout, run);
    else if (status == REMOTE_OK)
        print_json_pretty(stdout, run);
    return status;
}

int runs_cancel(struct session *session, char **words)
{
    EIN_JSON json_t *run = NULL;
    int status = call_run(session, "POST", words[0], "/stop", &run);

    if (status == REMOTE_OK && session->options->json)
        print_json(stdout, run);
    else if (status == REMOTE_OK)
        print_line("the run %s is stopped", words[0]);
    return status;
}
