/* SPDX-License-Identifier: Apache-2.0 */
/* The master keys: the first one seals, all of them open. */
#pragma once

#include <einion/plugin.h>
#include <stddef.h>

enum {
    RING_KEYS_MAX = 8,
    RING_KEY_LEN = 32, /* bytes: AES-256 */
    RING_ID_LEN = 8,
    RING_ID_SIZE = 2 * RING_ID_LEN + 1,
    RING_TEXT_MAX = 4096 /* bytes of all keys as text */
};

struct ring_key {
    char id[RING_ID_SIZE]; /* made from the key: one that was damaged does not fit its id */
    unsigned char key[RING_KEY_LEN];
};

struct ring {
    size_t count;
    struct ring_key keys[RING_KEYS_MAX];
};

/* In memory that is not swapped, where that is allowed, and is left out of core files. */
struct ring *ring_new(void);
void ring_free(struct ring *ring); /* wiped first; NULL is fine */

const struct ring_key *ring_find(const struct ring *ring, const char *id);
/* A new random key becomes the first. */
int ring_add(struct ring *ring, struct ein_error *err);

/* "ID KEY" a line, both in hexadecimal digits; RING_TEXT_MAX bytes. */
void ring_write_text(const struct ring *ring, char *ret_text);
/* WHERE is what faults call it. */
int ring_read_text(const char *text, const char *where, struct ring *ret_ring,
                   struct ein_error *err);
/* Bare keys with blanks or commas between: what EINION_MASTER_KEY holds. */
int ring_read_keys(const char *text, const char *where, struct ring *ret_ring,
                   struct ein_error *err);
