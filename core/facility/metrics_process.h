/* SPDX-License-Identifier: Apache-2.0 */
#ifndef METRICS_PROCESS_H
#define METRICS_PROCESS_H

#include <stdbool.h>

struct buf;

/* process_cpu_seconds_total and its kin, as the Prometheus libraries name them. */
void metrics_process_text(struct buf *out);
bool metrics_process_has(const char *name);

#endif
