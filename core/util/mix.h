/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* A bijection that makes neighbours look unrelated (the finalizer of SplitMix64). */
static inline uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}
