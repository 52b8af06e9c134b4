/* SPDX-License-Identifier: Apache-2.0 */
/* The zygote's loop: a plain shared object that zygote.py loads with ctypes.PyDLL.
 * It waits in C for orders, forks, and returns into Python only in the child,
 * when the child has been isolated. */
#include "jail.h"
#include "weaken.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* The interpreter's own; declared here so that no Python headers are needed. */
extern void PyOS_BeforeFork(void);
extern void PyOS_AfterFork_Parent(void);
extern void PyOS_AfterFork_Child(void);

EXPORT int ein_zygote_prepare(const char *const *paths, int *ret_landlock_fd);
EXPORT int ein_zygote_serve(int landlock_fd);

enum { DESCRIPTORS_MAX = 4 };

struct zygote {
    struct jail jail;
    int signals; /* signalfd: a child has ended */
    int self;    /* pidfd of the zygote, the way back into its pid namespace */
};

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "zygote: %s: %s\n", what, strerror(errno));
    _exit(1);
}

/* One message and the descriptors that came with it; 0 when the server has gone. */
static size_t receive(void *message, size_t size, int fds[DESCRIPTORS_MAX], size_t *ret_count)
{
    union {
        char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec part = { message, size };
    struct msghdr header = { .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes) };
    ssize_t len = recvmsg(SANDBOX_CONTROL_FD, &header, MSG_CMSG_CLOEXEC);

    *ret_count = 0;
    if (len <= 0)
        return 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        *ret_count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(c), *ret_count * sizeof(int));
    }
    return (size_t)len;
}

static void report(const struct sandbox_report *what, int fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = { { 0 } };
    struct iovec part = { (void *)what, sizeof(*what) };
    struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };

    if (fd >= 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = sizeof(control.bytes);
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fd, sizeof(fd));
    }
    if (sendmsg(SANDBOX_CONTROL_FD, &header, MSG_NOSIGNAL) < 0)
        _exit(0);
}

static void load_filter(struct jail *jail, int fd)
{
    struct stat is;

    if (fstat(fd, &is) < 0 || is.st_size < 8 || is.st_size % 8 || is.st_size / 8 > BPF_MAXINSNS)
        give_up("filter");
    void *code = malloc((size_t)is.st_size);
    if (!code || pread(fd, code, (size_t)is.st_size, 0) != is.st_size)
        give_up("filter");
    jail->filter.len = (unsigned short)(is.st_size / 8);
    jail->filter.filter = code;
}

static void configure(struct zygote *zygote)
{
    int fds[DESCRIPTORS_MAX];
    size_t count;
    size_t len = receive(&zygote->jail.rules, sizeof(zygote->jail.rules), fds, &count);

    if (len == 0)
        _exit(0);
    if (len != sizeof(zygote->jail.rules) || zygote->jail.rules.op != OP_CONFIGURE || count != 1) {
        errno = EPROTO;
        give_up("configure");
    }
    load_filter(&zygote->jail, fds[0]);
    close(fds[0]);
}

static uint32_t to_ms(const struct timeval *time)
{
    return (uint32_t)(time->tv_sec * 1000 + time->tv_usec / 1000);
}

static void reap(const struct zygote *zygote)
{
    struct signalfd_siginfo info;
    struct rusage used;
    int status;
    pid_t pid;

    while (read(zygote->signals, &info, sizeof(info)) > 0)
        ;
    while ((pid = wait4(-1, &status, WNOHANG, &used)) > 0) {
        struct sandbox_report exited = { .op = OP_EXITED,
                                         .pid = pid,
                                         .status = status,
                                         .cpu_ms = to_ms(&used.ru_utime) + to_ms(&used.ru_stime) };
        report(&exited, -1);
    }
}

/* fork() keeps the C library's handlers; the namespace for children is unshared
 * before it, and afterwards the zygote returns into its own. */
static pid_t fork_child(const struct zygote *zygote)
{
    bool own_pids = zygote->jail.rules.layers & LAYER_PIDS;

    if (own_pids && unshare(CLONE_NEWPID) < 0)
        return -1;
    pid_t pid = fork();
    int cause = errno;
    if (pid != 0 && own_pids && setns(zygote->self, CLONE_NEWPID) < 0)
        give_up("setns");
    errno = cause;
    return pid;
}

/* The channel in the child; 0 in the zygote. */
static int spawn(const struct zygote *zygote, const struct sandbox_spawn *order, const int fds[2])
{
    PyOS_BeforeFork();
    pid_t pid = fork_child(zygote);
    int cause = errno;

    if (pid == 0) {
        sigset_t none;

        jail_enter(&zygote->jail, order->uid, fds[0], fds[1]);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        PyOS_AfterFork_Child();
        return SANDBOX_CHANNEL_FD;
    }
    PyOS_AfterFork_Parent();
    if (pid < 0) {
        report(&(struct sandbox_report){ .op = OP_REFUSED, .status = cause }, -1);
        return 0;
    }
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    report(&(struct sandbox_report){ .op = OP_SPAWNED, .pid = pid }, pidfd);
    if (pidfd >= 0)
        close(pidfd);
    return 0;
}

static int obey(const struct zygote *zygote)
{
    struct sandbox_spawn order;
    int fds[DESCRIPTORS_MAX];
    size_t count;
    size_t len = receive(&order, sizeof(order), fds, &count);
    int channel = 0;

    if (len == 0)
        _exit(0);
    if (len != sizeof(order) || order.op != OP_SPAWN || count != 2) {
        errno = EPROTO;
        give_up("order");
    }
    channel = spawn(zygote, &order, fds);
    if (channel == 0) {
        close(fds[0]);
        close(fds[1]);
    }
    return channel;
}

/* Must be called while the paths can still be opened.  Returns Landlock's ABI. */
int ein_zygote_prepare(const char *const *paths, int *ret_landlock_fd)
{
    int abi;

    *ret_landlock_fd = jail_landlock(paths, &abi);
    return abi;
}

/* Returns in the children only: the descriptor of the child's channel. */
int ein_zygote_serve(int landlock_fd)
{
    struct zygote zygote = { .jail = { .landlock_fd = landlock_fd } };
    sigset_t child_ended;

    if (!left_out("dumpable"))
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    /* What is left is done, and checked, by each child. */
    if (!left_out("capabilities"))
        (void)jail_drop_bounding_set();
    sigemptyset(&child_ended);
    sigaddset(&child_ended, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child_ended, NULL);
    zygote.signals = signalfd(-1, &child_ended, SFD_CLOEXEC | SFD_NONBLOCK);
    zygote.self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (zygote.signals < 0 || zygote.self < 0)
        give_up("signalfd and pidfd");
    configure(&zygote);

    for (;;) {
        struct pollfd wait[] = { { SANDBOX_CONTROL_FD, POLLIN, 0 }, { zygote.signals, POLLIN, 0 } };
        if (poll(wait, 2, -1) < 0 && errno != EINTR)
            give_up("poll");
        if (wait[1].revents)
            reap(&zygote);
        if (wait[0].revents) {
            int channel = obey(&zygote);
            if (channel)
                return channel;
        }
    }
}
