/* SPDX-License-Identifier: Apache-2.0 */
#include "otlp.h"

#include "attributes.h"
#include "clock.h"
#include "str.h"

#include <math.h>
#include <string.h>

enum { CUMULATIVE = 2 /* AggregationTemporality */ };

/* What has a name of OpenTelemetry's bears Prometheus' form of it; everything else keeps its own.
 */
static const struct {
    const char *ours, *name;
} names[] = {
    { "gen_ai_client_operation_duration_seconds", "gen_ai.client.operation.duration" },
    { "gen_ai_client_operation_time_to_first_chunk_seconds",
      "gen_ai.client.operation.time_to_first_chunk" },
    { "gen_ai_client_token_usage", "gen_ai.client.token.usage" },
    { "gen_ai_operation_name", "gen_ai.operation.name" },
    { "gen_ai_provider_name", "gen_ai.provider.name" },
    { "gen_ai_request_model", "gen_ai.request.model" },
    { "gen_ai_token_type", "gen_ai.token.type" },
    { "error_type", "error.type" },
};

static const struct {
    const char *end, *unit;
} units[] = { { "_seconds", "s" },
              { "_seconds_total", "s" },
              { "_bytes", "By" },
              { "_bytes_total", "By" },
              { "_token_usage", "{token}" } };

static const char *name_of(const char *ours)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(ours, names[i].ours) == 0)
            return names[i].name;
    return ours;
}

static const char *unit_of(const char *ours)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (str_ends(ours, units[i].end))
            return units[i].unit;
    return "";
}

/* ---- points ---- */

struct telling {
    const struct otlp *otlp;
    int64_t now_ns;
    json_t *metrics;  /* array */
    json_t *points;   /* of the last of them; lent */
    const char *name; /* of the last of them; lent */
};

static json_t *attributes_of(const struct ein_metric *metric)
{
    json_t *attributes = json_array();

    for (const char *const *label = metric->labels; label[0]; label += 2)
        if (*label[1])
            attribute_add_text(attributes, name_of(label[0]), label[1]);
    return attributes;
}

static void add_buckets(json_t *point, const struct ein_metric *metric)
{
    json_t *counts = json_array(), *bounds = json_array();
    uint64_t all = 0;

    for (size_t i = 0; i <= metric->bound_count; i++) {
        all += metric->counts[i];
        (void)json_array_append_new(counts, number_text((int64_t)metric->counts[i]));
        if (i < metric->bound_count)
            (void)json_array_append_new(bounds, json_real(metric->bounds[i]));
    }
    (void)json_object_set_new(point, "count", number_text((int64_t)all));
    (void)json_object_set_new(point, "sum", json_real(metric->value));
    (void)json_object_set_new(point, "bucketCounts", counts);
    (void)json_object_set_new(point, "explicitBounds", bounds);
}

static json_t *point_of(const struct telling *telling, const struct ein_metric *metric)
{
    json_t *point = json_pack("{s:o, s:o, s:o}", "attributes", attributes_of(metric),
                              "startTimeUnixNano", number_text(telling->otlp->began_ns),
                              "timeUnixNano", number_text(telling->now_ns));

    if (metric->kind == EIN_METRIC_HISTOGRAM)
        add_buckets(point, metric);
    else
        (void)json_object_set_new(point, "asDouble", json_real(metric->value));
    return point;
}

/* ---- metrics ---- */

static void begin_metric(struct telling *telling, const struct ein_metric *metric)
{
    static const char *const members[] = { "sum", "gauge", "histogram" };
    const char *member = members[metric->kind / 100 - 1];
    json_t *points = json_array();
    json_t *data = json_pack("{s:o}", "dataPoints", points);

    if (metric->kind != EIN_METRIC_GAUGE)
        (void)json_object_set_new(data, "aggregationTemporality", json_integer(CUMULATIVE));
    if (metric->kind == EIN_METRIC_COUNTER)
        (void)json_object_set_new(data, "isMonotonic", json_true());
    telling->points = points;
    telling->name = metric->name;
    (void)json_array_append_new(telling->metrics,
                                json_pack("{s:s, s:s*, s:s, s:o}", "name", name_of(metric->name),
                                          "description", metric->help, "unit",
                                          unit_of(metric->name), member, data));
}

/* The series of one metric come one after another. */
static int add(const struct ein_metric *metric, void *data)
{
    struct telling *telling = data;

    if (!isfinite(metric->value) || metric->kind < EIN_METRIC_COUNTER ||
        metric->kind > EIN_METRIC_HISTOGRAM)
        return 0;
    if (!telling->name || strcmp(telling->name, metric->name) != 0)
        begin_metric(telling, metric);
    (void)json_array_append_new(telling->points, point_of(telling, metric));
    return 0;
}

json_t *otlp_metrics(const struct otlp *otlp)
{
    struct telling telling = { otlp, clock_wall_us() * 1000, json_array(), NULL, NULL };
    const struct ein_host *host = otlp->host;
    const struct ein_service *service;

    if (host->acquire(otlp->ctx, EIN_SERVER, NULL, &service) == 0) {
        const struct ein_server *server = service->vtable;

        if (EIN_HAS(struct ein_server, server, each_metric))
            (void)server->each_metric(service->impl, add, &telling);
        host->release(otlp->ctx, service);
    }
    return json_pack("{s:[{s:O, s:[{s:{s:s, s:s}, s:o}]}]}", "resourceMetrics", "resource",
                     otlp->resource, "scopeMetrics", "scope", "name", "einion", "version",
                     host->version, "metrics", telling.metrics);
}
