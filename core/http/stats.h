/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

struct metric;
struct metrics;
struct route_stats;

enum { STATS_STATUSES = 32 }; /* different ones that are counted apart */

struct stats { /* of the whole room */
    struct metrics *metrics;
    struct metric *in_flight, *connections;
    struct route_stats *unmatched; /* requests that no route was found for */
};

struct route_stats {
    struct metrics *metrics;
    const char *operation_id;
    struct metric *duration;
    struct metric *by_status[STATS_STATUSES]; /* atomic; made when first counted */
    uint32_t inside;                          /* atomic */
};

int stats_init(struct stats *stats, struct metrics *metrics);
void stats_done(struct stats *stats);

/* operation_id is lent for the life of the result. */
struct route_stats *route_stats_new(struct metrics *metrics, const char *operation_id);
void route_stats_free(struct route_stats *stats);
void route_stats_count(struct route_stats *stats, int status, uint64_t duration_us);
