/* SPDX-License-Identifier: Apache-2.0 */
/* runs: every run of an agent is a record that can be watched, stopped and looked at later.
 *
 *   GET    /runs               the runs that the caller may see, the newest first; ?agent_id=
 *                              &kind= &limit= &cursor= &status=, which is running, completed,
 *                              failed, stopped or lost
 *   GET    /runs/{id}          one, with its input, result, error, cost, and the code that ran
 *   GET    /runs/{id}/stream   its trace as server-sent events, from the one after Last-Event-ID,
 *                              then live; the last one, "done", is the record without the code
 *   POST   /runs/{id}/stop     ends it, wherever it runs and whatever it does
 *   DELETE /runs/{id}          forgets it
 *
 * POST /runs/{id}/repeat is a route of the plugin agents.
 *
 * Publishes runs/1: whoever runs an agent says so, and what happens, and how it ended.  A run
 * belongs to who started it, and to the workspace of its agent.  Secrets are removed from all that
 * is kept.  Traces are kept whole, however long; an input or a result that is longer than
 * max_value_bytes is not kept, and the record says how long it was.
 *
 * A run does not wait for its record: the store is brought up to date every write_ms.  A server
 * that is killed loses what its runs did in that time, and their records end as "lost".
 *
 * Needs storage_backend/1.
 *
 * Settings
 *   write_ms          how far the store may be behind (20)
 *   lease_ms          a run whose server is not heard of for so long is lost (30000)
 *   sweep_ms          how often lost and old runs are looked for (10000)
 *   keep_hours        how long a record is kept (168)
 *   keep_mb           the most that all records may have together, their traces included; the
 *                     oldest go first; 0: no limit (1024)
 *   max_value_bytes   the longest input or result that is kept (262144)
 *   tail_bytes        of a trace that waits for the store; an agent that says more waits too
 *                     (1048576)
 *
 * Example
 *   plugins:
 *     runs:
 *       keep_hours: 720
 */
#include "http_json.h"
#include "init.h"
#include "ownership.h"
#include "runs.h"

#include <stdlib.h>

/* clang-format off */
static const char config_schema[] = SCHEMA({"type": "object", "properties": {
    "write_ms": {"type": "integer", "minimum": 1, "maximum": 10000, "default": 20,
                 "description": "How far the store may be behind a run."},
    "lease_ms": {"type": "integer", "minimum": 3000, "maximum": 3600000, "default": 30000,
                 "description": "A run whose server is not heard of for so long is lost."},
    "sweep_ms": {"type": "integer", "minimum": 100, "maximum": 3600000, "default": 10000,
                 "description": "How often lost and old runs are looked for."},
    "keep_hours": {"type": "integer", "minimum": 1, "maximum": 87600, "default": 168,
                   "description": "How long the record of a run is kept."},
    "keep_mb": {"type": "integer", "minimum": 0, "maximum": 100000000, "default": 1024,
        "description": "The most that all records may have together, their traces included; 0: no limit."},
    "max_value_bytes": {"type": "integer", "minimum": 0, "maximum": 67108864, "default": 262144,
                        "description": "The longest input or result that is kept."},
    "tail_bytes": {"type": "integer", "minimum": 1024, "maximum": 1073741824, "default": 1048576,
                   "description": "Of a trace that waits for the store; an agent that says more waits too."}
}});
/* clang-format on */

#define RUN_PROPERTIES                                                                             \
    "\"_id\":{\"type\":\"string\"},\"userId\":{\"type\":\"string\"},\"workspaceId\":{\"type\":"    \
    "\"string\"},\"kind\":{\"type\":\"string\"},\"agentId\":{\"type\":[\"string\",\"null\"]},"     \
    "\"agentName\":{\"type\":[\"string\",\"null\"]},\"version\":{\"type\":[\"integer\",\"null\"]}" \
    ","                                                                                            \
    "\"codeHash\":{\"type\":\"string\"},\"requestId\":{\"type\":[\"string\",\"null\"]},"           \
    "\"keyId\":{\"type\":[\"string\",\"null\"]},\"status\":{\"type\":\"string\"},"                 \
    "\"error\":{\"type\":[\"string\",\"null\"]},\"reason\":{\"type\":[\"string\",\"null\"]},"      \
    "\"startedAt\":{\"type\":\"string\"},\"waitedMs\":{\"type\":[\"integer\",\"null\"]},"          \
    "\"endedAt\":{\"type\":[\"string\",\"null\"]},"                                                \
    "\"durationMs\":{\"type\":[\"integer\",\"null\"]},\"eventCount\":{\"type\":\"integer\"},"      \
    "\"repeats\":{\"type\":[\"string\",\"null\"]},\"redacted\":{\"type\":\"boolean\"},"            \
    "\"usage\":" SCHEMA({                                                                          \
        "type" : "object",                                                                         \
        "properties" : {                                                                           \
            "inputTokens" : { "type" : "integer" },                                                \
            "outputTokens" : { "type" : "integer" },                                               \
            "costUsd" : { "type" : "number" }                                                      \
        }                                                                                          \
    })
#define RUN_SCHEMA                                                                                 \
    "{\"type\":\"object\",\"title\":\"Run\",\"additionalProperties\":true,\"properties\":"         \
    "{" RUN_PROPERTIES "}}"
#define RUN_LIST_SCHEMA "{\"type\":\"array\",\"items\":" RUN_SCHEMA "}"
#define LIST_QUERY_SCHEMA                                                                          \
    "{\"type\":\"object\",\"properties\":{\"agent_id\":{\"type\":\"string\"},"                     \
    "\"status\":{\"enum\":[\"running\",\"completed\",\"failed\",\"stopped\",\"lost\"]},"           \
    "\"kind\":{\"type\":\"string\"}," PAGE_PROPERTIES "}}"

static const struct ein_route routes[] = {
    { .method = "GET",
      .path = "/runs",
      .operation_id = "list_runs",
      .summary = "Runs of agents, the newest first; without a limit the newest hundred",
      .auth = EIN_AUTH_USER,
      .query_schema = LIST_QUERY_SCHEMA,
      .reply_schema = RUN_LIST_SCHEMA,
      .scope = "agents:read",
      .status = 200,
      .handle = runs_list },
    { .method = "GET",
      .path = "/runs/{run_id}",
      .operation_id = "get_run",
      .summary = "One run: what went in, what came out, what it cost",
      .auth = EIN_AUTH_USER,
      .reply_schema = RUN_SCHEMA,
      .scope = "agents:read",
      .status = 200,
      .handle = runs_get },
    { .method = "GET",
      .path = "/runs/{run_id}/stream",
      .operation_id = "follow_run",
      .summary = "The trace of a run from any event on, then live",
      .auth = EIN_AUTH_USER,
      .flags = EIN_ROUTE_EVENTS,
      .reply_type = "text/event-stream",
      .scope = "agents:read",
      .status = 200,
      .handle = runs_follow },
    { .method = "POST",
      .path = "/runs/{run_id}/stop",
      .operation_id = "stop_run",
      .summary = "End a run, whatever it does",
      .auth = EIN_AUTH_USER,
      .reply_schema = RUN_SCHEMA,
      .scope = "agents:write",
      .status = 202,
      .handle = runs_stop },
    { .method = "DELETE",
      .path = "/runs/{run_id}",
      .operation_id = "delete_run",
      .summary = "Forget a run that has ended",
      .auth = EIN_AUTH_USER,
      .scope = "agents:write",
      .status = 204,
      .handle = runs_delete },
};

static void fini(void *self)
{
    struct runs *runs = self;

    map_done(&runs->live, NULL);
    map_done(&runs->code_seen, writer_forget_code);
    (void)pthread_mutex_destroy(&runs->write_lock);
    (void)pthread_mutex_destroy(&runs->lock);
    (void)pthread_cond_destroy(&runs->changed);
    free(runs);
}

static void read_settings(struct runs *runs, const json_t *config)
{
    runs->write_ms = setting_of(config, "write_ms");
    runs->lease_ms = setting_of(config, "lease_ms");
    runs->sweep_ms = setting_of(config, "sweep_ms");
    runs->keep_ms = integer_of(config, "keep_hours") * 3600 * 1000;
    runs->keep_bytes = integer_of(config, "keep_mb") * 1024 * 1024;
    runs->value_max = (size_t)integer_of(config, "max_value_bytes");
    runs->tail_max = (size_t)integer_of(config, "tail_bytes");
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct runs *runs = calloc(1, sizeof(*runs));

    if (!runs || map_init(&runs->live) < 0 || map_init(&runs->code_seen) < 0) {
        free(runs);
        return error_no_memory(err);
    }
    runs->host = host;
    runs->ctx = ctx;
    read_settings(runs, config);
    (void)pthread_mutex_init(&runs->write_lock, NULL);
    (void)pthread_mutex_init(&runs->lock, NULL);
    (void)pthread_cond_init(&runs->changed, NULL);

    int r = host->publish(ctx, EIN_RUNS, "runs", &runs_service, runs, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_ERASURE, "runs", &runs_erasure, runs, err);
    if (r >= 0)
        r = EIN_ADD_ROUTES(host, ctx, routes, runs, err);
    return init_done(r, runs, fini, ret_self);
}

static int start(void *self, struct ein_error *err)
{
    static const char *const indexes[][2] = {
        { RUNS_SET, "userId,startedMs" }, { RUNS_SET, OWNER_INDEX ",startedMs" },
        { RUNS_SET, "agentId" },          { RUNS_SET, "dueAt" },
        { EVENTS_SET, "runId" },          { CODE_SET, "dueAt" },
        { STOPS_SET, "dueAt" },
    };
    struct runs *runs = self;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < sizeof(indexes) / sizeof(indexes[0]); i++)
        r = runs->host->store->index(runs->ctx, indexes[i][0], indexes[i][1], err);
    if (r >= 0)
        r = runs->host->every(runs->ctx, runs->sweep_ms, sweep, runs);
    return r < 0 ? r : writer_start(runs, err);
}

static const char *const needs[] = { EIN_STORAGE_BACKEND, NULL };

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "runs",
    .version = "0.1.0",
    .summary = "Every run of an agent: watched, stopped, kept",
    .config_schema = config_schema,
    .needs = needs,
    .init = init,
    .start = start,
    .stop = writer_stop,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
