/* SPDX-License-Identifier: Apache-2.0 */
#include "ring.h"

#include "error.h"
#include "hex.h"

#include <gnutls/crypto.h>
#include <string.h>
#include <sys/mman.h>

enum { KEY_DIGITS = 2 * RING_KEY_LEN };

static const char key_label[] = "einion master key";

struct ring *ring_new(void)
{
    struct ring *ring =
        mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (ring == MAP_FAILED)
        return NULL;
    (void)mlock(ring, sizeof(*ring));
    (void)madvise(ring, sizeof(*ring), MADV_DONTDUMP);
    return ring;
}

void ring_free(struct ring *ring)
{
    if (!ring)
        return;
    gnutls_memset(ring, 0, sizeof(*ring));
    (void)munmap(ring, sizeof(*ring));
}

const struct ring_key *ring_find(const struct ring *ring, const char *id)
{
    for (size_t i = 0; id && i < ring->count; i++)
        if (strcmp(ring->keys[i].id, id) == 0)
            return &ring->keys[i];
    return NULL;
}

static int name_key(struct ring_key *key, struct ein_error *err)
{
    unsigned char digest[32];

    if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, key->key, sizeof(key->key), key_label,
                         sizeof(key_label) - 1, digest) < 0)
        return error_set(err, EIN_E_INTERNAL, "A master key could not be hashed");
    hex_encode(digest, RING_ID_LEN, key->id);
    return 0;
}

int ring_add(struct ring *ring, struct ein_error *err)
{
    if (ring->count == RING_KEYS_MAX)
        return error_set(err, EIN_E_CONFLICT, "There are %d master keys already", RING_KEYS_MAX);
    memmove(&ring->keys[1], &ring->keys[0], ring->count * sizeof(ring->keys[0]));
    ring->count++;
    if (gnutls_rnd(GNUTLS_RND_KEY, ring->keys[0].key, RING_KEY_LEN) < 0)
        return error_set(err, EIN_E_INTERNAL, "The system has no random bytes for a master key");
    return name_key(&ring->keys[0], err);
}

/* ---- text ---- */

void ring_write_text(const struct ring *ring, char *ret_text)
{
    char *at = ret_text;

    for (size_t i = 0; i < ring->count; i++) {
        memcpy(at, ring->keys[i].id, RING_ID_SIZE - 1);
        at += RING_ID_SIZE - 1;
        *at++ = ' ';
        hex_encode(ring->keys[i].key, RING_KEY_LEN, at);
        at += KEY_DIGITS;
        *at++ = '\n';
    }
    *at = '\0';
}

/* Takes the key that DIGITS are; false: they are none. */
static bool take_key(struct ring *ring, const char *digits, size_t len)
{
    char copy[KEY_DIGITS + 1];
    bool ok = len == KEY_DIGITS && ring->count < RING_KEYS_MAX;

    if (ok) {
        memcpy(copy, digits, len);
        copy[len] = '\0';
        ok = hex_decode(copy, ring->keys[ring->count].key, RING_KEY_LEN) &&
             name_key(&ring->keys[ring->count], NULL) == 0;
        gnutls_memset(copy, 0, sizeof(copy));
    }
    ring->count += ok;
    return ok;
}

static int damaged(const char *where, size_t number, struct ein_error *err)
{
    return error_set(err, EIN_E_INVALID,
                     "%s is damaged: key %zu is not what einion has written. Restore it from a "
                     "copy: without it the sealed secrets cannot be read",
                     where, number);
}

int ring_read_text(const char *text, const char *where, struct ring *ret_ring,
                   struct ein_error *err)
{
    struct ring *ring = ret_ring;
    size_t number = 0;

    ring->count = 0;
    for (const char *end; *text; text = end + 1) {
        end = strchr(text, '\n');
        number++;
        if (!end || end - text != RING_ID_SIZE + KEY_DIGITS || text[RING_ID_SIZE - 1] != ' ' ||
            !take_key(ring, text + RING_ID_SIZE, KEY_DIGITS) ||
            memcmp(ring->keys[number - 1].id, text, RING_ID_SIZE - 1) != 0)
            return damaged(where, number, err);
    }
    return ring->count ? 0 : error_set(err, EIN_E_INVALID, "%s holds no key", where);
}

int ring_read_keys(const char *text, const char *where, struct ring *ret_ring,
                   struct ein_error *err)
{
    static const char between[] = " \t\r\n,";

    ret_ring->count = 0;
    for (text += strspn(text, between); *text; text += strspn(text, between)) {
        size_t len = strcspn(text, between);
        if (!take_key(ret_ring, text, len))
            return error_set(err, EIN_E_INVALID,
                             "%s: key %zu is not of %d hexadecimal digits in lower case, or there "
                             "are more than %d",
                             where, ret_ring->count + 1, KEY_DIGITS, RING_KEYS_MAX);
        text += len;
    }
    return ret_ring->count ? 0 : error_set(err, EIN_E_INVALID, "%s holds no key", where);
}
