/* SPDX-License-Identifier: Apache-2.0 */
#include "zygote.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "sandbox/protocol.h"
#include "sandbox/weaken.h"
#include "seccomp_table.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
    PATHS_MAX = 48,
    PROBE_MAX = 64 << 10,
    PROBE_MS = 60000,
    REPLY_MS = 30000,  /* a zygote that does not answer for so long is broken, not just crowded */
    UIDS_FIRST = 1000, /* below are the zygote's own */
    UIDS_COUNT = 60000,
    SHARED_UID_PROCESSES = 4096 /* RLIMIT_NPROC counts the server's own threads then */
};

/* ---- starting a program with nothing of ours ---- */

static char *const clean_environment[] = { (char *)"LANG=C.UTF-8", (char *)"PATH=/usr/bin", NULL };

/* `out` and `control` may be -1: /dev/null, none.  In a session of its own: a Ctrl-C is for the
 * server, which lets its agents come to their end. */
static int start_program(const char *const *argv, int out, int errors, int control, pid_t *ret_pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    if (out >= 0)
        posix_spawn_file_actions_adddup2(&files, out, 1);
    else
        posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    if (errors >= 0)
        posix_spawn_file_actions_adddup2(&files, errors, 2);
    if (control >= 0)
        posix_spawn_file_actions_adddup2(&files, control, SANDBOX_CONTROL_FD);
    posix_spawn_file_actions_addclosefrom_np(&files, control >= 0 ? SANDBOX_CONTROL_FD + 1 : 3);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    int r = posix_spawn(ret_pid, argv[0], &files, &attributes, (char *const *)argv,
                        weaken_environment(clean_environment));
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return r;
}

static void wait_for(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* ---- the plan ---- */

/* What it prints until it ends, or until it has had its time. */
static size_t read_all(int fd, char *text, size_t size)
{
    int64_t until_ms = clock_mono_ms() + PROBE_MS;
    size_t len = 0;

    for (;;) {
        struct pollfd wait = { fd, POLLIN, 0 };
        int64_t left = until_ms - clock_mono_ms();
        if (left <= 0 || poll(&wait, 1, (int)left) < 0)
            return len;
        ssize_t n = wait.revents ? read(fd, text + len, size - 1 - len) : 0;
        if (wait.revents && n <= 0)
            return len;
        len += (size_t)n;
    }
}

static int read_probe(const char *python, const char *script, char *text, size_t size,
                      struct ein_error *err)
{
    const char *argv[] = { python, "-I", script, NULL };
    int pipe_fds[2];
    pid_t pid;

    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return error_set(err, EIN_E_INTERNAL, "pipe: %s", strerror(errno));
    int r = start_program(argv, pipe_fds[1], -1, -1, &pid);
    close(pipe_fds[1]);
    if (r != 0) {
        close(pipe_fds[0]);
        return error_set(err, EIN_E_UNAVAILABLE, "%s: %s", python, strerror(r));
    }
    size_t len = read_all(pipe_fds[0], text, size);
    close(pipe_fds[0]);
    (void)kill(pid, SIGKILL);
    wait_for(pid);
    text[len] = '\0';
    if (len == 0)
        return error_set(err, EIN_E_UNAVAILABLE, "%s does not run", python);
    return 0;
}

static int split_lines(char *text, char ***ret_lines, struct ein_error *err)
{
    char **lines = calloc(PATHS_MAX + 1, sizeof(*lines));
    size_t count = 0;
    char *rest;

    if (!lines)
        return error_no_memory(err);
    for (char *line = strtok_r(text, "\n", &rest); line && count < PATHS_MAX;
         line = strtok_r(NULL, "\n", &rest))
        lines[count++] = strdup(line);
    *ret_lines = lines;
    return 0;
}

int zygote_plan_make(const struct settings *settings, const char *folder,
                     struct zygote_plan *ret_plan, struct ein_error *err)
{
    EIN_FREE char *text = malloc(PROBE_MAX);
    char script[4096];
    char **paths = NULL;
    int r;

    snprintf(script, sizeof(script), "%s/probe.py", folder);
    if (!text)
        return error_no_memory(err);
    r = read_probe(settings->python, script, text, PROBE_MAX, err);
    if (r == 0)
        r = split_lines(text, &paths, err);
    if (r < 0)
        return r;
    *ret_plan =
        (struct zygote_plan){ .settings = settings, .folder = strdup(folder), .paths = paths };
    r = cgroup_open(settings->cgroup, &settings->limits, &ret_plan->cgroup, ret_plan->no_cgroup,
                    sizeof(ret_plan->no_cgroup), err);
    if (r < 0)
        zygote_plan_done(ret_plan);
    return r;
}

void zygote_plan_done(struct zygote_plan *plan)
{
    for (char **path = plan->paths; path && *path; path++)
        free(*path);
    free(plan->paths);
    free(plan->folder);
    cgroup_close(plan->cgroup);
    *plan = (struct zygote_plan){ 0 };
}

/* ---- start ---- */

static char *join_preload(const json_t *names)
{
    char *joined = strdup("");
    size_t i;
    json_t *name;

    json_array_foreach((json_t *)names, i, name)
    {
        char *longer = NULL;
        if (asprintf(&longer, "%s%s%s", joined ? joined : "", i ? "," : "",
                     json_string_value(name)) < 0)
            longer = NULL;
        free(joined);
        joined = longer;
    }
    return joined;
}

static int start_launcher(const struct zygote_plan *plan, int control, int errors, pid_t *ret_pid)
{
    const char *argv[PATHS_MAX + 6];
    char launcher[4096], uid_base[16];
    size_t n = 0;
    EIN_FREE char *preload = join_preload(plan->settings->preload);

    if (!preload)
        return ENOMEM;
    snprintf(launcher, sizeof(launcher), "%s/einion-sandbox", plan->folder);
    snprintf(uid_base, sizeof(uid_base), "%u", plan->settings->limits.uid_base);
    argv[n++] = launcher;
    argv[n++] = plan->folder;
    argv[n++] = uid_base;
    argv[n++] = plan->settings->python;
    argv[n++] = preload;
    for (char **path = plan->paths; *path; path++)
        argv[n++] = *path;
    argv[n] = NULL;
    return start_program(argv, -1, errors, control, ret_pid);
}

int zygote_start(const struct zygote_plan *plan, struct zygote **ret_zygote, struct ein_error *err)
{
    int control[2] = { -1, -1 }, errors[2] = { -1, -1 };
    struct zygote *zygote = calloc(1, sizeof(*zygote));
    int r = 0;

    if (!zygote)
        return error_no_memory(err);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0 ||
        pipe2(errors, O_CLOEXEC | O_NONBLOCK) < 0)
        r = errno;
    if (r == 0)
        r = start_launcher(plan, control[1], errors[1], &zygote->launcher);
    if (control[1] >= 0)
        close(control[1]);
    if (errors[1] >= 0)
        close(errors[1]);
    zygote->control = control[0];
    zygote->errors = errors[0];
    zygote->started_ms = clock_mono_ms();
    zygote->cgroup = plan->cgroup;
    snprintf(zygote->level.no_cgroup, sizeof(zygote->level.no_cgroup), "%s", plan->no_cgroup);
    if (r != 0) {
        zygote->launcher = 0;
        zygote_free(zygote);
        return error_set(err, EIN_E_UNAVAILABLE, "%s/einion-sandbox: %s", plan->folder,
                         strerror(r));
    }
    *ret_zygote = zygote;
    return 0;
}

/* ---- talking ---- */

static int send_message(const struct zygote *zygote, const void *message, size_t len,
                        const int *fds, size_t count)
{
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } control = { { 0 } };
    struct iovec part = { (void *)message, len };
    struct msghdr header = { .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = CMSG_SPACE(count * sizeof(int)) };
    struct cmsghdr *c = CMSG_FIRSTHDR(&header);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(c), fds, count * sizeof(int));
    return sendmsg(zygote->control, &header, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* 1 and a report (and a pidfd, or -1), 0 when none is waiting, < 0 when it has gone. */
static int receive_report(const struct zygote *zygote, struct sandbox_report *report, int *ret_fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec part = { report, sizeof(*report) };
    struct msghdr header = { .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes) };

    *ret_fd = -1;
    ssize_t len = recvmsg(zygote->control, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (len < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c))
        if (c->cmsg_type == SCM_RIGHTS)
            memcpy(ret_fd, CMSG_DATA(c), sizeof(*ret_fd));
    return len == sizeof(*report) ? 1 : -1;
}

static int gone(const struct zygote *zygote, struct ein_error *err)
{
    return error_set(err, EIN_E_UNAVAILABLE, "the sandbox ended: %s",
                     *zygote->complaint ? zygote->complaint : "no reason was given");
}

/* Inside a user namespace the host's uids are counted from 0. */
static uint32_t next_uid(const struct zygote *zygote, const struct settings *settings)
{
    uint32_t uid = UIDS_FIRST + zygote->spawned % UIDS_COUNT;

    if (zygote->level.house & HOUSE_NAMESPACES && !left_out("user namespace"))
        return uid;
    return settings->limits.uid_base + uid;
}

int zygote_configure(struct zygote *zygote, const struct settings *settings, struct ein_error *err)
{
    const struct limits *limits = &settings->limits;
    char hello[SANDBOX_HELLO_MAX];
    ssize_t len = recv(zygote->control, hello, sizeof(hello), MSG_DONTWAIT);
    int r;

    if (len <= 0)
        return gone(zygote, err);
    r = level_decide(hello, (size_t)len, settings->isolation, &zygote->level, err);
    if (r < 0)
        return r;
    if (cgroup_has_memory(zygote->cgroup))
        zygote->level.memory = "cgroup";
    if (cgroup_has_pids(zygote->cgroup))
        zygote->level.threads = "cgroup";

    bool own_identity = zygote->level.layers & (LAYER_UID | LAYER_USER);
    struct sandbox_rules rules = {
        .op = OP_CONFIGURE,
        .layers = zygote->level.layers,
        .address_space = (uint64_t)limits->address_space_mb << 20,
        .file_size = (uint64_t)limits->tmp_mb << 20,
        .cpu_s = limits->cpu_s,
        .open_files = limits->open_files,
        .threads = limits->threads + (own_identity ? 0 : SHARED_UID_PROCESSES),
        .tmp_bytes = limits->tmp_mb << 20,
    };
    EIN_CLOSE int filter = seccomp_table_compile(!(rules.layers & LAYER_NO_FILES), err);
    if (filter < 0)
        return filter;
    if (send_message(zygote, &rules, sizeof(rules), &filter, 1) < 0)
        return gone(zygote, err);
    return 0;
}

/* ---- children ---- */

/* The pid as it is called here, from /proc; 0 where there is none. */
static pid_t pid_of(int pidfd)
{
    char path[64], text[512];
    int pid = 0;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
    EIN_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t len = read(fd, text, sizeof(text) - 1);
    text[len > 0 ? len : 0] = '\0';
    const char *line = strstr(text, "\nPid:");
    if (line)
        pid = (int)strtol(line + 5, NULL, 10);
    return pid > 0 ? pid : 0;
}

void child_kill(const struct child *child)
{
    (void)syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0);
    cgroup_kill(child->zygote->cgroup, child->group);
}

static void close_and_forget(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void child_close(struct child *child)
{
    close_and_forget(&child->socket);
    close_and_forget(&child->output);
    close_and_forget(&child->pidfd);
}

void child_free(struct child *child)
{
    struct child **link = &child->zygote->children;

    while (*link != child)
        link = &(*link)->next;
    *link = child->next;
    cgroup_remove(child->zygote->cgroup, child->group);
    child_close(child);
    free(child);
}

static struct child *find_child(const struct zygote *zygote, pid_t name)
{
    struct child *child = zygote->children;

    while (child && (child->name != name || child->exited))
        child = child->next;
    return child;
}

/* One report, waited for until `until_ms`; exits are passed on.  1 and the answer to a
 * spawn, 0 when there is nothing more. */
static int next_answer(struct zygote *zygote, int64_t until_ms, zygote_exit_fn *exited, void *data,
                       struct sandbox_report *report, int *ret_fd, struct ein_error *err)
{
    for (;;) {
        int r = receive_report(zygote, report, ret_fd);
        if (r < 0)
            return gone(zygote, err);
        if (r == 1 && report->op != OP_EXITED)
            return 1;
        if (r == 1) {
            struct child *child = find_child(zygote, report->pid);
            if (child)
                exited(child, report->status, report->cpu_ms, data);
            continue;
        }
        int64_t left = until_ms - clock_mono_ms();
        if (left <= 0)
            return 0;
        struct pollfd wait = { zygote->control, POLLIN, 0 };
        (void)poll(&wait, 1, (int)left);
    }
}

int zygote_read_exits(struct zygote *zygote, zygote_exit_fn *exited, void *data,
                      struct ein_error *err)
{
    struct sandbox_report report;
    int fd;
    int r = next_answer(zygote, 0, exited, data, &report, &fd, err);

    if (r == 1)
        return error_set(err, EIN_E_UNAVAILABLE, "the sandbox sent an unexpected answer");
    return r;
}

static int make_ends(int sockets[2], int output[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
        return -1;
    if (pipe2(output, O_CLOEXEC) < 0)
        return -1;
    (void)fcntl(sockets[0], F_SETFL, O_NONBLOCK);
    (void)fcntl(output[0], F_SETFL, O_NONBLOCK);
    return 0;
}

int zygote_spawn(struct zygote *zygote, const struct settings *settings, zygote_exit_fn *exited,
                 void *data, struct child **ret_child, struct ein_error *err)
{
    struct sandbox_spawn order = { OP_SPAWN, next_uid(zygote, settings) };
    struct sandbox_report report = { 0 };
    int sockets[2] = { -1, -1 }, output[2] = { -1, -1 }, pidfd = -1;
    struct child *child = calloc(1, sizeof(*child));
    int r = 0;

    if (!child || make_ends(sockets, output) < 0)
        r = error_set(err, EIN_E_BUSY, "no descriptors or memory for a child");
    if (r == 0 &&
        send_message(zygote, &order, sizeof(order), (int[]){ sockets[1], output[1] }, 2) < 0)
        r = gone(zygote, err);
    close_and_forget(&sockets[1]);
    close_and_forget(&output[1]);
    if (r == 0)
        r = next_answer(zygote, clock_mono_ms() + REPLY_MS, exited, data, &report, &pidfd, err);
    if (r == 0)
        r = error_set(err, EIN_E_UNAVAILABLE, "the sandbox does not answer");
    if (r == 1 && report.op != OP_SPAWNED)
        r = error_set(err, EIN_E_BUSY, "fork: %s", strerror(report.status));
    if (r == 1 && pidfd < 0) /* it ends when it finds its socket closed, having run nothing */
        r = error_set(err, EIN_E_BUSY, "no descriptor to end a child by");
    if (r < 0) {
        close_and_forget(&sockets[0]);
        close_and_forget(&output[0]);
        free(child);
        return r;
    }

    zygote->spawned++;
    *child = (struct child){ .socket = sockets[0],
                             .output = output[0],
                             .pidfd = pidfd,
                             .pid = pid_of(pidfd),
                             .name = report.pid,
                             .zygote = zygote,
                             .next = zygote->children,
                             .born_ms = clock_mono_ms() };
    zygote->children = child;
    if (zygote->cgroup)
        r = cgroup_add(zygote->cgroup, child->pid, &child->group, err);
    if (r < 0) {
        child_kill(child);
        child->released = true;
        return r;
    }
    *ret_child = child;
    return 0;
}

/* ---- the end ---- */

void zygote_read_errors(struct zygote *zygote, void (*line)(const char *text, void *data),
                        void *data)
{
    char text[2048];
    ssize_t len;

    while ((len = read(zygote->errors, text, sizeof(text) - 1)) > 0) {
        char *rest;
        text[len] = '\0';
        for (char *one = strtok_r(text, "\n", &rest); one; one = strtok_r(NULL, "\n", &rest)) {
            snprintf(zygote->complaint, sizeof(zygote->complaint), "%.190s", one);
            line(one, data);
        }
    }
    if (len == 0)
        close_and_forget(&zygote->errors);
}

void zygote_kill(struct zygote *zygote)
{
    close_and_forget(&zygote->control);
    if (zygote->launcher > 0) {
        (void)kill(zygote->launcher, SIGKILL);
        wait_for(zygote->launcher);
    }
    zygote->launcher = 0;
    zygote->state = ZYGOTE_DEAD;
}

void zygote_free(struct zygote *zygote)
{
    if (!zygote)
        return;
    zygote_kill(zygote);
    while (zygote->children)
        child_free(zygote->children);
    close_and_forget(&zygote->errors);
    free(zygote);
}
