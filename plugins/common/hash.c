/* SPDX-License-Identifier: Apache-2.0 */
#include "hash.h"

static uint64_t rotate(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

static void mix(uint64_t v[4], int rounds)
{
    while (rounds--) {
        v[0] += v[1];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[0] = rotate(v[0], 32);
        v[2] += v[3];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
    }
}

static uint64_t load(const unsigned char *bytes, size_t len)
{
    uint64_t word = 0;

    for (size_t i = 0; i < len; i++)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

uint64_t hash_sip(const struct hash_seed *seed, const void *data, size_t len)
{
    const unsigned char *bytes = data;
    uint64_t v[4] = { seed->k0 ^ UINT64_C(0x736f6d6570736575),
                      seed->k1 ^ UINT64_C(0x646f72616e646f6d),
                      seed->k0 ^ UINT64_C(0x6c7967656e657261),
                      seed->k1 ^ UINT64_C(0x7465646279746573) };
    size_t left = len;

    for (; left >= 8; left -= 8, bytes += 8) {
        uint64_t word = load(bytes, 8);
        v[3] ^= word;
        mix(v, 1);
        v[0] ^= word;
    }

    uint64_t last = load(bytes, left) | (uint64_t)len << 56;
    v[3] ^= last;
    mix(v, 1);
    v[0] ^= last;
    v[2] ^= 0xff;
    mix(v, 3);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
