/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime.h"
#include "cleanup.h"
#include "error.h"
#include "run.h"
#include "sandbox/protocol.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- its life ---- */

void runtime_free(void *self)
{
    struct runtime *runtime = self;

    pool_free(runtime->pool);
    admission_done(&runtime->admission);
    free(runtime->folder);
    free(runtime);
}

/* The sandbox's files lie beside this shared object. */
static char *find_folder(void)
{
    Dl_info info;
    char path[PATH_MAX];

    if (!dladdr(settings_schema, &info) || !info.dli_fname || !realpath(info.dli_fname, path))
        return NULL;
    char *slash = strrchr(path, '/');
    snprintf(slash, sizeof(path) - (size_t)(slash - path), "/sandbox");
    return strdup(path);
}

int runtime_new(const struct ein_host *host, struct ein_ctx *ctx, const struct json_t *config,
                struct runtime **ret_runtime, struct ein_error *err)
{
    struct runtime *runtime = calloc(1, sizeof(*runtime));
    const char *mute = getenv("GOFANNON_DISABLE_USER_TRACE");
    int r;

    if (!runtime)
        return error_no_memory(err);
    runtime->host = host;
    runtime->ctx = ctx;
    runtime->muted = mute && strcmp(mute, "1") == 0;
    admission_init(&runtime->admission);
    runtime->folder = find_folder();
    r = runtime->folder ? settings_read(config, &runtime->settings, err)
                        : error_set(err, EIN_E_INTERNAL, "the sandbox's files were not found");
    if (r == 0 && runtime->settings.limits.pool_min == 0)
        runtime->settings.limits.pool_min = 2 * (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
    if (r == 0 && runtime->settings.limits.pool_max < runtime->settings.limits.pool_min)
        runtime->settings.limits.pool_max = runtime->settings.limits.pool_min;
    if (r < 0) {
        runtime_free(runtime);
        return r;
    }
    *ret_runtime = runtime;
    return 0;
}

static void on_ready(void *data, const struct level *level)
{
    const struct runtime *runtime = data;

    runtime->host->log_msg(
        runtime->ctx, EIN_INFO,
        "agents run isolated (%s): files %s, network %s, processes %s, identity %s; "
        "Python %s, %s%s",
        isolation_names[level->reached], level->files, level->network, level->processes,
        level->identity, level->python, *level->httpx ? "httpx " : "httpx is not installed",
        level->httpx);
    runtime->host->unready(runtime->ctx, NULL);
}

static void on_unready(void *data, const char *reason)
{
    const struct runtime *runtime = data;
    char text[300];

    snprintf(text, sizeof(text), "agents are off: %s", reason);
    runtime->host->log_msg(runtime->ctx, EIN_ERROR, "%s", text);
    runtime->host->unready(runtime->ctx, text);
}

static void on_warn(void *data, const char *text)
{
    const struct runtime *runtime = data;

    runtime->host->log_msg(runtime->ctx, EIN_WARN, "%s", text);
}

int runtime_start(void *self, struct ein_error *err)
{
    struct runtime *runtime = self;
    const struct pool_listener listener = { on_ready, on_unready, on_warn, runtime };

    return pool_start(&runtime->settings, runtime->folder, &listener, &runtime->pool, err);
}

void runtime_stop(void *self)
{
    struct runtime *runtime = self;

    admission_shut(&runtime->admission);
    pool_stop(runtime->pool);
}

/* ---- agent_runtime/1 ---- */

static json_t *or_null(json_t *take_value)
{
    return take_value ? take_value : json_null();
}

static struct admission_ticket ticket_of(const struct run *run, const char *user)
{
    const struct limits *limits = &run->limits;
    const struct ein_agent_run *what = run->what;

    return (struct admission_ticket){
        .user = user,
        .lane = what->lane_running ? what->lane : NULL,
        .all = { limits->running, limits->queue },
        .of_user = { limits->running_per_user, limits->queue_per_user },
        .of_lane = { what->lane_running, what->lane_queue },
        .queue_ms = limits->queue_ms,
        .cancelled = run_is_cancelled,
        .data = run,
    };
}

int runtime_run(void *impl, const struct ein_agent_run *what, struct json_t **ret_outcome,
                struct ein_error *err)
{
    struct runtime *runtime = impl;
    const char *user = what->user_id ? what->user_id : "";
    struct ein_agent_run whole = { 0 }; /* whoever was built for 1.0 has less to say */
    struct run run = { .runtime = runtime, .what = &whole };

    memcpy(&whole, what, what->struct_size < sizeof(whole) ? what->struct_size : sizeof(whole));
    if (!what->code)
        return error_set(err, EIN_E_INVALID, "There is no code to run.");
    if (!runtime->pool)
        return error_set(err, EIN_E_UNAVAILABLE, "The agent runtime is not started.");
    const struct limits of_user = limits_of_user(&runtime->settings, user);
    run.limits = limits_lowered(&of_user, what->limits);
    if (what->timeout_ms && what->timeout_ms < run.limits.timeout_ms)
        run.limits.timeout_ms = what->timeout_ms;
    run.trace = (struct trace){ .host = runtime->host,
                                .sink = what->trace,
                                .data = what->trace_data,
                                .muted = runtime->muted,
                                .lines_left = run.limits.output_events,
                                .bytes_left = (int64_t)run.limits.trace_kb << 10 };

    const struct admission_ticket ticket = ticket_of(&run, user);
    struct admission_place place;
    int r = admission_enter(&runtime->admission, &ticket, &place, err);
    if (r < 0)
        return r;
    r = run_perform(&run, err);
    admission_leave(&runtime->admission, &place);
    if (r < 0) {
        json_decref(run.result);
        json_decref(run.error);
        json_decref(run.ops_log);
        return r;
    }
    *ret_outcome = json_pack("{s:o, s:o, s:o}", "result", or_null(run.result), "error",
                             or_null(run.error), "opsLog", or_null(run.ops_log));
    return *ret_outcome ? 0 : error_no_memory(err);
}

static json_t *barriers_of(const struct level *level)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "system_calls", "seccomp", "files",
                     level->files, "network", level->network, "processes", level->processes,
                     "identity", level->identity, "tmp",
                     level->layers & LAYER_TMP ? "private tmpfs" : "none", "memory", level->memory,
                     "threads", level->threads);
}

int runtime_status(void *impl, struct json_t **ret_status, struct ein_error *err)
{
    const struct runtime *runtime = impl;
    struct pool_status status = { .reason = "not started" };

    if (runtime->pool)
        pool_status(runtime->pool, &status);
    const char *state = status.ready ? "ready" : *status.reason ? "off" : "starting";
    json_t *json =
        json_pack("{s:s, s:o?, s:I, s:I, s:I, s:I}", "state", state, "reason",
                  *status.reason ? json_string(status.reason) : NULL, "idle",
                  (json_int_t)status.idle, "running", (json_int_t)status.busy, "generation",
                  (json_int_t)status.generation, "children", (json_int_t)status.spawned);
    if (!json)
        return error_no_memory(err);
    if (status.generation) {
        json_object_set_new(json, "level", json_string(isolation_names[status.level.reached]));
        json_object_set_new(json, "barriers", barriers_of(&status.level));
        json_object_set_new(json, "python", json_string(status.level.python));
        json_object_set_new(json, "httpx",
                            *status.level.httpx ? json_string(status.level.httpx) : json_null());
        json_object_set_new(json, "landlock", json_integer(status.level.landlock));
    }
    *ret_status = json;
    return 0;
}
