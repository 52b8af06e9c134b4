/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdio.h>

/* One event of a run's trace, as a line for people. */
void trace_print(FILE *out, const json_t *event);
