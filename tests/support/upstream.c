/* SPDX-License-Identifier: Apache-2.0 */
#include "upstream.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int spawn(int input, int output, pid_t *ret_pid)
{
    char python[] = "/usr/bin/python3", script[] = UPSTREAM_PY, path[] = "PATH=/usr/bin:/bin";
    char *argv[] = { python, script, NULL }, *env[] = { path, NULL };
    posix_spawn_file_actions_t actions;
    int failed;

    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, input, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, output, 1);
    failed = posix_spawn(ret_pid, python, &actions, NULL, argv, env);
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed ? -1 : 0;
}

int upstream_start(struct upstream *upstream)
{
    int input[2], output[2];
    char line[16] = "";
    pid_t pid;
    int r;

    if (pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0)
        return -1;
    r = spawn(input[0], output[1], &pid);
    (void)close(input[0]);
    (void)close(output[1]);
    if (r < 0 || read(output[0], line, sizeof line - 1) <= 0)
        return -1;
    (void)close(output[0]);
    upstream->pid = pid;
    upstream->input = input[1];
    upstream->port = atoi(line);
    return upstream->port > 0 ? 0 : -1;
}

void upstream_stop(struct upstream *upstream)
{
    (void)close(upstream->input);
    (void)waitpid(upstream->pid, NULL, 0);
}
