/* SPDX-License-Identifier: Apache-2.0 */
#include "death.h"
#include "sandbox/protocol.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static const struct {
    int number;
    const char *type, *message;
} signals[] = {
    { SIGSYS, "PermissionError", "The agent made a forbidden system call and was stopped." },
    { SIGSEGV, "RuntimeError",
      "The agent's interpreter crashed (segmentation fault); recursion without end is a common "
      "cause." },
    { SIGBUS, "RuntimeError", "The agent's interpreter crashed (bus error)." },
    { SIGABRT, "RuntimeError", "The agent's interpreter aborted." },
    { SIGFPE, "RuntimeError", "The agent's interpreter crashed (arithmetic error)." },
    { SIGILL, "RuntimeError", "The agent's interpreter crashed (illegal instruction)." },
    { SIGXFSZ, "OSError", "The agent wrote a file over its size limit and was stopped." },
    { SIGKILL, "RuntimeError", "The agent was killed." },
};

static struct death of_signal(int number)
{
    struct death death = { .type = "RuntimeError" };

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        if (signals[i].number != number)
            continue;
        death.type = signals[i].type;
        snprintf(death.message, sizeof(death.message), "%s", signals[i].message);
        return death;
    }
    snprintf(death.message, sizeof(death.message), "The agent ended by signal %d.", number);
    return death;
}

/* The kernel counts the limit in ticks, and usage exactly, which is less by a third at times where
 * many share a processor: of a second, milliseconds. */
enum { CPU_NEARLY = 500 };

struct death death_of(int status, uint32_t cpu_ms, bool starved, const struct limits *limits)
{
    struct death death = { .type = "RuntimeError" };

    if (status == -1) {
        snprintf(death.message, sizeof(death.message),
                 "The sandbox was restarted while the agent was running.");
    } else if (starved) {
        death.type = "MemoryError";
        snprintf(death.message, sizeof(death.message),
                 "The agent used more than its %u MiB of memory.", limits->memory_mb);
    } else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL &&
               cpu_ms >= limits->cpu_s * CPU_NEARLY) {
        death.type = "TimeoutError";
        snprintf(death.message, sizeof(death.message), "The agent used up its %u s of CPU time.",
                 limits->cpu_s);
    } else if (WIFSIGNALED(status)) {
        death = of_signal(WTERMSIG(status));
    } else {
        snprintf(death.message, sizeof(death.message),
                 "The agent's process ended (status %d) without returning a result.",
                 WEXITSTATUS(status));
    }
    return death;
}

bool death_is_isolation(int status, const char *output, size_t len)
{
    static const char mark[] = "isolation step ";

    return WIFEXITED(status) && WEXITSTATUS(status) == SANDBOX_STEP_EXIT &&
           len >= sizeof(mark) - 1 && memcmp(output, mark, sizeof(mark) - 1) == 0;
}
