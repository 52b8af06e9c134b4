/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "settings.h"

#include <stdint.h>

struct level {
    enum isolation reached;
    uint32_t layers;                                    /* LAYER_ of each child */
    uint32_t house;                                     /* HOUSE_ */
    const char *files, *network, *processes, *identity; /* who provides each barrier */
    char missing[200];            /* which step keeps the next level away; "" at the best */
    char python[32], httpx[32];   /* versions; httpx "": not installed */
    int landlock;                 /* ABI, 0: none */
    const char *memory, *threads; /* who counts them */
    char no_cgroup[160];          /* why that is not a cgroup */
};

/* From the zygote's hello, what can be had; UNAVAILABLE if it is below `required`.  What *ret_level
 * says of cgroups stays. */
int level_decide(const char *hello, size_t len, enum isolation required, struct level *ret_level,
                 struct ein_error *err);
