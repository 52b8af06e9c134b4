/* SPDX-License-Identifier: Apache-2.0 */
/* runtime-python: runs the code of agents, each run in its own sandboxed process.
 *
 * Publishes agent_runtime/1 "python".  A launcher (einion-sandbox) builds a place with
 * its own namespaces and a read-only root that holds the interpreter and nothing else;
 * in it a warm zygote forks children that give up everything but a short list of
 * system calls and one socket to the server.  Children wait in a pool and are used
 * once.  Before any agent runs, and after every replacement of the zygote, a child
 * attacks the machine; if one attack succeeds, agents are off and /readyz says why.
 *
 * Settings
 *   isolation   strict       files, processes and identity are kept apart by more than the
 *                            system call filter, or agents are off (strict)
 *               container    also accept what an ordinary container allows: no own identity
 *                            for each run, no /tmp
 *               best-effort  also accept that nothing but the system call filter stands before
 *                            the files; agents can open none, nor import what is not preloaded
 *               There is no way to turn isolation off.
 *   python      the interpreter, which may be a virtual environment's (/usr/bin/python3)
 *   preload     modules imported once, before the first fork ([])
 *   All limits, with their defaults, are in settings.h.
 *
 * Example
 *   plugins:
 *     runtime-python:
 *       preload: [numpy]
 *       timeout_ms: 600000
 *       memory_mb: 1024
 */
#include "cleanup.h"
#include "error.h"
#include "runtime.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct ein_agent_runtime service = {
    .struct_size = sizeof(service),
    .run = runtime_run,
    .status = runtime_status,
};

static void runtime_fini(void *self)
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

    if (!dladdr(&service, &info) || !info.dli_fname || !realpath(info.dli_fname, path))
        return NULL;
    char *slash = strrchr(path, '/');
    snprintf(slash, sizeof(path) - (size_t)(slash - path), "/sandbox");
    return strdup(path);
}

static int runtime_init(const struct ein_host *host, struct ein_ctx *ctx,
                        const struct json_t *config, void **ret_self, struct ein_error *err)
{
    struct runtime *runtime = calloc(1, sizeof(*runtime));
    const char *mute = getenv("GOFANNON_DISABLE_USER_TRACE");
    int r;

    if (!runtime)
        return error_set(err, EIN_E_NO_MEMORY, "no memory");
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
    if (r == 0)
        r = host->publish(ctx, EIN_AGENT_RUNTIME, "python", &service, runtime, err);
    if (r < 0) {
        runtime_fini(runtime);
        return r;
    }
    *ret_self = runtime;
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

static void on_log(void *data, int level, const char *text)
{
    const struct runtime *runtime = data;

    runtime->host->log_msg(runtime->ctx, level, "%s", text);
}

static int runtime_start(void *self, struct ein_error *err)
{
    struct runtime *runtime = self;
    const struct pool_listener listener = { on_ready, on_unready, on_log, runtime };

    return pool_start(&runtime->settings, runtime->folder, &listener, &runtime->pool, err);
}

static void runtime_stop(void *self)
{
    struct runtime *runtime = self;

    admission_shut(&runtime->admission);
    pool_stop(runtime->pool);
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .name = "runtime-python",
    .version = "0.1.0",
    .summary = "Runs the Python code of agents in sandboxed processes",
    .config_schema = settings_schema,
    .init = runtime_init,
    .start = runtime_start,
    .stop = runtime_stop,
    .fini = runtime_fini,
};
EIN_PLUGIN_EXPORT(plugin)
