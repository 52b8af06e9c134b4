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
 *   cgroup      auto, off, or a folder of a version 2 tree: who counts memory and threads (auto)
 *   python      the interpreter (/usr/bin/python3)
 *   venv        the folder of a virtual environment: its interpreter and its packages instead
 *   undeclared  allow or refuse what an agent calls of a kind (models, tools, hosts, namespaces)
 *               of which it declares nothing (allow)
 *   preload     modules imported once, before the first fork ([])
 *   users       {uid: {limit: number}}: limits of a run, lowered, running_per_user and
 *               queue_per_user for single users ({})
 *   All limits, with their defaults, are in settings.h.
 *
 * Example
 *   plugins:
 *     runtime-python:
 *       preload: [numpy]
 *       timeout_ms: 600000
 *       memory_mb: 1024
 */
#include "init.h"
#include "machine.h"
#include "runtime.h"

static const struct ein_agent_runtime service = {
    .struct_size = sizeof(service),
    .run = runtime_run,
    .status = runtime_status,
};

static int init(const struct ein_host *host, struct ein_ctx *ctx, const struct json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct runtime *runtime;
    int r = runtime_new(host, ctx, config, &runtime, err);

    if (r < 0)
        return r;
    r = host->publish(ctx, EIN_AGENT_RUNTIME, "python", &service, runtime, err);
    return init_done(r, runtime, runtime_free, ret_self);
}

/* Where agents are off, all else is served. */
static int check(void *self, ein_say *say, void *data, struct ein_error *err)
{
    (void)err;
    machine_tell(self, say, data);
    return 0;
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .name = "runtime-python",
    .version = "0.1.0",
    .summary = "Runs the Python code of agents in sandboxed processes",
    .config_schema = settings_schema,
    .init = init,
    .start = runtime_start,
    .stop = runtime_stop,
    .fini = runtime_free,
    .check = check,
};
EIN_PLUGIN_EXPORT(plugin)
