/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>

/* Counters, gauges and histograms in Prometheus' sense.  Any thread. */
struct metrics;
struct ein_metric;
struct metric; /* one series: a name and its label values; lives as long as `metrics` */

enum {
    METRICS_FAMILIES_MAX = 512,
    METRICS_SERIES_MAX = 2048, /* of one name: all operations, each with a dozen statuses; what is
                                  more is counted with all label values "other" */
    METRICS_LABELS_MAX = 8,
    METRICS_VALUE_MAX = 128, /* bytes of a label's value, cut there */
    METRICS_TEXT_MAX = 64 * 1024 * 1024
};

int metrics_new(struct metrics **ret_metrics);
void metrics_free(struct metrics *metrics);

/* Find or make a series: look it up once, keep it where it is used often.  labels are "key",
 * "value", ..., NULL; or NULL.  The first call for a name decides its kind, help text (may be
 * NULL) and label names; NULL if this one differs, a name is not one Prometheus takes, or there is
 * no room.  All that take a metric do nothing with NULL. */
struct metric *metrics_counter(struct metrics *metrics, const char *name, const char *help,
                               const char *const *labels);
struct metric *metrics_gauge(struct metrics *metrics, const char *name, const char *help,
                             const char *const *labels);
/* Bounds for seconds where the name ends in "_seconds", else for counts: powers of four. */
struct metric *metrics_histogram(struct metrics *metrics, const char *name, const char *help,
                                 const char *const *labels);

/* Wait-free but for a retry against other writers of the same series. */
void metric_add(struct metric *metric, double by);        /* counter (by >= 0) or gauge */
void metric_set(struct metric *metric, double value);     /* gauge */
void metric_observe(struct metric *metric, double value); /* histogram */

/* Text format 0.0.4, with the process' own metrics; free(). */
int metrics_text(struct metrics *metrics, char **ret_text, struct ein_error *err);

/* The same by series; ein_server.each_metric says how. */
int metrics_each(struct metrics *metrics, int (*visit)(const struct ein_metric *metric, void *data),
                 void *data);
