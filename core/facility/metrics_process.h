/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct buf;
struct ein_metric;

/* process_cpu_seconds_total and its kin, as the Prometheus libraries name them. */
void metrics_process_text(struct buf *out);
int metrics_process_each(int (*visit)(const struct ein_metric *metric, void *data), void *data);
bool metrics_process_has(const char *name);
