/* SPDX-License-Identifier: Apache-2.0 */
#include "vault.h"

#include "cleanup.h"
#include "error.h"
#include "ring_file.h"

#include <gnutls/gnutls.h>

/* ---- keys at hand ---- */

static bool is_current(struct vault *vault)
{
    pthread_rwlock_rdlock(&vault->lock);
    bool current =
        vault->ring && (!vault->key_file || !ring_file_changed(vault->key_file, &vault->seen));
    pthread_rwlock_unlock(&vault->lock);
    return current;
}

static int read_ring(const struct vault *vault, struct ring *ring, struct stat *ret_seen,
                     struct ein_error *err)
{
    if (vault->key_file)
        return ring_file_read(vault->key_file, ring, ret_seen, err);
    return ring_read_keys(vault->host->secret(vault->ctx, "EINION_MASTER_KEY"), "EINION_MASTER_KEY",
                          ring, err);
}

int vault_load(struct vault *vault, struct ein_error *err)
{
    struct stat seen = { 0 };
    struct ring *ring, *old;

    if (is_current(vault))
        return 0;
    ring = ring_new();
    if (!ring)
        return error_no_memory(err);
    int r = read_ring(vault, ring, &seen, err);
    if (r < 0) {
        ring_free(ring);
        return r;
    }
    pthread_rwlock_wrlock(&vault->lock);
    old = vault->ring;
    vault->ring = ring;
    vault->seen = seen;
    pthread_rwlock_unlock(&vault->lock);
    ring_free(old);
    return 0;
}

int vault_key(struct vault *vault, const char *id, struct ring_key *ret_key)
{
    const struct ring_key *key = NULL;

    pthread_rwlock_rdlock(&vault->lock);
    if (vault->ring)
        key = id ? ring_find(vault->ring, id) : &vault->ring->keys[0];
    if (key)
        *ret_key = *key;
    pthread_rwlock_unlock(&vault->lock);
    return key ? 0 : EIN_E_NOT_FOUND;
}

size_t vault_key_count(struct vault *vault)
{
    pthread_rwlock_rdlock(&vault->lock);
    size_t count = vault->ring ? vault->ring->count : 0;
    pthread_rwlock_unlock(&vault->lock);
    return count;
}

/* ---- the first start, and every other ---- */

/* Where somebody else makes it at the same time, theirs is taken. */
static int make_first_key(struct vault *vault, struct ein_error *err)
{
    EIN_CLOSE int lock = ring_file_lock(vault->key_file, true, err);
    struct ring *ring = lock < 0 ? NULL : ring_new();

    if (!ring)
        return lock < 0 ? lock : error_no_memory(err);
    int r = ring_add(ring, err);
    if (r == 0)
        r = ring_file_write(vault->key_file, ring, true, err);
    ring_free(ring);
    if (r < 0 && r != EIN_E_CONFLICT)
        return r;
    if (r == 0)
        vault->host->log_msg(vault->ctx, EIN_INFO,
                             "The master key was made: %s. Keep a copy of it, apart from those of "
                             "the database",
                             vault->key_file);
    return vault_load(vault, err);
}

static int missing_key_file(struct vault *vault, struct ein_error *err)
{
    uint64_t count;
    int r = vault->host->store->tally(vault->ctx, VAULT_SET, NULL, &count, err);

    if (r < 0)
        return r;
    if (count == 0)
        return make_first_key(vault, err);
    return error_set(err, EIN_E_INVALID,
                     "The key file %s is missing, and %llu secrets are sealed by its keys: restore "
                     "it from a copy, or name the right one in key_file",
                     vault->key_file, (unsigned long long)count);
}

static int check_key_of(const json_t *doc, void *data)
{
    const char *id = json_string_value(json_object_get(doc, "keyId"));
    struct vault *vault = data;
    struct ring_key key;

    if (!id || vault_key(vault, id, &key) < 0)
        return EIN_E_INVALID;
    gnutls_memset(&key, 0, sizeof(key));
    return 0;
}

static int check_sealed(struct vault *vault, struct ein_error *err)
{
    const struct ein_query query = { .struct_size = sizeof(query) };
    int r = vault->host->store->find(vault->ctx, VAULT_SET, &query, check_key_of, vault, NULL, err);

    if (r == EIN_E_INVALID)
        return error_set(err, r,
                         "There are secrets that none of the keys in %s has sealed: it is not the "
                         "file that belongs to this database",
                         vault->key_file ? vault->key_file : "EINION_MASTER_KEY");
    return r;
}

int vault_begin(struct vault *vault, struct ein_error *err)
{
    int r = vault_load(vault, err);

    if (r == EIN_E_NOT_FOUND)
        r = missing_key_file(vault, err);
    return r < 0 ? r : check_sealed(vault, err);
}
