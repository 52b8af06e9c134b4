/* SPDX-License-Identifier: Apache-2.0 */
#include "machine.h"
#include "clock.h"
#include "sandbox/protocol.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 400, LOOK_MS = 20 };

struct teller {
    ein_say *say;
    void *data;
};

__attribute__((format(printf, 2, 3))) static void tell(const struct teller *teller,
                                                       const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    teller->say(line, teller->data);
}

static void ignore_ready(void *data, const struct level *level)
{
    (void)data;
    (void)level;
}

static void ignore_text(void *data, const char *text)
{
    (void)data;
    (void)text;
}

/* The layers that a machine may lack, in the order in which they are built. */
static void tell_layers(const struct teller *teller, const struct level *level)
{
    const struct {
        const char *name;
        bool is_there;
    } layers[] = {
        { "namespaces (user, pid, mount, network, ipc, host name, cgroup)",
          level->house & HOUSE_NAMESPACES },
        { "read-only root with the interpreter and nothing else", level->house & HOUSE_ROOT },
        { "private /tmp", level->layers & LAYER_TMP },
        { "pid namespace for each run", level->layers & LAYER_PIDS },
        { "user id or user namespace for each run", level->layers & (LAYER_UID | LAYER_USER) },
        { "Landlock", level->layers & LAYER_LANDLOCK },
        { "seccomp, no new privileges, no capabilities, rlimits, no descriptors", true },
        { "cgroup for each run", !*level->no_cgroup },
        { "cgroup that counts memory", strcmp(level->memory, "cgroup") == 0 },
        { "cgroup that counts threads", strcmp(level->threads, "cgroup") == 0 },
    };

    for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
        tell(teller, "  %-3s %s", layers[i].is_there ? "yes" : "no", layers[i].name);
    tell(teller, "  files: %s; network: %s; processes: %s; identity: %s; memory: %s", level->files,
         level->network, level->processes, level->identity, level->memory);
    if (*level->missing)
        tell(teller, "  missing: %s", level->missing);
    if (*level->no_cgroup)
        tell(teller, "  no cgroup: %s", level->no_cgroup);
}

static void tell_status(const struct teller *teller, const struct pool_status *status)
{
    const struct level *level = &status->level;

    if (!status->ready) {
        tell(teller, "agents will be off here: %s",
             *status->reason ? status->reason : "the sandbox did not start in time");
        return;
    }
    tell(teller, "agents run isolated here (%s), as %s; Landlock %d, Python %s, %s%s",
         isolation_names[level->reached], geteuid() == 0 ? "root" : "an ordinary user",
         level->landlock, level->python, *level->httpx ? "httpx " : "httpx is not installed",
         level->httpx);
    tell_layers(teller, level);
}

void machine_tell(const struct runtime *runtime, ein_say *say, void *data)
{
    const struct pool_listener listener = { ignore_ready, ignore_text, ignore_text, NULL };
    const struct teller teller = { say, data };
    int64_t until_ms = clock_mono_ms() + runtime->settings.limits.start_ms;
    struct pool_status status = { 0 };
    struct ein_error err = { 0 };
    struct pool *pool;

    if (pool_start(&runtime->settings, runtime->folder, &listener, &pool, &err) < 0) {
        tell(&teller, "agents will be off here: %s", err.text);
        return;
    }
    do {
        usleep(LOOK_MS * 1000);
        pool_status(pool, &status);
    } while (!status.ready && !*status.reason && clock_mono_ms() < until_ms);
    tell_status(&teller, &status);
    pool_stop(pool);
    pool_free(pool);
}
