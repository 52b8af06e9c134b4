/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HASH_FNV_START UINT64_C(0xcbf29ce484222325)

/* FNV-1a, to tell things apart that nobody has an interest in confusing. */
static inline uint64_t hash_fnv(uint64_t hash, const void *data, size_t len)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* SipHash-1-3: clients choose the ids that tables are keyed by, and could
 * otherwise choose them to collide. */
struct hash_seed {
    uint64_t k0, k1;
};
uint64_t hash_sip(const struct hash_seed *seed, const void *data, size_t len);
