/* SPDX-License-Identifier: Apache-2.0 */
/* Every system call that agent code may make.  What is not here is answered EPERM:
 * libraries that try something innocent carry on. */
#include "seccomp_table.h"
#include "cleanup.h"
#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

enum verdict {
    ALLOW,
    FILES,  /* allowed where files are kept away by other means */
    ABSENT, /* ENOSYS: the C library then takes another way */
    NO_TTY, /* ENOTTY */
    KILL    /* nobody calls these by accident */
};

enum { ARGS_MAX = 2 };

struct rule {
    const char *name;
    enum verdict verdict;
    struct arg {
        enum { ANY, IS, BITS } test; /* BITS: of those in `mask` exactly `value` are set */
        unsigned index;
        uint64_t mask, value;
    } args[ARGS_MAX];
};

#define ARG_IS(index, value)                                                                       \
    {                                                                                              \
        IS, index, 0, value                                                                        \
    }
#define ARG_BITS(index, mask, value)                                                               \
    {                                                                                              \
        BITS, index, mask, value                                                                   \
    }

/* A thread shares everything and makes no namespace; a process does not share. */
#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define NEW_FLAGS                                                                                  \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
     CLONE_NEWNET)

static const struct rule rules[] = {
    /* reading and writing what is open */
    { "read", ALLOW },
    { "write", ALLOW },
    { "readv", ALLOW },
    { "writev", ALLOW },
    { "pread64", ALLOW },
    { "pwrite64", ALLOW },
    { "lseek", ALLOW },
    { "close", ALLOW },
    { "fstat", ALLOW },
    { "ftruncate", ALLOW },
    { "fsync", ALLOW },
    { "fdatasync", ALLOW },
    { "getdents64", ALLOW },
    { "dup", ALLOW },
    { "dup2", ALLOW },
    { "dup3", ALLOW },
    { "pipe", ALLOW },
    { "pipe2", ALLOW },
    { "eventfd2", ALLOW },
    { "fcntl", ALLOW, { ARG_IS(1, F_DUPFD) } },
    { "fcntl", ALLOW, { ARG_IS(1, F_DUPFD_CLOEXEC) } },
    { "fcntl", ALLOW, { ARG_IS(1, F_GETFD) } },
    { "fcntl", ALLOW, { ARG_IS(1, F_SETFD) } },
    { "fcntl", ALLOW, { ARG_IS(1, F_GETFL) } },
    { "fcntl", ALLOW, { ARG_IS(1, F_SETFL) } },
    { "fcntl", ALLOW, { ARG_IS(1, F_GETLK) } },
    { "fcntl", ALLOW, { ARG_IS(1, F_SETLK) } },
    { "ioctl", ALLOW, { ARG_IS(1, FIONBIO) } },
    { "ioctl", ALLOW, { ARG_IS(1, FIONREAD) } },
    { "ioctl", ALLOW, { ARG_IS(1, FIOCLEX) } },
    { "ioctl", ALLOW, { ARG_IS(1, FIONCLEX) } },
    { "ioctl", NO_TTY, { ARG_IS(1, TCGETS) } },
    { "ioctl", NO_TTY, { ARG_IS(1, TIOCGWINSZ) } },

    /* files; chmod, chown, utime, link and symlink are not needed by anyone */
    { "open", FILES },
    { "openat", FILES },
    { "stat", FILES },
    { "lstat", FILES },
    { "newfstatat", ALLOW }, /* is fstat() in newer C libraries */
    { "statx", FILES },
    { "access", FILES },
    { "faccessat", FILES },
    { "faccessat2", FILES },
    { "readlink", FILES },
    { "readlinkat", FILES },
    { "getcwd", ALLOW },
    { "chdir", FILES },
    { "mkdir", FILES },
    { "mkdirat", FILES },
    { "rmdir", FILES },
    { "unlink", FILES },
    { "unlinkat", FILES },
    { "rename", FILES },
    { "renameat", FILES },
    { "renameat2", FILES },
    { "umask", ALLOW },

    /* memory: nothing becomes executable but a file that cannot be written */
    { "brk", ALLOW },
    { "munmap", ALLOW },
    { "mremap", ALLOW },
    { "madvise", ALLOW },
    { "mmap", ALLOW, { ARG_BITS(2, PROT_EXEC, 0) } },
    { "mmap",
      ALLOW,
      { ARG_BITS(2, PROT_EXEC | PROT_WRITE, PROT_EXEC), ARG_BITS(3, MAP_ANONYMOUS, 0) } },
    { "mprotect", ALLOW, { ARG_BITS(2, PROT_EXEC, 0) } },

    /* waiting, time, signals to itself */
    { "poll", ALLOW },
    { "ppoll", ALLOW },
    { "select", ALLOW },
    { "pselect6", ALLOW },
    { "epoll_create1", ALLOW },
    { "epoll_ctl", ALLOW },
    { "epoll_wait", ALLOW },
    { "epoll_pwait", ALLOW },
    { "nanosleep", ALLOW },
    { "clock_nanosleep", ALLOW },
    { "clock_gettime", ALLOW },
    { "clock_getres", ALLOW },
    { "gettimeofday", ALLOW },
    { "time", ALLOW },
    { "times", ALLOW },
    { "rt_sigaction", ALLOW },
    { "rt_sigprocmask", ALLOW },
    { "rt_sigreturn", ALLOW },
    { "sigaltstack", ALLOW },
    { "restart_syscall", ALLOW },

    /* threads, no processes */
    { "clone", ALLOW, { ARG_BITS(0, THREAD_FLAGS | NEW_FLAGS, THREAD_FLAGS) } },
    { "clone3", ABSENT },
    { "futex", ALLOW },
    { "set_robust_list", ALLOW },
    { "set_tid_address", ALLOW },
    { "rseq", ALLOW },
    { "arch_prctl", ALLOW },
    { "sched_yield", ALLOW },
    { "sched_getaffinity", ALLOW },
    { "prctl", ALLOW, { ARG_IS(0, PR_SET_NAME) } },
    { "prctl", ALLOW, { ARG_IS(0, PR_GET_NAME) } },
    { "exit", ALLOW },
    { "exit_group", ALLOW },

    /* what it may know of itself */
    { "getpid", ALLOW },
    { "gettid", ALLOW },
    { "getppid", ALLOW },
    { "getuid", ALLOW },
    { "geteuid", ALLOW },
    { "getgid", ALLOW },
    { "getegid", ALLOW },
    { "getresuid", ALLOW },
    { "getresgid", ALLOW },
    { "getgroups", ALLOW },
    { "getrlimit", ALLOW },
    { "prlimit64", ALLOW, { ARG_IS(2, 0) } }, /* no new limit */
    { "getrusage", ALLOW },
    { "uname", ALLOW },
    { "sysinfo", ALLOW },
    { "getrandom", ALLOW },

    /* the channel, and the socket pair that an event loop wakes itself with */
    { "socketpair", ALLOW, { ARG_IS(0, AF_UNIX) } },
    { "recvfrom", ALLOW },
    { "sendto", ALLOW, { ARG_IS(4, 0) } }, /* not past the peer, to a socket in the file system */
    { "shutdown", ALLOW },
    { "getsockopt", ALLOW },
    { "getsockname", ALLOW },
    { "getpeername", ALLOW },

    /* newer doors to what is closed above */
    { "openat2", ABSENT },
    { "close_range", ABSENT },
    { "io_uring_setup", ABSENT },
    { "landlock_create_ruleset", ABSENT },

    /* nothing that runs Python calls these: the process ends, and the error says so */
    { "ptrace", KILL },
    { "process_vm_readv", KILL },
    { "process_vm_writev", KILL },
    { "process_madvise", KILL },
    { "pidfd_getfd", KILL },
    { "open_by_handle_at", KILL },
    { "mount", KILL },
    { "umount2", KILL },
    { "move_mount", KILL },
    { "open_tree", KILL },
    { "fsopen", KILL },
    { "pivot_root", KILL },
    { "chroot", KILL },
    { "unshare", KILL },
    { "setns", KILL },
    { "bpf", KILL },
    { "perf_event_open", KILL },
    { "userfaultfd", KILL },
    { "memfd_secret", KILL },
    { "add_key", KILL },
    { "request_key", KILL },
    { "keyctl", KILL },
    { "init_module", KILL },
    { "finit_module", KILL },
    { "kexec_load", KILL },
    { "kexec_file_load", KILL },
    { "reboot", KILL },
    { "swapon", KILL },
#ifdef EIN_SANDBOX_HOLE /* tests/sandbox: the self-test must notice */
    { "socket", ALLOW },
#endif
};

static uint32_t action_of(enum verdict verdict, bool files)
{
    switch (verdict) {
    case ALLOW:
        return SCMP_ACT_ALLOW;
    case FILES:
        return files ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM);
    case ABSENT:
        return SCMP_ACT_ERRNO(ENOSYS);
    case NO_TTY:
        return SCMP_ACT_ERRNO(ENOTTY);
    case KILL:
        return SCMP_ACT_KILL_PROCESS;
    }
    return SCMP_ACT_KILL_PROCESS;
}

static int add(scmp_filter_ctx filter, const struct rule *rule, bool files)
{
    struct scmp_arg_cmp comparisons[ARGS_MAX];
    unsigned count = 0;
    uint32_t action = action_of(rule->verdict, files);
    int number = seccomp_syscall_resolve_name(rule->name);

    /* Not on this architecture, or not distinguishable from the default. */
    if (number < 0 || action == SCMP_ACT_ERRNO(EPERM))
        return 0;
    for (unsigned i = 0; i < ARGS_MAX && rule->args[i].test != ANY; i++) {
        const struct arg *arg = &rule->args[i];
        comparisons[count++] = (struct scmp_arg_cmp){
            .arg = arg->index,
            .op = arg->test == IS ? SCMP_CMP_EQ : SCMP_CMP_MASKED_EQ,
            .datum_a = arg->test == IS ? arg->value : arg->mask,
            .datum_b = arg->test == IS ? 0 : arg->value,
        };
    }
    return seccomp_rule_add_array(filter, action, number, count, comparisons);
}

static int fill(scmp_filter_ctx filter, bool files, struct ein_error *err)
{
    /* A tree of comparisons, not a list; and other calling conventions are no way round. */
    int r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (r == 0)
        r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (r < 0)
        return error_set(err, EIN_E_INTERNAL, "seccomp: %s", strerror(-r));
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        r = add(filter, &rules[i], files);
        if (r < 0)
            return error_set(err, EIN_E_INTERNAL, "seccomp: %s: %s", rules[i].name, strerror(-r));
    }
    return 0;
}

int seccomp_table_compile(bool files, struct ein_error *err)
{
    EIN_CLOSE int fd = memfd_create("einion-seccomp", MFD_CLOEXEC);
    if (fd < 0)
        return error_set(err, EIN_E_INTERNAL, "memfd_create: %s", strerror(errno));
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return error_no_memory(err);

    int r = fill(filter, files, err);
    if (r == 0 && seccomp_export_bpf(filter, fd) < 0)
        r = error_set(err, EIN_E_INTERNAL, "seccomp: the program could not be written");
    seccomp_release(filter);
    if (r < 0)
        return r;

    int taken = fd;
    fd = -1;
    return taken;
}
