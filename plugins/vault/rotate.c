/* SPDX-License-Identifier: Apache-2.0 */
/* A rotation is in the key file and nowhere else: while that holds more than one key, one is under
 * way.  Whoever owns the store brings it to its end, at start or when it sees the file change; so
 * it may be killed at any point.
 *
 *   1. alone:   the new key is written before the old one: from here on it seals
 *   2. shared:  each secret of the old key is opened, sealed and written, if nobody else has
 *   3. alone:   when no secret of the old key is left, that is dropped from the file */
#include "vault.h"

#include "cleanup.h"
#include "error.h"
#include "http_json.h"
#include "ring_file.h"
#include "seal.h"

#include <gnutls/gnutls.h>
#include <time.h>

enum { PAGE = 100, POLL_MS = 50, WAIT_MS = 60000 };

/* ---- 1 ---- */

static int write_ring(struct vault *vault, const struct ring *ring, struct ein_error *err)
{
    int r = ring_file_write(vault->key_file, ring, false, err);

    return r < 0 ? r : vault_load(vault, err);
}

/* Of the keys on disk, under the lock; unless a rotation is under way already. */
static int add_key(struct vault *vault, struct ein_error *err)
{
    EIN_CLOSE int lock = ring_file_lock(vault->key_file, true, err);
    struct stat seen;
    struct ring *ring;

    if (lock < 0)
        return lock;
    ring = ring_new();
    if (!ring)
        return error_no_memory(err);
    int r = ring_file_read(vault->key_file, ring, &seen, err);
    if (r == 0 && ring->count == 1) {
        r = ring_add(ring, err);
        if (r == 0)
            r = write_ring(vault, ring, err);
    }
    ring_free(ring);
    return r;
}

/* ---- 2 ---- */

static json_t *of_other_keys(struct vault *vault)
{
    struct ring_key key;

    if (vault_key(vault, NULL, &key) < 0)
        return NULL;
    gnutls_memset(key.key, 0, sizeof(key.key));
    return json_pack("{s:{s:s}}", "keyId", "$ne", key.id);
}

/* CONFLICT and NOT_FOUND: it was written or deleted meanwhile. */
static int store_again(struct vault *vault, const char *name, const json_t *doc, const char *secret,
                       struct ein_error *err)
{
    EIN_JSON json_t *sealed = NULL;
    struct ring_key key;
    int r = vault_key(vault, NULL, &key);

    if (r == 0)
        r = seal_close(&key, name, secret, &sealed, err);
    gnutls_memset(&key, 0, sizeof(key));
    if (r < 0)
        return r;
    return vault->host->store->put(vault->ctx, VAULT_SET, name,
                                   json_string_value(json_object_get(doc, "_rev")), sealed, NULL,
                                   err);
}

static int seal_again(struct vault *vault, const char *name, struct ein_error *err)
{
    EIN_JSON json_t *doc = NULL;
    char *secret = NULL;
    int r = vault_open(vault, name, &doc, &secret, err);

    if (r == 0)
        r = store_again(vault, name, doc, secret, err);
    seal_wipe(secret);
    return r;
}

static int seal_page(struct vault *vault, const json_t *docs, uint64_t *count,
                     struct ein_error *err)
{
    const json_t *doc;
    size_t i;

    json_array_foreach(docs, i, doc)
    {
        int r = seal_again(vault, json_string_value(json_object_get(doc, "_id")), err);
        if (r < 0 && r != EIN_E_CONFLICT && r != EIN_E_NOT_FOUND)
            return r;
        *count += r >= 0;
    }
    return 0;
}

static int seal_all(struct vault *vault, uint64_t *count, struct ein_error *err)
{
    size_t found;

    do {
        EIN_JSON json_t *where = of_other_keys(vault);
        EIN_JSON json_t *docs = NULL;
        struct ein_query query = { .struct_size = sizeof(query), .limit = PAGE, .where = where };
        if (!where)
            return error_no_memory(err);
        int r = find_docs(vault->host, vault->ctx, VAULT_SET, &query, &docs, NULL, err);
        if (r == 0)
            r = seal_page(vault, docs, count, err);
        if (r < 0)
            return r;
        found = json_array_size(docs);
    } while (found > 0);
    return 0;
}

/* ---- 3 ---- */

static int write_first_key(struct vault *vault, struct ein_error *err)
{
    struct ring *ring = ring_new();

    if (!ring)
        return error_no_memory(err);
    ring->count = 1;
    int r = vault_key(vault, NULL, &ring->keys[0]);
    if (r == 0)
        r = write_ring(vault, ring, err);
    ring_free(ring);
    return r;
}

/* 1: done.  0: a secret was sealed by an old key meanwhile. */
static int drop_old_keys(struct vault *vault, struct ein_error *err)
{
    EIN_CLOSE int lock = ring_file_lock(vault->key_file, true, err);
    EIN_JSON json_t *where = NULL;
    uint64_t left;
    int r = lock < 0 ? lock : vault_load(vault, err);

    if (r < 0)
        return r;
    where = of_other_keys(vault);
    if (!where)
        return error_no_memory(err);
    r = vault->host->store->tally(vault->ctx, VAULT_SET, where, &left, err);
    if (r < 0 || left > 0)
        return r < 0 ? r : 0;
    if (vault_key_count(vault) == 1)
        return 1; /* somebody else was quicker */
    r = write_first_key(vault, err);
    return r < 0 ? r : 1;
}

int vault_finish_rotation(struct vault *vault, uint64_t *ret_count, struct ein_error *err)
{
    uint64_t count = 0;
    int r = 0;
    EIN_LOCKED(&vault->rotating);

    while (r == 0) {
        r = seal_all(vault, &count, err);
        if (r < 0)
            return r;
        /* The environment's keys are dropped by whoever wrote them there. */
        r = vault->key_file ? drop_old_keys(vault, err) : 1;
    }
    if (r < 0)
        return r;
    *ret_count = count;
    if (count)
        vault->host->log_msg(vault->ctx, EIN_INFO, "%llu secrets were sealed by a new master key",
                             (unsigned long long)count);
    return 0;
}

void vault_tick(void *data)
{
    struct vault *vault = data;
    struct ein_error err = { 0 };
    uint64_t count;
    int r = vault_load(vault, &err);

    if (r == 0 && vault_key_count(vault) > 1 && vault->key_file)
        r = vault_finish_rotation(vault, &count, &err);
    if (r < 0 && !vault->unwell)
        vault->host->log_msg(vault->ctx, EIN_ERROR, "%s", err.text);
    if ((r < 0) != vault->unwell)
        vault->host->unready(vault->ctx, r < 0 ? err.text : NULL);
    vault->unwell = r < 0;
}

/* ---- vault/1 ---- */

/* The store is another process's: its vault sees that the file has changed. */
static int wait_for_owner(struct vault *vault, uint64_t *ret_count, struct ein_error *err)
{
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += POLL_MS) {
        int r = vault_load(vault, err);
        if (r < 0)
            return r;
        if (vault_key_count(vault) == 1)
            return vault->host->store->tally(vault->ctx, VAULT_SET, NULL, ret_count, err);
        (void)nanosleep(&(struct timespec){ 0, POLL_MS * 1000000L }, NULL);
    }
    return error_set(err, EIN_E_TIMEOUT,
                     "The new key is in %s and seals from now on, but the server that uses the "
                     "store has not sealed the old secrets with it: its log says why. It tries "
                     "again when it starts",
                     vault->key_file);
}

int vault_rotate(void *impl, uint64_t *ret_count, struct ein_error *err)
{
    struct vault *vault = impl;
    int r;

    if (!vault->key_file)
        return error_set(err, EIN_E_UNSUPPORTED,
                         "The master key is the environment's: put a new one before the old one in "
                         "EINION_MASTER_KEY, with a blank between, start the server, then take the "
                         "old one away");
    r = vault_load(vault, err);
    if (r == 0)
        r = add_key(vault, err);
    if (r < 0)
        return r;
    return atomic_load(&vault->started) ? vault_finish_rotation(vault, ret_count, err)
                                        : wait_for_owner(vault, ret_count, err);
}
