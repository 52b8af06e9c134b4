/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime.h"
#include "cleanup.h"
#include "error.h"
#include "run.h"
#include "sandbox/protocol.h"

static bool is_cancelled(const void *data)
{
    const struct run *run = data;
    const struct ein_host *host = run->runtime->host;

    return run->what->cancel && host->cancel && host->cancel->fired(run->what->cancel);
}

static json_t *or_null(json_t *take_value)
{
    return take_value ? take_value : json_null();
}

int runtime_run(void *impl, const struct ein_agent_run *what, struct json_t **ret_outcome,
                struct ein_error *err)
{
    struct runtime *runtime = impl;
    const char *user = what->user_id ? what->user_id : "";
    struct run run = { .runtime = runtime, .what = what };

    if (!what->code)
        return error_set(err, EIN_E_INVALID, "There is no code to run.");
    if (!runtime->pool)
        return error_set(err, EIN_E_UNAVAILABLE, "The agent runtime is not started.");
    run.limits = limits_lowered(&runtime->settings.limits, what->limits);
    if (what->timeout_ms && what->timeout_ms < run.limits.timeout_ms)
        run.limits.timeout_ms = what->timeout_ms;
    run.trace = (struct trace){ .host = runtime->host,
                                .sink = what->trace,
                                .data = what->trace_data,
                                .muted = runtime->muted,
                                .lines_left = run.limits.output_events };

    int r = admission_enter(&runtime->admission, &runtime->settings.limits, user, is_cancelled,
                            &run, err);
    if (r < 0)
        return r;
    r = run_perform(&run, err);
    admission_leave(&runtime->admission, user);
    if (r < 0) {
        json_decref(run.result);
        json_decref(run.error);
        json_decref(run.ops_log);
        return r;
    }
    *ret_outcome = json_pack("{s:o, s:o, s:o}", "result", or_null(run.result), "error",
                             or_null(run.error), "opsLog", or_null(run.ops_log));
    return *ret_outcome ? 0 : error_set(err, EIN_E_NO_MEMORY, "no memory for the outcome");
}

static json_t *barriers_of(const struct level *level)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "system_calls", "seccomp", "files",
                     level->files, "network", level->network, "processes", level->processes,
                     "identity", level->identity, "tmp",
                     level->layers & LAYER_TMP ? "private tmpfs" : "none");
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
        return error_set(err, EIN_E_NO_MEMORY, "no memory");
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
