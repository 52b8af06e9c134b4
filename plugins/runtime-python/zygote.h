/* SPDX-License-Identifier: Apache-2.0 */
/* One zygote process tree, and the children it makes.  Only the pool's keeper thread
 * calls these. */
#pragma once

#include "cgroup.h"
#include "level.h"
#include "settings.h"

#include <stdbool.h>
#include <sys/types.h>

struct child {
    int socket; /* non-blocking */
    int output; /* what it writes to descriptors 1 and 2; non-blocking */
    int pidfd;
    pid_t pid;  /* here; 0: not known */
    pid_t name; /* in the zygote's pid namespace */
    struct zygote *zygote;
    uint32_t group; /* of the cgroup; 0: none */
    struct child *next, *next_idle;
    int64_t born_ms;

    /* guarded by the pool's lock */
    bool exited, released;
    int status; /* of wait4(); -1: its zygote died */
    uint32_t cpu_ms;
    bool starved; /* killed by the kernel for want of memory */
};

enum zygote_state { ZYGOTE_STARTING, ZYGOTE_SERVING, ZYGOTE_DRAINING, ZYGOTE_DEAD };

struct zygote {
    enum zygote_state state;
    int control, errors; /* its stderr, for the log */
    pid_t launcher;
    struct level level;
    struct cgroup *cgroup; /* lent; NULL: none */
    struct child *children;
    uint32_t spawned;
    int64_t started_ms;
    char complaint[200]; /* the last line of stderr */
};

/* What a zygote is started with; made once. */
struct zygote_plan {
    const struct settings *settings;
    char *folder;          /* where launcher, zygote.py and the rest are */
    char **paths;          /* what the interpreter reads, NULL-ended */
    struct cgroup *cgroup; /* NULL: none, because: */
    char no_cgroup[160];
};

/* Asks the interpreter what it reads; runs it for some 50 ms. */
int zygote_plan_make(const struct settings *settings, const char *folder,
                     struct zygote_plan *ret_plan, struct ein_error *err);
void zygote_plan_done(struct zygote_plan *plan);

/* Starts the process tree; its first message will be its hello. */
int zygote_start(const struct zygote_plan *plan, struct zygote **ret_zygote, struct ein_error *err);

/* After `control` became readable: reads the hello, fixes the level, hands over the
 * rules and the filter. */
int zygote_configure(struct zygote *zygote, const struct settings *settings, struct ein_error *err);

/* `exited` is called for each child whose end is reported on the way.  On an error the
 * zygote is beyond use. */
typedef void zygote_exit_fn(struct child *child, int status, uint32_t cpu_ms, void *data);
int zygote_spawn(struct zygote *zygote, const struct settings *settings, zygote_exit_fn *exited,
                 void *data, struct child **ret_child, struct ein_error *err);
int zygote_read_exits(struct zygote *zygote, zygote_exit_fn *exited, void *data,
                      struct ein_error *err);

/* Takes what stderr holds; the last line is kept as the complaint. */
void zygote_read_errors(struct zygote *zygote, void (*line)(const char *text, void *data),
                        void *data);

/* Kills everything below it and waits for the launcher.  Children stay in memory. */
void zygote_kill(struct zygote *zygote);
void zygote_free(struct zygote *zygote);

void child_kill(const struct child *child);
void child_close(struct child *child);
/* Unlinks and frees; the zygote must still be there. */
void child_free(struct child *child);
