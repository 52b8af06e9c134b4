/* SPDX-License-Identifier: Apache-2.0 */
/* JSON values as bytes: memcmp (the shorter first, if one begins the other) puts
 * them in the store's order: null, false, true, numbers, text, all else. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum key_tag { /* the first byte */
               KEY_NULL = 0x10,
               KEY_FALSE = 0x20,
               KEY_TRUE = 0x28,
               KEY_NUMBER = 0x30,
               KEY_TEXT = 0x40,
               KEY_OTHER = 0x50 /* arrays and objects, all alike */
};

struct key {
    unsigned char *data;
    size_t len;
};

/* VALUE may be NULL: null.  EIN_E_NO_MEMORY or 0. */
int key_make(const json_t *value, struct key *ret_key);
int key_copy(const void *data, size_t len, struct key *ret_key);
/* The first key above every text that begins with TEXT. */
int key_make_past_prefix(const json_t *text, struct key *ret_key);
void key_done(struct key *key);

int key_compare(const struct key *a, const struct key *b);
enum key_tag key_tag(const struct key *key);
