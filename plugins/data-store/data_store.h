/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <stddef.h>

#define DATA_STORE_SET "data_store"

/* One instance of the plugin; const after init. */
struct data_store {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    size_t value_max;  /* bytes of a value's JSON text */
    size_t many_max;   /* and of all that an agent is given at once */
    size_t memory_max; /* that these take */
};

enum { WRITE_TRIES = 100 }; /* of a write that others keep overtaking */
