/* SPDX-License-Identifier: Apache-2.0 */
#include "vault.h"

#include "cleanup.h"
#include "error.h"
#include "ring_file.h"
#include "seal.h"

#include <gnutls/gnutls.h>
#include <string.h>

enum { GET_TRIES = 10 /* of a secret that is sealed anew meanwhile */ };

static int check_name(const char *name, struct ein_error *err)
{
    size_t len = name ? strlen(name) : 0;

    if (len == 0 || len > VAULT_NAME_MAX)
        return error_set(err, EIN_E_INVALID, "The name of a secret has 1 to %d bytes",
                         VAULT_NAME_MAX);
    return 0;
}

/* ---- writing ---- */

static int seal_and_store(struct vault *vault, const char *name, const char *secret,
                          struct ein_error *err)
{
    EIN_JSON json_t *doc = NULL;
    struct ring_key key;
    int r = vault_load(vault, err);

    if (r < 0)
        return r;
    r = vault_key(vault, NULL, &key);
    if (r == 0)
        r = seal_close(&key, name, secret, &doc, err);
    gnutls_memset(&key, 0, sizeof(key));
    return r < 0
               ? r
               : vault->host->store->put(vault->ctx, VAULT_SET, name, EIN_REV_ANY, doc, NULL, err);
}

int vault_put(void *impl, const char *name, const char *secret, struct ein_error *err)
{
    struct vault *vault = impl;
    EIN_CLOSE int lock = -1;
    int r = check_name(name, err);

    if (r < 0)
        return r;
    if (!secret || !*secret || strlen(secret) > VAULT_SECRET_MAX)
        return error_set(err, EIN_E_INVALID, "A secret has 1 to %d bytes", VAULT_SECRET_MAX);
    if (vault->key_file && (lock = ring_file_lock(vault->key_file, false, err)) < 0)
        return lock;
    return seal_and_store(vault, name, secret, err);
}

int vault_del(void *impl, const char *name, struct ein_error *err)
{
    const struct vault *vault = impl;
    int r = check_name(name, err);

    if (r < 0)
        return r;
    r = vault->host->store->del(vault->ctx, VAULT_SET, name, EIN_REV_ANY, err);
    return r == EIN_E_NOT_FOUND ? error_set(err, r, "There is no secret '%s'", name) : r;
}

/* ---- reading ---- */

/* EIN_E_CONFLICT: a key that is not at hand has sealed it. */
static int open_once(struct vault *vault, const char *name, json_t **ret_doc, char **ret_secret,
                     struct ein_error *err)
{
    EIN_JSON json_t *doc = NULL;
    struct ring_key key;
    int r = vault->host->store->get(vault->ctx, VAULT_SET, name, &doc, err);

    if (r == EIN_E_NOT_FOUND)
        return error_set(err, r, "There is no secret '%s'", name);
    if (r < 0)
        return r;
    const char *id = seal_key_id(doc);
    if (!id || vault_key(vault, id, &key) < 0)
        return error_set(err, EIN_E_CONFLICT, "The key that sealed '%s' is not available", name);
    r = seal_open(&key, name, doc, ret_secret, err);
    gnutls_memset(&key, 0, sizeof(key));
    if (r == 0 && ret_doc)
        *ret_doc = EIN_TAKE(doc);
    return r;
}

int vault_open(struct vault *vault, const char *name, json_t **ret_doc, char **ret_secret,
               struct ein_error *err)
{
    int r = EIN_E_CONFLICT;

    for (int tries = 0; r == EIN_E_CONFLICT && tries < GET_TRIES; tries++) {
        r = open_once(vault, name, ret_doc, ret_secret, err);
        /* Somebody else has sealed it anew: its key has been in the file before that. */
        if (r == EIN_E_CONFLICT && vault_load(vault, err) < 0)
            return err ? err->code : EIN_E_UNAVAILABLE;
    }
    return r == EIN_E_CONFLICT
               ? error_set(err, EIN_E_INVALID, "The key that sealed '%s' is not available", name)
               : r;
}

int vault_get(void *impl, const char *name, char **ret_secret, struct ein_error *err)
{
    struct vault *vault = impl;
    int r = check_name(name, err);

    if (r == 0 && vault_key_count(vault) == 0)
        r = vault_load(vault, err);
    return r < 0 ? r : vault_open(vault, name, NULL, ret_secret, err);
}

void vault_wipe(void *impl, char *take_secret)
{
    (void)impl;
    seal_wipe(take_secret);
}
