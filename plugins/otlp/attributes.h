/* SPDX-License-Identifier: Apache-2.0 */
/* OpenTelemetry's names, and its values in the JSON form of OTLP. */
#pragma once

#include <jansson.h>
#include <stdint.h>

/* A 64-bit number, which is text there. */
json_t *number_text(int64_t number);

/* Adds {"key", "value"}; what has no such form is left out. */
void attribute_add(json_t *attributes, const char *key, const json_t *value);
void attribute_add_text(json_t *attributes, const char *key, const char *value);
