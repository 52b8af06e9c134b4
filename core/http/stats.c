/* SPDX-License-Identifier: Apache-2.0 */
#include "stats.h"
#include "metrics.h"
#include <einion/plugin.h>
#include <stdio.h>
#include <stdlib.h>

/* The most frequent first; all others share the last place. */
static const int statuses[STATS_STATUSES] = {
    200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 402, 403, 404,
    405, 406, 408, 409, 412, 413, 414, 415, 422, 429, 431, 500, 502, 503, 504, 0,
};

static size_t status_slot(int status)
{
    size_t slot = 0;

    while (statuses[slot] != status && statuses[slot] != 0)
        slot++;
    return slot;
}

int stats_init(struct stats *stats, struct metrics *metrics)
{
    *stats = (struct stats){
        .metrics = metrics,
        .in_flight = metrics_gauge(metrics, "einion_http_requests_in_flight",
                                   "Requests being answered, streams included", NULL),
        .connections = metrics_gauge(metrics, "einion_http_connections", "Open connections", NULL),
        .unmatched = route_stats_new(metrics, "none"),
    };
    return stats->unmatched ? 0 : EIN_E_NO_MEMORY;
}

void stats_done(struct stats *stats)
{
    route_stats_free(stats->unmatched);
}

struct route_stats *route_stats_new(struct metrics *metrics, const char *operation_id)
{
    const char *labels[] = { "operation", operation_id, NULL };
    struct route_stats *stats = calloc(1, sizeof(*stats));

    if (!stats)
        return NULL;
    stats->metrics = metrics;
    stats->operation_id = operation_id;
    stats->duration = metrics_histogram(metrics, "einion_http_request_seconds",
                                        "Time from the request's head to its reply", labels);
    return stats;
}

void route_stats_free(struct route_stats *stats)
{
    free(stats);
}

static struct metric *make_counter(const struct route_stats *stats, int status)
{
    char text[16];
    const char *labels[] = { "operation", stats->operation_id, "status", text, NULL };

    if (status > 0)
        (void)snprintf(text, sizeof(text), "%d", status);
    else
        (void)snprintf(text, sizeof(text), "other");
    return metrics_counter(stats->metrics, "einion_http_requests_total",
                           "Requests answered, by operation and status", labels);
}

void route_stats_count(struct route_stats *stats, int status, uint64_t duration_us)
{
    size_t slot = status_slot(status);
    struct metric *counter = __atomic_load_n(&stats->by_status[slot], __ATOMIC_ACQUIRE);

    if (!counter) {
        counter = make_counter(stats, statuses[slot]);
        __atomic_store_n(&stats->by_status[slot], counter, __ATOMIC_RELEASE);
    }
    metric_add(counter, 1);
    metric_observe(stats->duration, (double)duration_us / 1e6);
}
