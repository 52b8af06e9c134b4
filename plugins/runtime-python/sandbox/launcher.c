/* SPDX-License-Identifier: Apache-2.0 */
/* einion-sandbox RUNTIME_DIR UID_BASE PYTHON PRELOAD PATH...
 *
 * Builds the place that the zygote lives in, as good as the machine allows, and
 * becomes PYTHON running RUNTIME_DIR/zygote.py there.  PATHs are what the
 * interpreter reads.  The control socket is descriptor 3.  Waits for the zygote;
 * if it is killed, so is the zygote. */
#include "protocol.h"
#include "root.h"
#include "weaken.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    REASON_MAX = 200,
    UIDS = 65536,
    TRIES_MAX = 10, /* of a place that the machine may give and has not */
    TRY_AGAIN_US = 100000
};

#define HOST_NAME "agent" /* what agents are told that the machine is called */

struct launch {
    const char *runtime_dir, *python, *preload;
    const char *const *paths;
    long uid_base;
    char missing[REASON_MAX]; /* why the last rung could not be reached */
};

struct fault {
    int cause; /* errno */
    char what[REASON_MAX / 2];
};

struct house {
    uint32_t flags;
    int go[2];    /* the parent tells that the uid maps are written */
    int fault[2]; /* the child tells what failed, a struct fault; closed by exec */
};

static int write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;

    ssize_t len = write(fd, text, strlen(text));
    int cause = errno;
    close(fd);
    errno = cause;
    return len < 0 ? -1 : 0;
}

static _Noreturn void fail(const struct house *house, const char *what)
{
    struct fault fault = { .cause = errno };

    snprintf(fault.what, sizeof(fault.what), "%s", what);
    (void)!write(house->fault[1], &fault, sizeof(fault));
    _exit(1);
}

static _Noreturn void become_python(const struct launch *launch, const struct house *house)
{
    const char *dir = house->flags & HOUSE_ROOT ? ROOT_RUNTIME_DIR : launch->runtime_dir;
    const char *argv[ROOT_PATHS_MAX + 8];
    char script[4096], flags[16];
    size_t n = 0;
    char *const environment[] = { (char *)"LANG=C.UTF-8",
                                  (char *)"TZ=UTC",
                                  (char *)"HOME=/tmp",
                                  (char *)"PATH=/usr/bin",
                                  (char *)"MALLOC_ARENA_MAX=2",
                                  (char *)"LD_BIND_NOW=1", /* once, not in each child */
                                  (char *)"PYTHONDONTWRITEBYTECODE=1",
                                  (char *)"OPENBLAS_NUM_THREADS=1",
                                  NULL };

    snprintf(script, sizeof(script), "%s/zygote.py", dir);
    snprintf(flags, sizeof(flags), "%u", house->flags);
    argv[n++] = launch->python;
    argv[n++] = "-I";
    argv[n++] = script;
    argv[n++] = flags;
    argv[n++] = launch->missing;
    argv[n++] = launch->preload;
    for (const char *const *path = launch->paths; *path && n < ROOT_PATHS_MAX + 7; path++)
        argv[n++] = *path;
    argv[n] = NULL;
    execve(launch->python, (char *const *)argv, weaken_environment(environment));
    fail(house, launch->python);
}

/* In a container that may not be renamed, but was given that name. */
static bool is_called(const char *name)
{
    char is[HOST_NAME_MAX + 1] = "";

    return gethostname(is, sizeof(is)) == 0 && strcmp(is, name) == 0;
}

static void enter_namespaces(const struct house *house)
{
    /* Made with clone() they prove nothing for the calls that children need. */
    if (setns(-1, 0) < 0 && errno != EBADF)
        fail(house, "setns");
    if (left_out("host name namespace"))
        return;
    if (unshare(CLONE_NEWUTS) < 0)
        fail(house, "unshare");
    if (sethostname(HOST_NAME, strlen(HOST_NAME)) < 0 && !is_called(HOST_NAME))
        fail(house, "sethostname");
}

static _Noreturn void build_house(const struct launch *launch, const struct house *house)
{
    struct root root;
    const char *failed = NULL;
    char go;

    close(house->go[1]);
    close(house->fault[0]);
    if (read(house->go[0], &go, 1) != 1)
        _exit(1);
    close(house->go[0]);

    /* The sources are reached with the server's uid, the new root is made with that
     * of the namespace. */
    if (house->flags & HOUSE_ROOT)
        failed = root_gather(&root, launch->paths, launch->runtime_dir);
    if (failed)
        fail(house, failed);
    if (house->flags & HOUSE_NAMESPACES) {
        if ((house->flags & HOUSE_UIDS && setgroups(0, NULL) < 0) || setresgid(0, 0, 0) < 0 ||
            setresuid(0, 0, 0) < 0)
            fail(house, "uid of the namespace");
        enter_namespaces(house);
    }
    if (house->flags & HOUSE_ROOT)
        failed = root_enter(&root);
    if (failed)
        fail(house, failed);
    /* Changing the uid clears it, so it comes after. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        fail(house, "parent death signal");
    become_python(launch, house);
}

static int write_map(pid_t pid, const char *file, long first, long count)
{
    char path[64], map[64];

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    snprintf(map, sizeof(map), "0 %ld %ld", first, count);
    return write_file(path, map);
}

static const char *map_ids(const struct launch *launch, pid_t pid, uint32_t flags)
{
    char path[64];

    if (!(flags & HOUSE_NAMESPACES) || left_out("user namespace"))
        return NULL;
    if (flags & HOUSE_UIDS)
        return write_map(pid, "uid_map", launch->uid_base, UIDS) < 0 ||
                       write_map(pid, "gid_map", launch->uid_base, UIDS) < 0
                   ? "uid map"
                   : NULL;
    snprintf(path, sizeof(path), "/proc/%d/setgroups", (int)pid);
    (void)write_file(path, "deny");
    return write_map(pid, "uid_map", geteuid(), 1) < 0 ||
                   write_map(pid, "gid_map", getegid(), 1) < 0
               ? "uid map"
               : NULL;
}

static const struct {
    const char *layer;
    unsigned long flag;
} namespace_table[] = {
    { "user namespace", CLONE_NEWUSER },     { "pid namespace", CLONE_NEWPID },
    { "read-only root", CLONE_NEWNS },       { "network namespace", CLONE_NEWNET },
    { "ipc namespace", CLONE_NEWIPC },       { "host name namespace", CLONE_NEWUTS },
    { "cgroup namespace", CLONE_NEWCGROUP },
};

static unsigned long wanted_namespaces(void)
{
    unsigned long flags = 0;

    for (size_t i = 0; i < sizeof(namespace_table) / sizeof(namespace_table[0]); i++)
        if (!left_out(namespace_table[i].layer))
            flags |= namespace_table[i].flag;
    return flags;
}

/* The zygote, running; -1 and errno with launch->missing if this house cannot be built. */
static pid_t try_house(struct launch *launch, uint32_t flags)
{
    struct house house = { .flags = flags };
    unsigned long namespaces = flags & HOUSE_NAMESPACES ? wanted_namespaces() : 0;
    const char *failed = NULL;
    struct fault fault = { 0 };

    if (pipe2(house.go, O_CLOEXEC) < 0 || pipe2(house.fault, O_CLOEXEC) < 0)
        _exit(1);
    pid_t pid = (pid_t)syscall(SYS_clone, namespaces | SIGCHLD, NULL, NULL, NULL, 0);
    if (pid == 0)
        build_house(launch, &house);
    if (pid < 0)
        failed = "new namespaces";
    else
        failed = map_ids(launch, pid, flags);
    fault.cause = errno;
    close(house.go[0]);
    close(house.fault[1]);
    if (!failed && write(house.go[1], "g", 1) == 1 &&
        read(house.fault[0], &fault, sizeof(fault)) == sizeof(fault))
        failed = fault.what;
    close(house.go[1]);
    close(house.fault[0]);
    if (!failed)
        return pid;

    snprintf(launch->missing, REASON_MAX, "%s: %s", failed, strerror(fault.cause));
    if (pid > 0)
        waitpid(pid, NULL, 0);
    errno = fault.cause;
    return -1;
}

/* Not for want of memory or processes, which others may give back. */
static bool is_refused(int cause)
{
    return cause == EPERM || cause == EACCES || cause == ENOSYS || cause == EINVAL ||
           cause == ENOSPC;
}

/* A weaker place is for as long as the server lives, so what may pass is waited for. */
static pid_t insist(struct launch *launch, uint32_t flags)
{
    for (int tries = 1;; tries++) {
        errno = EAGAIN;
        pid_t pid = step_fails_at_first("place") ? -1 : try_house(launch, flags);

        if (pid > 0 || is_refused(errno) || tries == TRIES_MAX)
            return pid;
        usleep(TRY_AGAIN_US);
    }
}

/* Never a root of its own in a mount namespace that is not. */
static bool is_skipped(uint32_t rung)
{
    return (rung & HOUSE_ROOT && left_out("read-only root")) ||
           (rung & HOUSE_NAMESPACES && wanted_namespaces() == 0);
}

static pid_t build(struct launch *launch)
{
    uint32_t uids = geteuid() == 0 ? HOUSE_UIDS : 0;
    const uint32_t rungs[] = {
        HOUSE_NAMESPACES | HOUSE_ROOT | uids,
        HOUSE_NAMESPACES | HOUSE_ROOT,
        HOUSE_NAMESPACES | uids,
        HOUSE_NAMESPACES,
        uids,
    };
    char told[REASON_MAX] = "";
    pid_t pid = -1;

    for (size_t i = 0; pid < 0 && i < sizeof(rungs) / sizeof(rungs[0]); i++) {
        if (is_skipped(rungs[i]))
            continue;
        pid = insist(launch, rungs[i]);
        /* What several of them lack is one thing to know. */
        if (pid < 0 && strcmp(launch->missing, told) != 0)
            fprintf(stderr, "einion-sandbox: not available here: %s\n",
                    strcpy(told, launch->missing));
    }
    return pid;
}

int main(int argc, char **argv)
{
    struct launch launch = { .missing = "" };
    int status;

    if (argc < 5) {
        fprintf(stderr, "usage: einion-sandbox RUNTIME_DIR UID_BASE PYTHON PRELOAD PATH...\n");
        return 2;
    }
    launch.runtime_dir = argv[1];
    launch.uid_base = strtol(argv[2], NULL, 10);
    launch.python = argv[3];
    launch.preload = argv[4];
    launch.paths = (const char *const *)argv + 5;

    close_range(SANDBOX_CONTROL_FD + 1, ~0u, 0);
    (void)write_file("/proc/self/oom_score_adj", "1000");

    pid_t pid = build(&launch);
    if (pid < 0)
        return 1;
    /* Only the zygote holds the socket, so that the server sees it end. */
    close(SANDBOX_CONTROL_FD);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
