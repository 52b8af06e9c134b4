/* SPDX-License-Identifier: Apache-2.0 */
/* service: what a server says of itself, and the page that shows all its routes.
 *
 *   GET  /              a greeting, as the user-service has it
 *   GET  /health        the process answers
 *   GET  /livez         the same, for orchestrators
 *   GET  /readyz        200 when every plugin is well, else 503; says which is not, and why
 *   GET  /metrics       counters and histograms, Prometheus text format
 *   GET  /openapi.json  every route, OpenAPI 3.1, made from the routes' own schemas, and what
 *                       plugins add for the caller (openapi_source/1)
 *   GET  /docs          one page that lists the routes and tries them; loads nothing else
 *   POST /log/client    takes a line of a front end's log; secrets are removed
 *
 * None of them needs a login.  Metrics are given to this machine, and to whoever sends
 * the secret METRICS_TOKEN (environment, METRICS_TOKEN_FILE or credentials directory) as
 * bearer token.  A request that a proxy passed on does not count as from this machine.
 *
 * Settings
 *   docs                    /openapi.json and /docs are served (true)
 *   metrics                 who needs no token for /metrics: loopback, all or nobody (loopback)
 *   client_log_per_minute   lines of /log/client that are taken; more are answered 429 (600)
 *
 * Example
 *   plugins:
 *     service:
 *       docs: false
 *       metrics: nobody
 *       client_log_per_minute: 60
 */
#include "init.h"
#include "service.h"

#include <stdlib.h>

/* clang-format off */
static const char config_schema[] = SCHEMA({"type": "object", "properties": {
    "docs": {"type": "boolean", "default": true,
             "description": "/openapi.json and /docs are served."},
    "metrics": {"type": "string", "enum": ["loopback", "all", "nobody"], "default": "loopback",
                "description": "Who needs no token for /metrics."},
    "client_log_per_minute": {"type": "integer", "minimum": 1, "default": 600,
                              "description": "Lines of /log/client that are taken."}
}});
/* clang-format on */

static const struct ein_route routes[] = {
    { .method = "GET",
      .path = "/",
      .operation_id = "get_root",
      .summary = "A greeting",
      .reply_schema = ROOT_SCHEMA,
      .status = 200,
      .handle = root_get },
    { .method = "GET",
      .path = "/health",
      .operation_id = "get_health",
      .summary = "The process answers",
      .reply_schema = HEALTH_SCHEMA,
      .status = 200,
      .handle = health_get },
    { .method = "GET",
      .path = "/livez",
      .operation_id = "get_live",
      .summary = "The process answers",
      .reply_schema = STATUS_SCHEMA,
      .status = 200,
      .handle = live_get },
    { .method = "GET",
      .path = "/readyz",
      .operation_id = "get_ready",
      .summary = "Every plugin is well; 503 if not",
      .reply_schema = READY_SCHEMA,
      .status = 200,
      .handle = ready_get },
    { .method = "GET",
      .path = "/metrics",
      .operation_id = "get_metrics",
      .summary = "Counters and histograms for Prometheus",
      .reply_type = "text/plain",
      .status = 200,
      .handle = metrics_get },
    { .method = "POST",
      .path = "/log/client",
      .operation_id = "log_client",
      .summary = "Take a line of a front end's log",
      .body_schema = CLIENT_LOG_SCHEMA,
      .body_max = 65536,
      .reply_schema = STATUS_SCHEMA,
      .status = 202,
      .handle = client_log_post },
};

static const struct ein_route docs_routes[] = {
    { .method = "GET",
      .path = "/openapi.json",
      .operation_id = "get_openapi",
      .summary = "Every route, OpenAPI 3.1, and what the caller has deployed",
      .flags = EIN_ROUTE_ETAG,
      .auth = EIN_AUTH_OPTIONAL,
      .reply_schema = SCHEMA_ANY_OBJECT,
      .status = 200,
      .handle = openapi_get },
    { .method = "GET",
      .path = "/docs",
      .operation_id = "get_docs",
      .summary = "A page that lists the routes and tries them",
      .reply_type = "text/html",
      .status = 200,
      .handle = docs_get },
};

static void fini(void *self)
{
    struct service *service = self;

    rendered_done(&service->openapi);
    pthread_mutex_destroy(&service->client_log.lock);
    free(service);
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct service *service = calloc(1, sizeof(*service));

    if (!service)
        return error_no_memory(err);
    service->host = host;
    service->ctx = ctx;
    metrics_init(service, config);
    pthread_mutex_init(&service->openapi.lock, NULL);
    bucket_init(&service->client_log,
                json_number_value(json_object_get(config, "client_log_per_minute")));

    int r = EIN_ADD_ROUTES(host, ctx, routes, service, err);
    if (r >= 0 && json_is_true(json_object_get(config, "docs")))
        r = EIN_ADD_ROUTES(host, ctx, docs_routes, service, err);
    return init_done(r, service, fini, ret_self);
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "service",
    .version = "0.1.0",
    .summary = "What the server says of itself, and the page that shows its routes",
    .config_schema = config_schema,
    .init = init,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
