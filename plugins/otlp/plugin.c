/* SPDX-License-Identifier: Apache-2.0 */
/* otlp: traces and metrics to a collector, by OTLP/HTTP with JSON.
 *
 * A trace has a span for each request, each agent that runs, each attempt at a model (by
 * OpenTelemetry's conventions for generative AI) and each request to another server; it is part of
 * the client's, where the client sends traceparent.  Metrics are those of /metrics, cumulative.
 * Neither says what was asked and answered, nor URLs, nor who.  Spans wait in a queue that one
 * thread empties; what it cannot hold is dropped, logged, and counted by
 * einion_otlp_spans_total{outcome="dropped"}.  Listed before the plugins that run agents it is
 * stopped after them, and hears of the end of what they do.
 *
 * Settings
 *   endpoint             the collector, without /v1/traces (OTEL_EXPORTER_OTLP_ENDPOINT, else
 *                        http://localhost:4318)
 *   headers_env          the secret of the environment that has "name=value,name=value", such as
 *                        what the collector is to be shown (OTEL_EXPORTER_OTLP_HEADERS)
 *   service_name         (OTEL_SERVICE_NAME, else einion)
 *   resource             more attributes of this server, beside OTEL_RESOURCE_ATTRIBUTES ({})
 *   traces, metrics      whether they are sent (true)
 *   share                of the traces that begin here, or that strangers send, that are recorded,
 *                        0 to 1 (1); of others their sender decides
 *   interval_ms          how long a span may wait for others (5000)
 *   metrics_interval_ms  how often metrics are sent (60000)
 *   queue, batch         spans that may wait, and that are sent together (2048, 512)
 *   timeout_ms           for one request (10000)
 *   retry_ms             how long one is repeated after 429, 502, 503 and 504, and where there was
 *                        no answer (60000)
 *   retry_base_ms, retry_max_ms
 *                        the first pause, and the longest unless Retry-After wants a longer one
 *                        (1000, 30000)
 *   drain_ms             for what is left when the server stops (3000)
 *   quiet_ms             the least time between two lines of the log about what the collector does
 *                        (60000)
 *
 * Example
 *   plugins:
 *     otlp:
 *       endpoint: https://collector.example.org
 *       resource: {deployment.environment.name: production}
 */
#include "otlp.h"

#include "init.h"
#include "member.h"
#include "schemas.h"
#include "span.h"
#include "str.h"

#include <stdlib.h>
#include <string.h>

#define MILLISECONDS(minimum_, default_, text)                                                     \
    "{\"type\": \"integer\", \"minimum\": " #minimum_                                              \
    ", \"maximum\": 86400000, \"default\": " #default_ ", \"description\": " #text "}"

/* clang-format off */
static const char config_schema[] = "{\"type\": \"object\", \"properties\": {"
    "\"endpoint\": " SCHEMA({"type": "string", "default": "", "description":
        "The collector's URL, to which /v1/traces and /v1/metrics are added. The environment's OTEL_EXPORTER_OTLP_ENDPOINT is its default, else http://localhost:4318."})
    ", \"headers_env\": " SCHEMA({"type": "string", "minLength": 1, "default": "OTEL_EXPORTER_OTLP_HEADERS", "description":
        "The secret of the environment that holds headers for the collector: name=value, with commas between them, percent-encoded."})
    ", \"service_name\": " SCHEMA({"type": "string", "default": "", "description":
        "The service.name of this server. The environment's OTEL_SERVICE_NAME is its default, else einion."})
    ", \"resource\": " SCHEMA({"type": "object", "additionalProperties": {"type": "string"}, "default": {}, "description":
        "More attributes of this server, beside those of the environment's OTEL_RESOURCE_ATTRIBUTES."})
    ", \"traces\": " SCHEMA({"type": "boolean", "default": true, "description": "Send traces."})
    ", \"metrics\": " SCHEMA({"type": "boolean", "default": true, "description": "Send metrics."})
    ", \"share\": " SCHEMA({"type": "number", "minimum": 0, "maximum": 1, "default": 1, "description":
        "How many of the traces that begin here, or that strangers send, are recorded; of others their sender decides."})
    ", \"interval_ms\": " MILLISECONDS(1, 5000, "How long a span may wait for others, unless a batch of them is there.")
    ", \"metrics_interval_ms\": " MILLISECONDS(1, 60000, "How often metrics are sent.")
    ", \"queue\": " SCHEMA({"type": "integer", "minimum": 1, "maximum": 1000000, "default": 2048, "description":
        "Spans that may wait to be sent; above it they are dropped."})
    ", \"batch\": " SCHEMA({"type": "integer", "minimum": 1, "maximum": 100000, "default": 512, "description":
        "Spans that are sent together at most."})
    ", \"timeout_ms\": " MILLISECONDS(1, 10000, "For one request to the collector.")
    ", \"retry_ms\": " MILLISECONDS(0, 60000, "How long a request is repeated that the collector could not take.")
    ", \"retry_base_ms\": " MILLISECONDS(1, 1000, "The first pause; then twice as long each time.")
    ", \"retry_max_ms\": " MILLISECONDS(1, 30000, "The longest pause, unless the collector asks for a longer one.")
    ", \"drain_ms\": " MILLISECONDS(0, 3000, "For what is left when the server stops.")
    ", \"quiet_ms\": " MILLISECONDS(0, 60000, "The least time between two lines of the log about what the collector does.")
    "}}";
/* clang-format on */

static char *url_of(const char *endpoint, const char *path)
{
    size_t len = strlen(endpoint);

    while (len > 0 && endpoint[len - 1] == '/')
        len--;
    return str_print("%.*s%s", (int)len, endpoint, path);
}

static int set_urls(struct otlp *otlp, const json_t *config, struct ein_error *err)
{
    const char *endpoint = text_of(config, "endpoint");

    if (!*endpoint)
        endpoint = otlp->host->secret(otlp->ctx, "OTEL_EXPORTER_OTLP_ENDPOINT");
    if (!endpoint || !*endpoint)
        endpoint = "http://localhost:4318";
    if (!str_starts(endpoint, "http://") && !str_starts(endpoint, "https://"))
        return error_set(err, EIN_E_INVALID,
                         "endpoint (OTEL_EXPORTER_OTLP_ENDPOINT) is not a URL of http or https");
    if (json_is_true(json_object_get(config, "traces")) &&
        !(otlp->traces_url = url_of(endpoint, "/v1/traces")))
        return error_no_memory(err);
    if (json_is_true(json_object_get(config, "metrics")) &&
        !(otlp->metrics_url = url_of(endpoint, "/v1/metrics")))
        return error_no_memory(err);
    return 0;
}

static int read_settings(struct otlp *otlp, const json_t *config, struct ein_error *err)
{
    int r;

    otlp->interval_ms = setting_of(config, "interval_ms");
    otlp->metrics_interval_ms = setting_of(config, "metrics_interval_ms");
    otlp->timeout_ms = setting_of(config, "timeout_ms");
    otlp->drain_ms = setting_of(config, "drain_ms");
    otlp->quiet_ms = setting_of(config, "quiet_ms");
    otlp->retry_ms = setting_of(config, "retry_ms");
    otlp->retry_base_ms = setting_of(config, "retry_base_ms");
    otlp->retry_max_ms = setting_of(config, "retry_max_ms");
    otlp->batch = setting_of(config, "batch");
    if (otlp->batch > otlp->queue.max)
        otlp->batch = otlp->queue.max;
    r = set_urls(otlp, config, err);
    if (r == 0)
        r = otlp_headers(otlp, otlp->host->secret(otlp->ctx, text_of(config, "headers_env")), err);
    return r == 0 ? otlp_resource(otlp, config, &otlp->resource, err) : r;
}

static void fini(void *self)
{
    struct otlp *otlp = self;

    for (size_t i = 0; otlp->headers[i]; i++)
        free(otlp->headers[i]);
    free(otlp->traces_url);
    free(otlp->metrics_url);
    json_decref(otlp->resource);
    otlp->host->cancel->drop(otlp->cancel);
    queue_done(&otlp->queue);
    (void)pthread_cond_destroy(&otlp->ended);
    (void)pthread_cond_destroy(&otlp->woken);
    (void)pthread_mutex_destroy(&otlp->lock);
    free(otlp);
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct otlp *otlp = calloc(1, sizeof(*otlp));

    if (!otlp)
        return error_no_memory(err);
    otlp->host = host;
    otlp->ctx = ctx;
    (void)pthread_mutex_init(&otlp->lock, NULL);
    (void)pthread_cond_init(&otlp->woken, NULL);
    (void)pthread_cond_init(&otlp->ended, NULL);
    queue_init(&otlp->queue, setting_of(config, "queue"));

    int r = read_settings(otlp, config, err);
    if (r == 0 && otlp->traces_url && tracing_of(host))
        r = host->tracing->watch(ctx, json_number_value(json_object_get(config, "share")),
                                 otlp_on_span, otlp);
    return init_done(r, otlp, fini, ret_self);
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .name = "otlp",
    .version = "0.1.0",
    .summary = "Traces and metrics to an OpenTelemetry collector",
    .config_schema = config_schema,
    .init = init,
    .start = otlp_start,
    .stop = otlp_stop,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
