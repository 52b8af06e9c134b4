/* SPDX-License-Identifier: Apache-2.0 */
/* What a key looks like:
 *
 *   eink_ID_SECRETCHECK   ID 12, SECRET 43, CHECK 6 characters of 0-9 A-Z a-z
 *
 * The id is how the store finds it, and no secret.  43 such characters are 256 random bits.  The
 * check is the CRC-32 of all before it: who scans texts for secrets can tell a key from what only
 * looks like one, and a mistyped key is refused without a look into the store. */
#pragma once

#include "bearer.h"
#include <stdbool.h>

enum {
    KEY_ID_LEN = 12,
    KEY_SECRET_LEN = 43,
    KEY_CHECK_LEN = 6,
    KEY_LEN = sizeof(API_KEY_PREFIX) - 1 + KEY_ID_LEN + 1 + KEY_SECRET_LEN + KEY_CHECK_LEN,
    KEY_ID_SIZE = KEY_ID_LEN + 1,
    KEY_SIZE = KEY_LEN + 1,
    KEY_HASH_BYTES = 32
};

/* EIN_E_UNAVAILABLE: no random numbers. */
int key_text_make(char ret_text[KEY_SIZE], char ret_id[KEY_ID_SIZE]);

/* False: this is not how a key looks. */
bool key_text_parse(const char *text, char ret_id[KEY_ID_SIZE]);

/* What is kept of a key.  SHA-256 is enough for 256 random bits: there is nothing to guess that a
 * slow hash would make dearer, and every request pays for it. */
void key_text_hash(const char *text, unsigned char ret_hash[KEY_HASH_BYTES]);
