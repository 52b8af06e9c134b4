/* SPDX-License-Identifier: Apache-2.0 */
/* A control group (version 2) for each child, where it can be had: the kernel counts its
 * memory and threads, and kills all of it at once. */
#pragma once

#include <einion/plugin.h>
#include <stdbool.h>
#include <sys/types.h>

struct limits;
struct cgroup;

/* SETTING: "auto" (the server's own group, if that was delegated to it and has the controllers),
 * "off", or a folder of the tree, which must be usable then.  *ret_cgroup NULL: none, and `why`
 * says why. */
int cgroup_open(const char *setting, const struct limits *limits, struct cgroup **ret_cgroup,
                char *why, size_t why_size, struct ein_error *err);
/* Kills what is in it, and takes it away. */
void cgroup_close(struct cgroup *cgroup);

bool cgroup_has_memory(const struct cgroup *cgroup);
bool cgroup_has_pids(const struct cgroup *cgroup);

/* Puts PID into a new group with the limits. */
int cgroup_add(struct cgroup *cgroup, pid_t pid, uint32_t *ret_group, struct ein_error *err);
/* From any thread. */
void cgroup_kill(const struct cgroup *cgroup, uint32_t group);
/* Whether the kernel killed in it for want of memory. */
bool cgroup_ran_out(const struct cgroup *cgroup, uint32_t group);
/* If something in it still dies, the next cgroup_sweep() takes it away. */
void cgroup_remove(struct cgroup *cgroup, uint32_t group);
/* Takes away what is empty and was left: by cgroup_remove(), or by a server that was killed. */
void cgroup_sweep(struct cgroup *cgroup);
