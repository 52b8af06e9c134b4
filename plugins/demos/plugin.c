/* SPDX-License-Identifier: Apache-2.0 */
/* demos: small web pages that show what deployed agents can do, written by a model.
 *
 *   POST /demos/generate-code      a model writes the page: {"html", "css", "js", "thoughts"}
 *   POST GET /demos                a demo is its maker's, or its workspace's
 *   GET PUT DELETE /demos/{demo_id}
 *   GET  /demos/{demo_id}/app         the demo as a page
 *   GET  /demos/{demo_id}/app/frame   the demo in that page, in a frame without an origin
 *   POST /demos/{demo_id}/app/token   what that page calls with, anew
 *
 * What a model answers is read strictly: one JSON object with these three texts, a fence round it
 * forgiven.  An answer that is none is sent back once with what is wrong; then 502 says what was
 * wrong with the last.  The caller pays, as for every call: 402 where too little is left, 422 where
 * the model cannot be asked so, 502 and 504 where it failed.
 *
 * A PUT to an id that there is not makes the demo.  To whom a demo does not belong it is not there.
 *
 * The page may call the APIs that its demo selects, and nothing else: the demo's script reaches no
 * network at all, only the page round it, by messages; that page's policy names these APIs; and
 * its token, which acts as whoever opened the page for token_s, is refused everywhere else.  It is
 * kept as a hash, and ends with the login or key that it was made with.  Publishes auth_provider/1
 * "demo", which knows these tokens and is no login.
 *
 * Needs storage_backend/1.  Asks completion/1 for code; without one, that is 503.
 *
 * Settings
 *   code_max_bytes     html, css and js of one demo together (1048576)
 *   apis_max           APIs of one demo (32)
 *   name_max_bytes     the longest name of one (200)
 *   prompt_max_bytes   the longest prompt, and description, of one (65536)
 *   repairs            answers that are sent back because they are no demo (1)
 *   generate_ms        for one answer; 0: as long as plugins.models.total_ms says (0)
 *   token_s            how long the page of a demo may call before it asks for a new token (900)
 *   frame_ancestors    origins of front ends that show the page in a frame of theirs ([])
 *
 * Example
 *   plugins:
 *     demos:
 *       repairs: 2
 */
#include "app_token.h"
#include "demo_schemas.h"
#include "demos.h"
#include "erase.h"
#include "http_json.h"
#include "init.h"
#include "member.h"
#include <stdlib.h>

enum { SWEEP_MS = 60000 };

/* clang-format off */
static const char config_schema[] = SCHEMA({
    "type": "object",
    "properties": {
        "code_max_bytes": {
            "type": "integer", "minimum": 1, "maximum": 8388608, "default": 1048576,
            "description": "html, css and js of one demo together; above it 413."
        },
        "apis_max": {
            "type": "integer", "minimum": 0, "maximum": 256, "default": 32,
            "description": "APIs of one demo; above it 413."
        },
        "name_max_bytes": {
            "type": "integer", "minimum": 1, "maximum": 4096, "default": 200,
            "description": "The name of a demo; above it 413."
        },
        "prompt_max_bytes": {
            "type": "integer", "minimum": 1, "maximum": 1048576, "default": 65536,
            "description": "What a demo is asked for with, and its description; above it 413."
        },
        "repairs": {
            "type": "integer", "minimum": 0, "maximum": 5, "default": 1,
            "description": "Answers of a model that are sent back because they are no demo."
        },
        "generate_ms": {
            "type": "integer", "minimum": 0, "maximum": 3600000, "default": 0,
            "description": "How long a model may take for one answer. 0: as long as plugins.models.total_ms says."
        },
        "token_s": {
            "type": "integer", "minimum": 1, "maximum": 86400, "default": 900,
            "description": "How long the page of a demo may call its APIs before it asks for a new token."
        },
        "frame_ancestors": {
            "type": "array", "default": [],
            "items": {"type": "string", "pattern": "^https?://[A-Za-z0-9.:*-]+$"},
            "description": "Origins of front ends that show the page of a demo in a frame of theirs."
        }
    }
});
/* clang-format on */

static const struct ein_route routes[] = {
    { .method = "POST",
      .path = "/demos/generate-code",
      .operation_id = "generate_demo",
      .summary = "Let a model write a demo",
      .auth = EIN_AUTH_USER,
      .flags = EIN_ROUTE_ONCE,
      .body_schema = GENERATE_SCHEMA,
      .reply_schema = DEMO_CODE_SCHEMA,
      .scope = "models:run",
      .status = 200,
      .handle = demos_generate },
    { .method = "POST",
      .path = "/demos",
      .operation_id = "create_demo",
      .summary = "Keep a demo",
      .auth = EIN_AUTH_USER,
      .flags = EIN_ROUTE_ONCE,
      .body_schema = DEMO_BODY_SCHEMA,
      .reply_schema = DEMO_SCHEMA,
      .scope = "agents:write",
      .status = 201,
      .handle = demos_create },
    { .method = "GET",
      .path = "/demos",
      .operation_id = "list_demos",
      .summary = "All demos that the caller may read, in order of creation",
      .auth = EIN_AUTH_USER,
      .query_schema = PAGE_QUERY_SCHEMA,
      .reply_schema = DEMO_LIST_SCHEMA,
      .scope = "agents:read",
      .status = 200,
      .handle = demos_list },
    { .method = "GET",
      .path = "/demos/{demo_id}",
      .operation_id = "get_demo",
      .summary = "One demo",
      .flags = EIN_ROUTE_ETAG,
      .auth = EIN_AUTH_USER,
      .reply_schema = DEMO_SCHEMA,
      .scope = "agents:read",
      .status = 200,
      .handle = demos_get },
    { .method = "PUT",
      .path = "/demos/{demo_id}",
      .operation_id = "put_demo",
      .summary = "Replace a demo, or make one with this id",
      .auth = EIN_AUTH_USER,
      .body_schema = DEMO_BODY_SCHEMA,
      .reply_schema = DEMO_SCHEMA,
      .scope = "agents:write",
      .status = 200,
      .handle = demos_put },
    { .method = "DELETE",
      .path = "/demos/{demo_id}",
      .operation_id = "delete_demo",
      .summary = "Delete a demo",
      .auth = EIN_AUTH_USER,
      .scope = "agents:write",
      .status = 204,
      .handle = demos_delete },
    { .method = "GET",
      .path = "/demos/{demo_id}/app",
      .operation_id = "open_demo",
      .summary = "A demo as a page",
      .auth = EIN_AUTH_USER,
      .reply_type = "text/html",
      .scope = "deployments:run",
      .status = 200,
      .handle = demos_app },
    { .method = "GET",
      .path = "/demos/{demo_id}/app/frame",
      .operation_id = "open_demo_frame",
      .summary = "What the page of a demo has in its frame",
      .auth = EIN_AUTH_USER,
      .reply_type = "text/html",
      .scope = "deployments:run",
      .status = 200,
      .handle = demos_app_frame },
    { .method = "POST",
      .path = "/demos/{demo_id}/app/token",
      .operation_id = "make_demo_token",
      .summary = "A token that calls the APIs of a demo for a while",
      .auth = EIN_AUTH_USER,
      .reply_schema = APP_TOKEN_SCHEMA,
      .scope = "deployments:run",
      .status = 200,
      .handle = demos_app_token },
};

static const char *const kept[] = { DEMO_SET, OWNER_INDEX, NULL };
static const struct ein_keeps keeps = { .struct_size = sizeof(keeps), .sets = kept };

static int erase(void *impl, const char *uid, uint64_t *ret_count, struct ein_error *err)
{
    const struct demos *demos = impl;

    *ret_count = 0;
    int r = erase_docs(demos->host, demos->ctx, DEMO_SET, OWNER_INDEX, uid, ret_count, err);

    return r < 0
               ? r
               : erase_docs(demos->host, demos->ctx, APP_TOKEN_SET, "userId", uid, ret_count, err);
}

static const struct ein_erasure erasure = { .struct_size = sizeof(erasure), .erase = erase };

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct demos *demos = calloc(1, sizeof(*demos));
    int r;

    if (!demos)
        return error_no_memory(err);
    *demos = (struct demos){
        .host = host,
        .ctx = ctx,
        .code_max = setting_of(config, "code_max_bytes"),
        .apis_max = setting_of(config, "apis_max"),
        .name_max = setting_of(config, "name_max_bytes"),
        .prompt_max = setting_of(config, "prompt_max_bytes"),
        .repairs = setting_of(config, "repairs"),
        .generate_ms = setting_of(config, "generate_ms"),
        .token_ms = integer_of(config, "token_s") * 1000,
        .ancestors = json_object_get(config, "frame_ancestors"),
    };
    r = EIN_ADD_ROUTES(host, ctx, routes, demos, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_AUTH_PROVIDER, "demo", &app_token_provider, demos, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_KEEPS, NULL, &keeps, demos, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_ERASURE, "demos", &erasure, demos, err);
    return init_done(r, demos, free, ret_self);
}

static int start(void *self, struct ein_error *err)
{
    const struct demos *demos = self;
    const struct ein_store *store = demos->host->store;
    uint32_t period_ms = demos->token_ms < SWEEP_MS ? (uint32_t)demos->token_ms : SWEEP_MS;
    int r = store->index(demos->ctx, DEMO_SET, OWNER_INDEX, err);

    if (r >= 0)
        r = store->index(demos->ctx, APP_TOKEN_SET, "expires", err);
    if (r >= 0)
        r = store->index(demos->ctx, APP_TOKEN_SET, "userId", err);
    if (r >= 0 && demos->host->every(demos->ctx, period_ms, app_token_sweep, self) < 0)
        r = error_no_memory(err);
    return r;
}

static const char *const needs[] = { EIN_STORAGE_BACKEND, NULL };

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "demos",
    .version = "0.1.0",
    .summary = "Web pages that show what deployed agents can do",
    .config_schema = config_schema,
    .needs = needs,
    .init = init,
    .start = start,
    .fini = free,
};
EIN_PLUGIN_EXPORT(plugin)
