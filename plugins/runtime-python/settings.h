/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <limits.h>
#include <stdbool.h>

/* X(name, default, smallest, largest, description).  All may be set in the configuration; those
 * of the first list also by a run, downwards. */
#define RUN_LIMITS(X)                                                                              \
    X(timeout_ms, 1800000, 1, 7200000, "Wall time of a run.")                                      \
    X(grace_ms, 2000, 0, 60000, "Between asking a run to stop and killing it.")                    \
    X(cpu_s, 60, 1, 7200, "CPU time of one process.")                                              \
    X(address_space_mb, 512, 128, 65536, "Address space of one process.")                          \
    X(memory_mb, 384, 64, 65536,                                                                   \
      "Resident memory of one process; and about so much is held in the server for its calls to "  \
      "models, MCP servers and hosts before more are heard.")                                      \
    X(threads, 16, 2, 1024, "Of one process.")                                                     \
    X(open_files, 64, 16, 1024, "Descriptors of one process.")                                     \
    X(source_kb, 512, 1, 16384, "The code of an agent.")                                           \
    X(result_kb, 8192, 1, 16384, "What an agent returns, as JSON.")                                \
    X(json_depth, 64, 8, 256, "Nesting of anything an agent sends.")                               \
    X(json_values, 1000000, 1000, 100000000,                                                       \
      "Values in one message of an agent, its result among them: up to 250 bytes of the server's " \
      "memory each.")                                                                              \
    X(output_events, 10000, 0, 1000000,                                                            \
      "Lines printed and logged by a run, nested agents included; where more are left out, its "   \
      "trace says so.")                                                                            \
    X(trace_kb, 65536, 1, 1048576, "The whole trace of a run; one that would have more ends.")     \
    X(raw_output_kb, 64, 1, 1024,                                                                  \
      "Kept of what is written past Python's own sys.stdout; the trace says how much is not.")     \
    X(calls, 20000, 1, 1000000, "Calls of a run to the server.")                                   \
    X(calls_in_flight, 64, 1, 1024, "Calls of one process that wait for an answer.")               \
    X(http_calls, 500, 0, 100000, "HTTP requests of a run.")                                       \
    X(http_in_flight, 16, 1, 256, "HTTP requests of a run at a time; more wait for their turn.")   \
    X(http_body_kb, 1048576, 1, 67108864,                                                          \
      "The body of an HTTP request, and of its reply. Both come in pieces: the server holds no "   \
      "more of them than http_window_kb.")                                                         \
    X(http_window_kb, 256, 64, 4096, "Of the body of one request or reply, on its way.")           \
    X(http_timeout_ms, 120000, 1, 7200000, "The whole of one HTTP request.")                       \
    X(llm_calls, 500, 0, 100000, "Model calls of a run.")                                          \
    X(llm_in_flight, 8, 1, 256, "Model calls of a run at a time; more wait for their turn.")       \
    X(llm_answer_kb, 8192, 1, 15360, "What a model answers, its thoughts and calls included.")     \
    X(mcp_calls, 500, 0, 100000, "Calls of a run to MCP servers.")                                 \
    X(mcp_in_flight, 8, 1, 256, "Calls of a run to MCP servers at a time.")                        \
    X(mcp_timeout_ms, 120000, 1, 7200000, "The whole of one call to an MCP server.")               \
    X(nested_depth, 8, 0, 64, "How deep agents may call agents.")                                  \
    X(nested_runs, 64, 0, 10000, "Agents that a run may call, all levels together.")

/* Of one user; `users` has others for some.  LAST is X for the last. */
#define USER_LIMITS(X, LAST)                                                                       \
    X(running_per_user, 8, 1, 4096, "Runs of one user at a time; more wait.")                      \
    LAST(queue_per_user, 192, 0, 65536, "Runs of one user that wait; above it they are refused.")

#define SERVER_LIMITS(X)                                                                           \
    X(tmp_mb, 16, 1, 1024, "Its private /tmp.")                                                    \
    X(frame_kb, 16384, 64, 65536, "One message between a process and the server, either way.")     \
    X(running, 64, 1, 4096, "Runs at a time.")                                                     \
    X(processes, 96, 1, 8192, "Runs and their nested agents at a time.")                           \
    X(queue, 256, 0, 65536, "Runs that wait for their turn; above it they are refused.")           \
    X(queue_ms, 60000, 0, 3600000, "How long a run waits for its turn.")                           \
    X(pool_min, 0, 0, 256, "Idle processes kept ready; 0: two for each core.")                     \
    X(pool_max, 16, 1, 1024, "The most that are kept ready.")                                      \
    X(zygote_runs, 1000, 1, 1000000,                                                               \
      "Runs after which the interpreter they are forked from is replaced.")                        \
    X(zygote_minutes, 10, 1, 10080, "Age at which it is replaced.")                                \
    X(start_ms, 15000, 1, 600000, "How long a run waits for the sandbox to start.")                \
    X(uid_base, 100000, 1000, 2000000000,                                                          \
      "The first of 65536 user ids that runs are given where the server is root.")

#define LIMIT_MEMBER(name, initial, smallest, largest, description) uint32_t name;

struct limits {
    RUN_LIMITS(LIMIT_MEMBER)
    USER_LIMITS(LIMIT_MEMBER, LIMIT_MEMBER)
    SERVER_LIMITS(LIMIT_MEMBER)
};

enum isolation { ISOLATION_BEST_EFFORT, ISOLATION_CONTAINER, ISOLATION_STRICT };

struct settings {
    struct limits limits;
    enum isolation isolation;
    bool refuses_undeclared;
    const char *cgroup;           /* lent by the configuration */
    char python[PATH_MAX];        /* the interpreter */
    const struct json_t *preload; /* array of module names */
    const struct json_t *users;   /* {uid: {limit: number}}; may be NULL */
};

extern const char settings_schema[];
extern const char *const isolation_names[];

int settings_read(const struct json_t *config, struct settings *ret_settings,
                  struct ein_error *err);

/* `base` as `wanted` (an object or NULL) lowers it; what would raise is ignored. */
struct limits limits_lowered(const struct limits *base, const struct json_t *wanted);
/* The limits of a run of USER. */
struct limits limits_of_user(const struct settings *settings, const char *user);
