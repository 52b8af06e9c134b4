/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_SETTINGS_H
#define RUNTIME_SETTINGS_H

#include <einion/plugin.h>

/* X(name, default, smallest, largest).  All may be set in the configuration; those
 * of the first list also by a run, downwards. */
#define RUN_LIMITS(X)                                                                              \
    X(timeout_ms, 1800000, 1, 7200000)   /* wall time */                                           \
    X(grace_ms, 2000, 0, 60000)          /* between asking a run to stop and killing it */         \
    X(cpu_s, 60, 1, 7200)                /* CPU time of one process */                             \
    X(address_space_mb, 512, 128, 65536) /* RLIMIT_AS */                                           \
    X(memory_mb, 384, 64, 65536)         /* resident; looked at while it runs */                   \
    X(source_kb, 512, 1, 16384)          /* the agent's code */                                    \
    X(result_kb, 8192, 1, 16384)         /* what it returns, as JSON */                            \
    X(json_depth, 64, 8, 512)            /* of anything it sends */                                \
    X(output_events, 2000, 0, 100000)    /* lines printed and logged, nested agents included */    \
    X(raw_output_kb, 64, 1, 1024)        /* kept of what bypasses sys.stdout */                    \
    X(calls, 20000, 1, 1000000)          /* to the server */                                       \
    X(calls_in_flight, 64, 1, 1024)                                                                \
    X(http_calls, 500, 0, 100000)                                                                  \
    X(http_in_flight, 16, 1, 256)                                                                  \
    X(http_body_kb, 10240, 1, 15360) /* each way */                                                \
    X(http_timeout_ms, 120000, 1, 7200000)                                                         \
    X(nested_depth, 8, 0, 64)                                                                      \
    X(nested_runs, 64, 0, 10000)

#define SERVER_LIMITS(X)                                                                           \
    X(threads, 16, 2, 1024) /* of one process */                                                   \
    X(open_files, 64, 16, 1024)                                                                    \
    X(tmp_mb, 16, 1, 1024)        /* its private /tmp */                                           \
    X(frame_kb, 16384, 64, 65536) /* one message, either way */                                    \
    X(running, 64, 1, 4096)       /* runs at a time */                                             \
    X(running_per_user, 8, 1, 4096)                                                                \
    X(processes, 96, 1, 8192)      /* runs and their nested agents */                              \
    X(queue, 256, 0, 65536)        /* runs that wait for their turn */                             \
    X(queue_ms, 60000, 0, 3600000) /* for so long */                                               \
    X(pool_min, 0, 0, 256)         /* idle processes; 0: two a core */                             \
    X(pool_max, 16, 1, 1024)                                                                       \
    X(zygote_runs, 1000, 1, 1000000) /* then the zygote is replaced */                             \
    X(zygote_minutes, 10, 1, 10080)                                                                \
    X(start_ms, 15000, 1, 600000)         /* how long a run waits for the sandbox to start */      \
    X(uid_base, 100000, 1000, 2000000000) /* first of 65536 host uids, when run as root */

#define LIMIT_MEMBER(name, initial, smallest, largest) uint32_t name;

struct limits {
    RUN_LIMITS(LIMIT_MEMBER)
    SERVER_LIMITS(LIMIT_MEMBER)
};

enum isolation { ISOLATION_BEST_EFFORT, ISOLATION_CONTAINER, ISOLATION_STRICT };

struct settings {
    struct limits limits;
    enum isolation isolation;
    const char *python;           /* lent by the configuration */
    const struct json_t *preload; /* array of module names */
};

extern const char settings_schema[];
extern const char *const isolation_names[];

int settings_read(const struct json_t *config, struct settings *ret_settings,
                  struct ein_error *err);

/* `base` as `wanted` (an object or NULL) lowers it; what would raise is ignored. */
struct limits limits_lowered(const struct limits *base, const struct json_t *wanted);

#endif
