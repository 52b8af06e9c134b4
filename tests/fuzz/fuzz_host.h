/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* As much of a host as requests to vendors and their errors need. */

static char *fuzz_redact(const char *text)
{
    return strdup(text);
}

static char *fuzz_json_text(const json_t *json, size_t *ret_len)
{
    char *text = json_dumps(json, JSON_COMPACT);

    if (text && ret_len)
        *ret_len = strlen(text);
    return text;
}

static const struct ein_host fuzz_host = {
    .struct_size = sizeof(fuzz_host),
    .redact = fuzz_redact,
    .mem_free = free,
    .json_text = fuzz_json_text,
};
