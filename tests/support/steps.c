/* SPDX-License-Identifier: Apache-2.0 */
#include "steps.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TIMES = 7 }; /* reading a clock may take one round more */

/* The thread sanitizer takes steps of its own, now more, now fewer. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define STEPS_OF_OTHERS
#endif
#elif defined(__SANITIZE_THREAD__)
#define STEPS_OF_OTHERS
#endif

static int child(void (*run)(void *data), void *data)
{
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
        return 1;
    run(data); /* what is bound or made at first use is no part of it */
    (void)raise(SIGSTOP);
    run(data);
    (void)raise(SIGSTOP);
    return 0;
}

static int stopped_by(int pid, int signal)
{
    int status;

    return waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == signal;
}

static long once(void (*run)(void *data), void *data)
{
    int pid = fork();
    long steps = -1;

    if (pid == 0)
        _exit(child(run, data));
    if (pid > 0 && stopped_by(pid, SIGSTOP)) {
        steps = 0;
        while (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0 && stopped_by(pid, SIGTRAP))
            steps++;
    }
    if (pid > 0) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
    }
    return steps;
}

#ifdef STEPS_OF_OTHERS
long steps_of(void (*run)(void *data), void *data)
{
    (void)once;
    (void)run;
    (void)data;
    return -1;
}
#else
long steps_of(void (*run)(void *data), void *data)
{
    long least = once(run, data);

    for (int i = 1; i < TIMES; i++) {
        long steps = once(run, data);
        least = steps < least ? steps : least;
    }
    return least;
}
#endif
