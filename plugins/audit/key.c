/* SPDX-License-Identifier: Apache-2.0 */
/* The head of the chain names its key.  Each server that finds no head makes a key of its own and
 * a head with it; one head is stored, and the keys of the others are thrown away. */
#include "audit.h"

#include "cleanup.h"
#include "error.h"
#include "hex.h"
#include "ids.h"
#include "member.h"

#include <gnutls/crypto.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { KEY_DIGITS = 2 * MAC_KEY_LEN };

static const char key_prefix[] = "audit_key/";

/* ---- the vault ---- */

/* One call of vault/1; SECRET is put where it is not NULL. */
static int ask_vault(struct audit *audit, const char *name, const char *secret,
                     struct mac_key *ret_key, struct ein_error *err)
{
    const struct ein_service *service;
    char *text = NULL;
    int r = audit->host->acquire(audit->ctx, EIN_VAULT, NULL, &service);

    if (r < 0)
        return error_set(err, EIN_E_UNAVAILABLE, "There is no vault for the audit log's key");
    const struct ein_vault *vault = service->vtable;
    r = secret ? vault->put(service->impl, name, secret, err)
               : vault->get(service->impl, name, &text, err);
    if (r >= 0 && text && !hex_decode(text, ret_key->bytes, MAC_KEY_LEN))
        r = error_set(err, EIN_E_INVALID, "The audit log's key is damaged");
    vault->wipe(service->impl, text);
    audit->host->release(audit->ctx, service);
    return r;
}

static void drop_key(struct audit *audit, const char *name)
{
    const struct ein_service *service;

    if (audit->host->acquire(audit->ctx, EIN_VAULT, NULL, &service) < 0)
        return;
    (void)((const struct ein_vault *)service->vtable)->del(service->impl, name, NULL);
    audit->host->release(audit->ctx, service);
}

static int make_key(struct audit *audit, struct mac_key *key, struct ein_error *err)
{
    char uuid[UUID_SIZE], text[KEY_DIGITS + 1];

    uuid_make(uuid);
    snprintf(key->name, sizeof(key->name), "%s%s", key_prefix, uuid);
    if (gnutls_rnd(GNUTLS_RND_KEY, key->bytes, sizeof(key->bytes)) < 0)
        return error_set(err, EIN_E_INTERNAL, "The system has no random bytes for a key");
    hex_encode(key->bytes, sizeof(key->bytes), text);
    int r = ask_vault(audit, key->name, text, NULL, err);
    gnutls_memset(text, 0, sizeof(text));
    return r;
}

/* ---- the head ---- */

static int head_mac(const struct mac_key *key, uint64_t seq, const char *last,
                    char ret_mac[MAC_SIZE])
{
    char text[MAC_SIZE + 32];

    snprintf(text, sizeof(text), "%" PRIu64 " %s", seq, last);
    return mac_text(key, "head", text, ret_mac);
}

json_t *audit_head_doc(const struct mac_key *key, const struct head *head)
{
    char mac[MAC_SIZE];

    if (head_mac(key, head->seq, head->mac, mac) < 0)
        return NULL;
    return json_pack("{s:I, s:s, s:s, s:s}", "seq", (json_int_t)head->seq, "last", head->mac, "key",
                     key->name, "mac", mac);
}

static int bad_head(struct ein_error *err)
{
    return error_set(err, EIN_E_INVALID,
                     "The head of the audit log is not what einion has written");
}

static int read_head(const json_t *doc, const struct mac_key *key, struct head *ret_head,
                     struct ein_error *err)
{
    const char *last = text_of(doc, "last");
    json_int_t seq = integer_of(doc, "seq");
    char mac[MAC_SIZE];

    if (!last || strlen(last) >= MAC_SIZE || seq < 0 || !json_object_get(doc, "seq") ||
        head_mac(key, (uint64_t)seq, last, mac) < 0 || !mac_equal(mac, text_of(doc, "mac")))
        return bad_head(err);
    ret_head->seq = (uint64_t)seq;
    snprintf(ret_head->mac, sizeof(ret_head->mac), "%s", last);
    snprintf(ret_head->rev, sizeof(ret_head->rev), "%s", text_of(doc, "_rev"));
    return 0;
}

static int open_head(struct audit *audit, const json_t *doc, struct mac_key *ret_key,
                     struct head *ret_head, struct ein_error *err)
{
    const char *name = text_of(doc, "key");

    if (!name || strlen(name) >= sizeof(ret_key->name) ||
        strncmp(name, key_prefix, sizeof(key_prefix) - 1) != 0)
        return bad_head(err);
    snprintf(ret_key->name, sizeof(ret_key->name), "%s", name);
    int r = ask_vault(audit, name, NULL, ret_key, err);
    if (r == EIN_E_NOT_FOUND)
        return error_set(err, EIN_E_INVALID, "The audit log's key is gone from the vault");
    return r < 0 ? r : read_head(doc, ret_key, ret_head, err);
}

/* ---- ---- */

static int get_head(struct audit *audit, struct mac_key *ret_key, struct head *ret_head,
                    struct ein_error *err)
{
    EIN_JSON json_t *doc = NULL;
    int r = audit->host->store->get(audit->ctx, AUDIT_HEAD_SET, AUDIT_HEAD_ID, &doc, err);

    return r < 0 ? r : open_head(audit, doc, ret_key, ret_head, err);
}

static int make_head(struct audit *audit, struct mac_key *ret_key, struct head *ret_head,
                     struct ein_error *err)
{
    EIN_JSON json_t *doc = NULL;
    struct ein_error there;
    int r = audit_check_none(audit, err);

    /* There are entries: another server has made the head since, and written them. */
    if (r == EIN_E_INVALID && get_head(audit, ret_key, ret_head, &there) == 0)
        return 0;
    if (r == 0)
        r = make_key(audit, ret_key, err);
    if (r < 0)
        return r;
    *ret_head = (struct head){ 0 };
    doc = audit_head_doc(ret_key, ret_head);
    if (!doc)
        return error_no_memory(err);
    r = audit->host->store->put(audit->ctx, AUDIT_HEAD_SET, AUDIT_HEAD_ID, EIN_REV_NEW, doc,
                                ret_head->rev, err);
    if (r != EIN_E_CONFLICT)
        return r;
    drop_key(audit, ret_key->name);
    return get_head(audit, ret_key, ret_head, err);
}

int audit_load(struct audit *audit, bool make, struct mac_key *ret_key, struct head *ret_head,
               struct ein_error *err)
{
    int r = get_head(audit, ret_key, ret_head, err);

    return r == EIN_E_NOT_FOUND && make ? make_head(audit, ret_key, ret_head, err) : r;
}
