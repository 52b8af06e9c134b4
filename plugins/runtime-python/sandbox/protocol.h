/* SPDX-License-Identifier: Apache-2.0 */
/* What the server and the zygote say to each other on the control socket
 * (SOCK_SEQPACKET), and the steps that turn a forked child into a cell. */
#pragma once

#include <stdint.h>

enum {
    SANDBOX_CONTROL_FD = 3, /* in the launcher and the zygote */
    SANDBOX_CHANNEL_FD = 3, /* in a child: its one socket to the server */
    SANDBOX_STEP_EXIT = 99, /* the exit status of a child that could not be isolated */
    SANDBOX_HELLO_MAX = 4096
};

/* How far the launcher came with the place the zygote lives in. */
enum {
    HOUSE_NAMESPACES = 1u << 0, /* own pid, mount, network, IPC, host name, cgroup */
    HOUSE_ROOT = 1u << 1,       /* own read-only root with nothing but the interpreter in it */
    HOUSE_UIDS = 1u << 2        /* may give each child an own uid */
};

/* What is done for each child beyond that which is always done. */
enum {
    LAYER_PIDS = 1u << 0,     /* own pid namespace */
    LAYER_TMP = 1u << 1,      /* own mount namespace with a small /tmp */
    LAYER_USER = 1u << 2,     /* own user namespace */
    LAYER_UID = 1u << 3,      /* own uid */
    LAYER_LANDLOCK = 1u << 4, /* reads the interpreter, writes /tmp, and nothing else */
    LAYER_NO_FILES = 1u << 5  /* the filter that can open no file at all */
};

enum sandbox_step {
    STEP_NONE,
    STEP_DESCRIPTORS,
    STEP_MOUNT_NAMESPACE,
    STEP_TMPFS,
    STEP_USER_NAMESPACE,
    STEP_RLIMITS,
    STEP_BOUNDING_SET,
    STEP_SECUREBITS,
    STEP_UID,
    STEP_CAPABILITIES,
    STEP_NO_NEW_PRIVS,
    STEP_DUMPABLE,
    STEP_PARENT_DEATH,
    STEP_LANDLOCK,
    STEP_SECCOMP,
    STEP_COUNT
};

#define SANDBOX_STEP_NAMES                                                                         \
    {                                                                                              \
        [STEP_NONE] = "none", [STEP_DESCRIPTORS] = "descriptors",                                  \
        [STEP_MOUNT_NAMESPACE] = "mount namespace", [STEP_TMPFS] = "tmpfs",                        \
        [STEP_USER_NAMESPACE] = "user namespace", [STEP_RLIMITS] = "rlimits",                      \
        [STEP_BOUNDING_SET] = "bounding set", [STEP_SECUREBITS] = "securebits",                    \
        [STEP_UID] = "uid", [STEP_CAPABILITIES] = "capabilities",                                  \
        [STEP_NO_NEW_PRIVS] = "no_new_privs", [STEP_DUMPABLE] = "dumpable",                        \
        [STEP_PARENT_DEATH] = "parent death", [STEP_LANDLOCK] = "landlock",                        \
        [STEP_SECCOMP] = "seccomp"                                                                 \
    }

enum sandbox_op {
    OP_CONFIGURE = 1, /* struct sandbox_rules and the filter in a memfd; once, before any spawn */
    OP_SPAWN = 2,     /* struct sandbox_spawn, the child's socket and its output pipe */
    OP_SPAWNED = 3,   /* struct sandbox_report and the child's pidfd */
    OP_REFUSED = 4,   /* struct sandbox_report: `status` is the errno of fork */
    OP_EXITED = 5     /* struct sandbox_report: `status` is that of wait4() */
};

struct sandbox_rules {
    uint32_t op, layers;
    uint64_t address_space, file_size; /* bytes */
    uint32_t cpu_s, open_files, threads, tmp_bytes;
};

struct sandbox_spawn {
    uint32_t op, uid;
};

struct sandbox_report {
    uint32_t op;
    int32_t pid; /* in the zygote's pid namespace: a name, not something to signal */
    int32_t status;
    uint32_t cpu_ms; /* used in its whole life */
};
