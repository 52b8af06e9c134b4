/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that were verified, by the SHA-256 of their text, until they expire or it is time to ask
 * again for the keys: whose key was taken back is known no longer than it.  Any thread. */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdint.h>

enum { SEEN_HASH_SIZE = 32 };

struct seen;

/* At most so many: the one that was asked for longest ago makes room.  0: none is kept. */
int seen_new(size_t max, struct seen **ret_seen, struct ein_error *err);
void seen_free(struct seen *seen);

void seen_hash(const char *token, unsigned char ret_hash[SEEN_HASH_SIZE]);
/* A new reference to what seen_add() was given; NULL: not known, or no longer at now_s. */
json_t *seen_get(struct seen *seen, const unsigned char hash[SEEN_HASH_SIZE], int64_t now_s);
/* The token expires at `exp_s`, and its key is good for another `good_s`.  It is only a cache:
 * without memory nothing is kept. */
void seen_add(struct seen *seen, const unsigned char hash[SEEN_HASH_SIZE], json_t *claims,
              int64_t exp_s, int64_t good_s, int64_t now_s);
