/* SPDX-License-Identifier: Apache-2.0 */
/* composer: agents written by models, and proved before they are shown.
 *
 *   POST /agents/generate-code   from a description, the agent's schemas and what it may call:
 * code, a name, a docstring, and the evidence that it holds; with Accept: text/event-stream as it
 * comes
 *
 * The model is told what is declared: MCP tools with their schemas, operations of OpenAPI
 * documents, other agents, models, the data store.  What it writes is read (does it compile, does
 * it call nothing else) and run in the sandbox on sample input, where nothing outside is reached
 * and connectors answer from schemas, examples and earlier runs; the result has to fit the declared
 * output.  Otherwise the model is told what is wrong, and tries again.  Whoever asks pays for the
 * model as for any call; each rehearsal is a record of the kind "compose".
 *
 * Asks completion/1, agent_runtime/1, mcp_client/1, specs/1 and runs/1 at the moment of use.
 *
 * Settings
 *   repairs        tries after the first (2)
 *   prompt_bytes   all that the model is told at first; above it 413 (262144)
 *   answer_bytes   what it answers, and its thoughts; above it 502 (1048576)
 *   proof_ms       wall time of one rehearsal (20000)
 *   store_bytes    what one may write to its data store, as JSON (1048576)
 *   tools_ms       for an MCP server to list its tools (15000)
 *
 * Example
 *   plugins:
 *     composer:
 *       repairs: 4
 */
#include "compose_schemas.h"
#include "composer.h"
#include "init.h"
#include "member.h"
#include <stdlib.h>

/* clang-format off */
static const char config_schema[] = SCHEMA({"type": "object", "properties": {
    "repairs": {"type": "integer", "minimum": 0, "maximum": 20, "default": 2,
                "description": "How often a model is told what is wrong with its code."},
    "prompt_bytes": {"type": "integer", "minimum": 4096, "maximum": 8388608, "default": 262144,
                     "description": "All that the model is told at first; above it 413."},
    "answer_bytes": {"type": "integer", "minimum": 1024, "maximum": 8388608, "default": 1048576,
                     "description": "What the model answers, and its thoughts; above it 502."},
    "proof_ms": {"type": "integer", "minimum": 100, "maximum": 600000, "default": 20000,
                 "description": "Wall time of one rehearsal of the code."},
    "store_bytes": {"type": "integer", "minimum": 1024, "maximum": 67108864, "default": 1048576,
                    "description": "What one rehearsal may write to its data store, as JSON: up to 100 bytes of memory for each."},
    "tools_ms": {"type": "integer", "minimum": 100, "maximum": 600000, "default": 15000,
                 "description": "For an MCP server to list its tools; a slower one is composed for by names."}
}});
/* clang-format on */

static const struct ein_route routes[] = {
    { .method = "POST",
      .path = "/agents/generate-code",
      .operation_id = "generate_agent_code",
      .summary =
          "Have an agent written by a model, and proved; with Accept: text/event-stream as it "
          "comes",
      .auth = EIN_AUTH_USER,
      .flags = EIN_ROUTE_EVENTS | EIN_ROUTE_ONCE,
      .body_schema = GENERATE_CODE_SCHEMA,
      .reply_schema = GENERATED_SCHEMA,
      .scope = "agents:run",
      .status = 200,
      .handle = composer_generate },
};

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct composer *composer = calloc(1, sizeof(*composer));

    if (!composer)
        return error_no_memory(err);
    composer->host = host;
    composer->ctx = ctx;
    composer->repairs = setting_of(config, "repairs");
    composer->prompt_max = setting_of(config, "prompt_bytes");
    composer->answer_max = setting_of(config, "answer_bytes");
    composer->store_max = setting_of(config, "store_bytes");
    composer->proof_ms = setting_of(config, "proof_ms");
    composer->tools_ms = setting_of(config, "tools_ms");
    return init_done(EIN_ADD_ROUTES(host, ctx, routes, composer, err), composer, free, ret_self);
}

static const char *const needs[] = { EIN_STORAGE_BACKEND, NULL };

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "composer",
    .version = "0.1.0",
    .summary = "Agents written by models, proved before they are shown",
    .config_schema = config_schema,
    .needs = needs,
    .init = init,
    .fini = free,
};
EIN_PLUGIN_EXPORT(plugin)
