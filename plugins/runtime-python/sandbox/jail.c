/* SPDX-License-Identifier: Apache-2.0 */
#include "jail.h"
#include "weaken.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Landlock newer than the build machine's header. */
#define FS_REFER     (1ULL << 13)
#define FS_TRUNCATE  (1ULL << 14)
#define FS_IOCTL_DEV (1ULL << 15)
#define NET_ALL      3ULL
#define SCOPE_ALL    3ULL

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_WORK                                                                                    \
    (FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                     \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |  \
     FS_TRUNCATE)
#define FS_OF_FILES                                                                                \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

struct ruleset {
    uint64_t fs, net, scoped;
};

static struct ruleset everything(int abi, size_t *ret_size)
{
    struct ruleset all = { .fs = (1ULL << 13) - 1 };

    *ret_size = sizeof(all.fs);
    if (abi >= 2)
        all.fs |= FS_REFER;
    if (abi >= 3)
        all.fs |= FS_TRUNCATE;
    if (abi >= 4) {
        all.net = NET_ALL;
        *ret_size = offsetof(struct ruleset, scoped);
    }
    if (abi >= 5)
        all.fs |= FS_IOCTL_DEV;
    if (abi >= 6) {
        all.scoped = SCOPE_ALL;
        *ret_size = sizeof(all);
    }
    return all;
}

static void allow(int ruleset_fd, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr rule = { .allowed_access = access };
    struct stat is;

    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return;
    if (fstat(rule.parent_fd, &is) == 0 && !S_ISDIR(is.st_mode))
        rule.allowed_access &= FS_OF_FILES;
    (void)syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent_fd);
}

int jail_landlock(const char *const *paths, int *ret_abi)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    *ret_abi = abi < 1 ? 0 : (int)abi;
    if (abi < 1)
        return -1;

    size_t size;
    struct ruleset all = everything((int)abi, &size);
    int fd = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
    if (fd < 0) {
        *ret_abi = 0;
        return -1;
    }
    for (; *paths; paths++)
        allow(fd, *paths, all.fs & FS_READ);
    allow(fd, "/dev/null", all.fs & (FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE));
    /* On the parent of the mount point: the inode a mount hides is not asked. */
    allow(fd, "/w", all.fs & FS_WORK);
    return fd;
}

static const char *const step_names[] = SANDBOX_STEP_NAMES;

static _Noreturn void fail(enum sandbox_step step)
{
    int cause = errno;

    dprintf(2, "isolation step %s failed: %s\n", step_names[step], strerror(cause));
    _exit(SANDBOX_STEP_EXIT);
}

static void must(enum sandbox_step step, bool done)
{
    if (done && step_fails(step_names[step])) {
        errno = EPERM;
        done = false;
    }
    if (!done)
        fail(step);
}

static bool lower(int resource, rlim_t value)
{
    struct rlimit now;

    if (getrlimit(resource, &now) < 0)
        return false;
    if (now.rlim_max != RLIM_INFINITY && now.rlim_max < value)
        value = now.rlim_max;
    /* Soft equals hard: the child is pid 1 of its namespace and would outlive the
     * soft limit's SIGXCPU, but not the hard limit's SIGKILL. */
    return setrlimit(resource, &(struct rlimit){ value, value }) == 0;
}

static bool lower_limits(const struct sandbox_rules *rules)
{
    return lower(RLIMIT_CORE, 0) && lower(RLIMIT_AS, rules->address_space) &&
           lower(RLIMIT_CPU, rules->cpu_s) && lower(RLIMIT_NOFILE, rules->open_files) &&
           lower(RLIMIT_FSIZE, rules->file_size) && lower(RLIMIT_NPROC, rules->threads) &&
           lower(RLIMIT_STACK, 8u << 20) && lower(RLIMIT_MEMLOCK, 0) && lower(RLIMIT_MSGQUEUE, 0) &&
           lower(RLIMIT_SIGPENDING, 64);
}

static bool has_capability(int capability)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct sets[2] = { 0 };

    if (syscall(SYS_capget, &header, sets) < 0)
        return true;
    return sets[capability / 32].effective & (1u << capability % 32);
}

bool jail_drop_bounding_set(void)
{
    int held;

    /* Who never held it cannot, and has nothing to give up. */
    if (!has_capability(CAP_SETPCAP))
        return true;
    for (int capability = 0; (held = prctl(PR_CAPBSET_READ, capability, 0, 0, 0)) >= 0;
         capability++)
        if (held && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
            return false;
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0;
}

static bool lock_securebits(void)
{
    return !has_capability(CAP_SETPCAP) ||
           prctl(PR_SET_SECUREBITS,
                 SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                     SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                     SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
                 0, 0, 0) == 0;
}

static bool become(uint32_t uid)
{
    return setgroups(0, NULL) == 0 && setresgid(uid, uid, uid) == 0 &&
           setresuid(uid, uid, uid) == 0;
}

static bool drop_capabilities(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[2] = { 0 };

    return syscall(SYS_capset, &header, none) == 0;
}

static void make_tmp(uint32_t bytes)
{
    char options[96];

    must(STEP_MOUNT_NAMESPACE, unshare(CLONE_NEWNS) == 0);
    snprintf(options, sizeof(options), "size=%u,nr_inodes=1024,mode=1777", bytes);
    must(STEP_TMPFS,
         mount("tmpfs", "/w/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) == 0);
}

static void give_up_capabilities(const struct sandbox_rules *rules, uint32_t uid)
{
    bool keep = left_out("capabilities");

    must(STEP_BOUNDING_SET, keep || jail_drop_bounding_set());
    must(STEP_SECUREBITS, keep || lock_securebits());
    if (rules->layers & LAYER_UID)
        must(STEP_UID, become(uid));
    must(STEP_CAPABILITIES, keep || drop_capabilities());
}

static void isolate(const struct jail *jail, uint32_t uid)
{
    const struct sandbox_rules *rules = &jail->rules;

    if (rules->layers & LAYER_TMP)
        make_tmp(rules->tmp_bytes);
    /* After the tmpfs: its superblock must know our uid. */
    if (rules->layers & LAYER_USER)
        must(STEP_USER_NAMESPACE, unshare(CLONE_NEWUSER) == 0);
    must(STEP_RLIMITS, left_out("rlimits") || lower_limits(rules));
    give_up_capabilities(rules, uid);
    must(STEP_NO_NEW_PRIVS,
         left_out("no_new_privs") || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    must(STEP_DUMPABLE, left_out("dumpable") || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
}

static void close_doors(const struct jail *jail)
{
    if (jail->rules.layers & LAYER_LANDLOCK)
        must(STEP_LANDLOCK, syscall(SYS_landlock_restrict_self, jail->landlock_fd, 0) == 0);
    must(STEP_DESCRIPTORS,
         left_out("descriptors") || close_range(SANDBOX_CHANNEL_FD + 1, ~0u, 0) == 0);
    must(STEP_SECCOMP, left_out("seccomp") ||
                           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &jail->filter) == 0);
}

void jail_enter(const struct jail *jail, uint32_t uid, int channel, int output)
{
    pid_t parent = getppid();

    must(STEP_DESCRIPTORS, dup2(output, 1) == 1 && dup2(output, 2) == 2);
    isolate(jail, uid);
    /* Whoever changes credentials clears it, so it comes after them. */
    must(STEP_PARENT_DEATH,
         left_out("parent death") || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0);
    if (getppid() != parent)
        _exit(SANDBOX_STEP_EXIT);
    /* The ruleset must survive the closing of the descriptors around the channel. */
    struct jail moved = *jail;
    if (jail->landlock_fd >= 0)
        moved.landlock_fd = fcntl(jail->landlock_fd, F_DUPFD_CLOEXEC, SANDBOX_CHANNEL_FD + 1);
    must(STEP_DESCRIPTORS, dup2(channel, SANDBOX_CHANNEL_FD) == SANDBOX_CHANNEL_FD);
    close_doors(&moved);
}
