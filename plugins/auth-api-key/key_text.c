/* SPDX-License-Identifier: Apache-2.0 */
#include "key_text.h"

#include <einion/plugin.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    BASE = 62,
    FAIR = 256 - 256 % BASE, /* bytes from here on would favour some characters */
    SECRET_AT = sizeof(API_KEY_PREFIX) - 1 + KEY_ID_LEN + 1,
    CHECK_AT = SECRET_AT + KEY_SECRET_LEN
};

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static int make_random(char *text, size_t len)
{
    unsigned char bytes[2 * KEY_SECRET_LEN];

    for (size_t made = 0; made < len;) {
        if (gnutls_rnd(GNUTLS_RND_KEY, bytes, sizeof(bytes)) < 0)
            return EIN_E_UNAVAILABLE;
        for (size_t i = 0; i < sizeof(bytes) && made < len; i++)
            if (bytes[i] < FAIR)
                text[made++] = digits[bytes[i] % BASE];
    }
    gnutls_memset(bytes, 0, sizeof(bytes));
    return 0;
}

static void write_check(const char *text, char ret_check[KEY_CHECK_LEN])
{
    unsigned long crc = crc32(0, (const unsigned char *)text, CHECK_AT);

    for (size_t i = KEY_CHECK_LEN; i-- > 0; crc /= BASE)
        ret_check[i] = digits[crc % BASE];
}

int key_text_make(char ret_text[KEY_SIZE], char ret_id[KEY_ID_SIZE])
{
    int r;

    memcpy(ret_text, API_KEY_PREFIX, sizeof(API_KEY_PREFIX) - 1);
    ret_text[SECRET_AT - 1] = '_';
    ret_text[KEY_LEN] = '\0';
    r = make_random(ret_text + sizeof(API_KEY_PREFIX) - 1, KEY_ID_LEN);
    if (r >= 0)
        r = make_random(ret_text + SECRET_AT, KEY_SECRET_LEN);
    if (r < 0)
        return r;
    write_check(ret_text, ret_text + CHECK_AT);
    memcpy(ret_id, ret_text + sizeof(API_KEY_PREFIX) - 1, KEY_ID_LEN);
    ret_id[KEY_ID_LEN] = '\0';
    return 0;
}

bool key_text_parse(const char *text, char ret_id[KEY_ID_SIZE])
{
    const char *id = text + sizeof(API_KEY_PREFIX) - 1;
    char check[KEY_CHECK_LEN];

    if (strlen(text) != KEY_LEN || strncmp(text, API_KEY_PREFIX, sizeof(API_KEY_PREFIX) - 1) != 0)
        return false;
    if (strspn(id, digits) != KEY_ID_LEN || text[SECRET_AT - 1] != '_' ||
        strspn(text + SECRET_AT, digits) != KEY_SECRET_LEN + KEY_CHECK_LEN)
        return false;
    write_check(text, check);
    if (memcmp(text + CHECK_AT, check, KEY_CHECK_LEN) != 0)
        return false;
    memcpy(ret_id, id, KEY_ID_LEN);
    ret_id[KEY_ID_LEN] = '\0';
    return true;
}

void key_text_hash(const char *text, unsigned char ret_hash[KEY_HASH_BYTES])
{
    /* It cannot fail: the algorithm is there, and nothing is allocated. */
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, text, strlen(text), ret_hash) < 0)
        abort();
}
