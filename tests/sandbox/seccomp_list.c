/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp_list: what the filter of an agent's process answers to each system call, by running the
 * program that the kernel would run.  A line for each call that is not simply refused;
 * test_seccomp.py compares them with seccomp.golden. */
#include "seccomp_table.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CALLS = 600, X32 = 0x40000000 };

/* Calls that the filter judges by an argument, each with arguments worth asking for. */
static const struct {
    const char *name, *what;
    uint64_t args[5];
} probes[] = {
    { "fcntl", "F_DUPFD", { 0, F_DUPFD } },
    { "fcntl", "F_DUPFD_CLOEXEC", { 0, F_DUPFD_CLOEXEC } },
    { "fcntl", "F_GETFD", { 0, F_GETFD } },
    { "fcntl", "F_SETFD", { 0, F_SETFD } },
    { "fcntl", "F_GETFL", { 0, F_GETFL } },
    { "fcntl", "F_SETFL", { 0, F_SETFL } },
    { "fcntl", "F_GETLK", { 0, F_GETLK } },
    { "fcntl", "F_SETLK", { 0, F_SETLK } },
    { "fcntl", "F_SETLKW", { 0, F_SETLKW } },
    { "fcntl", "F_SETOWN", { 0, F_SETOWN } },
    { "fcntl", "F_SETPIPE_SZ", { 0, F_SETPIPE_SZ } },
    { "fcntl", "F_SETLEASE", { 0, F_SETLEASE } },
    { "fcntl", "F_NOTIFY", { 0, F_NOTIFY } },
    { "ioctl", "FIONBIO", { 0, FIONBIO } },
    { "ioctl", "FIONREAD", { 0, FIONREAD } },
    { "ioctl", "FIOCLEX", { 0, FIOCLEX } },
    { "ioctl", "FIONCLEX", { 0, FIONCLEX } },
    { "ioctl", "TCGETS", { 0, TCGETS } },
    { "ioctl", "TIOCGWINSZ", { 0, TIOCGWINSZ } },
    { "ioctl", "TIOCSTI", { 0, TIOCSTI } },
    { "ioctl", "TIOCLINUX", { 0, TIOCLINUX } },
    { "mmap", "read, write", { 0, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS } },
    { "mmap", "read, execute, of a file", { 0, 0, PROT_READ | PROT_EXEC, MAP_PRIVATE } },
    { "mmap",
      "read, execute, anonymous",
      { 0, 0, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS } },
    { "mmap", "write, execute", { 0, 0, PROT_WRITE | PROT_EXEC, MAP_PRIVATE } },
    { "mprotect", "read, write", { 0, 0, PROT_READ | PROT_WRITE } },
    { "mprotect", "read, execute", { 0, 0, PROT_READ | PROT_EXEC } },
    { "clone",
      "a thread",
      { CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM } },
    { "clone", "a process", { 17 } },
    { "clone", "a process that shares memory", { CLONE_VM | CLONE_VFORK | 17 } },
    { "clone",
      "a thread in a user namespace",
      { CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_NEWUSER } },
    { "prctl", "PR_SET_NAME", { PR_SET_NAME } },
    { "prctl", "PR_GET_NAME", { PR_GET_NAME } },
    { "prctl", "PR_SET_DUMPABLE", { PR_SET_DUMPABLE } },
    { "prctl", "PR_SET_PDEATHSIG", { PR_SET_PDEATHSIG } },
    { "prctl", "PR_SET_SECCOMP", { PR_SET_SECCOMP } },
    { "prctl", "PR_SET_MM", { PR_SET_MM } },
    { "prlimit64", "no new limit", { 0, 0, 0 } },
    { "prlimit64", "a new limit", { 0, 0, 4096 } },
    { "socketpair", "AF_UNIX", { AF_UNIX } },
    { "socketpair", "AF_INET", { AF_INET } },
    { "sendto", "to its peer", { 0 } },
    { "sendto", "to an address", { 0, 0, 0, 0, 4096 } },
};

struct program {
    struct sock_filter *code;
    size_t len;
};

static uint32_t load(const struct seccomp_data *data, uint32_t offset)
{
    uint32_t word;

    memcpy(&word, (const char *)data + offset, sizeof(word));
    return word;
}

static bool jumps(const struct sock_filter *one, uint32_t a)
{
    switch (BPF_OP(one->code)) {
    case BPF_JEQ:
        return a == one->k;
    case BPF_JGT:
        return a > one->k;
    case BPF_JGE:
        return a >= one->k;
    case BPF_JSET:
        return a & one->k;
    }
    abort();
}

/* The few instructions that such programs have. */
static uint32_t judge(const struct program *program, const struct seccomp_data *data)
{
    uint32_t a = 0;

    for (size_t at = 0; at < program->len; at++) {
        const struct sock_filter *one = &program->code[at];
        switch (BPF_CLASS(one->code)) {
        case BPF_LD:
            a = load(data, one->k);
            break;
        case BPF_ALU:
            if (BPF_OP(one->code) != BPF_AND)
                abort();
            a &= one->k;
            break;
        case BPF_JMP:
            if (BPF_OP(one->code) == BPF_JA)
                at += one->k;
            else
                at += jumps(one, a) ? one->jt : one->jf;
            break;
        case BPF_RET:
            return one->k;
        default:
            abort();
        }
    }
    abort();
}

static const char *name_of(uint32_t action)
{
    static const struct {
        uint32_t action;
        const char *name;
    } names[] = {
        { SECCOMP_RET_ALLOW, "allow" },           { SECCOMP_RET_KILL_PROCESS, "kill" },
        { SECCOMP_RET_ERRNO | EPERM, "EPERM" },   { SECCOMP_RET_ERRNO | ENOSYS, "ENOSYS" },
        { SECCOMP_RET_ERRNO | ENOTTY, "ENOTTY" },
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].action == action)
            return names[i].name;
    return "?";
}

static struct program read_program(bool files)
{
    struct ein_error err = { 0 };
    int fd = seccomp_table_compile(files, &err);
    struct program program = { 0 };
    struct stat is;

    if (fd < 0 || fstat(fd, &is) < 0 || !(program.code = malloc((size_t)is.st_size)) ||
        pread(fd, program.code, (size_t)is.st_size, 0) != is.st_size) {
        fprintf(stderr, "seccomp_list: %s\n", err.text);
        exit(2);
    }
    close(fd);
    program.len = (size_t)is.st_size / sizeof(struct sock_filter);
    return program;
}

static void show_probes(const struct program *program, const char *name, int number)
{
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
        if (strcmp(probes[i].name, name) != 0)
            continue;
        struct seccomp_data data = { .nr = number, .arch = AUDIT_ARCH_X86_64 };
        for (size_t n = 0; n < 5; n++)
            data.args[n] = probes[i].args[n];
        printf("%-6s %s (%s)\n", name_of(judge(program, &data)), name, probes[i].what);
    }
}

static bool is_probed(const char *name)
{
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
        if (strcmp(probes[i].name, name) == 0)
            return true;
    return false;
}

static void show(const struct program *program, int number)
{
    struct seccomp_data data = { .nr = number, .arch = AUDIT_ARCH_X86_64 };
    uint32_t action = judge(program, &data);
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, number);

    if (name && is_probed(name))
        show_probes(program, name, number);
    else if (action != (SECCOMP_RET_ERRNO | EPERM))
        printf("%-6s %s\n", name_of(action), name ? name : "a call without a name");
    free(name);
}

static void show_all(bool files)
{
    struct program program = read_program(files);
    struct seccomp_data other = { .nr = 3, .arch = AUDIT_ARCH_I386 };
    struct seccomp_data x32 = { .nr = X32, .arch = AUDIT_ARCH_X86_64 };

    printf("# where files are %s\n",
           files ? "kept away by other means" : "kept away by this alone");
    printf("%-6s any call of i386\n", name_of(judge(&program, &other)));
    printf("%-6s any call of x32\n", name_of(judge(&program, &x32)));
    for (int number = 0; number < CALLS; number++)
        show(&program, number);
    free(program.code);
}

int main(void)
{
    show_all(true);
    show_all(false);
    return 0;
}
