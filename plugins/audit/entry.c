/* SPDX-License-Identifier: Apache-2.0 */
#include "entry.h"

#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "hex.h"
#include "member.h"
#include "str.h"

#include <gnutls/crypto.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const texts[] = { "action", "actor", "target", "address", "outcome" };
enum {
    TEXT_COUNT = sizeof(texts) / sizeof(texts[0]),
    MEMBER_COUNT = TEXT_COUNT + 4 /* with seq, timestamp, details, mac */
};

void entry_id(uint64_t seq, char ret_id[ENTRY_ID_SIZE])
{
    snprintf(ret_id, ENTRY_ID_SIZE, "%020" PRIu64, seq);
}

/* ---- macs ---- */

int mac_text(const struct mac_key *key, const char *label, const char *text, char ret_mac[MAC_SIZE])
{
    unsigned char digest[MAC_LEN];
    gnutls_hmac_hd_t hmac;

    if (gnutls_hmac_init(&hmac, GNUTLS_MAC_SHA256, key->bytes, sizeof(key->bytes)) < 0)
        return EIN_E_INTERNAL;
    int r = gnutls_hmac(hmac, label, strlen(label) + 1);
    if (r >= 0)
        r = gnutls_hmac(hmac, text, strlen(text));
    gnutls_hmac_deinit(hmac, digest);
    hex_encode(digest, sizeof(digest), ret_mac);
    return r < 0 ? EIN_E_INTERNAL : 0;
}

bool mac_equal(const char *a, const char *b)
{
    return a && b && strlen(a) == MAC_SIZE - 1 && strlen(b) == MAC_SIZE - 1 &&
           gnutls_memcmp(a, b, MAC_SIZE - 1) == 0;
}

/* What the mac covers: an array, so that no member can pass for another. */
static json_t *covered(const json_t *doc)
{
    json_t *array = json_array();

    if (!array || json_array_append(array, json_object_get(doc, "seq")) < 0 ||
        json_array_append(array, json_object_get(doc, "timestamp")) < 0)
        goto fail;
    for (size_t i = 0; i < TEXT_COUNT; i++)
        if (json_array_append(array, json_object_get(doc, texts[i])) < 0)
            goto fail;
    if (json_array_append(array, json_object_get(doc, "details")) == 0)
        return array;
fail:
    json_decref(array);
    return NULL;
}

/* Its members, and no others but the store's. */
static bool is_entry(const json_t *doc)
{
    size_t own = (json_object_get(doc, "_id") ? 1 : 0) + (json_object_get(doc, "_rev") ? 1 : 0);

    return json_is_string(json_object_get(doc, "mac")) &&
           json_object_size(doc) == MEMBER_COUNT + own;
}

int entry_mac(const struct ein_host *host, const struct mac_key *key, const json_t *doc,
              const char *before, char ret_mac[MAC_SIZE], struct ein_error *err)
{
    EIN_JSON json_t *array = is_entry(doc) ? covered(doc) : NULL;
    char *text = array ? host->json_text(array, NULL) : NULL;
    int r = text ? mac_text(key, before, text, ret_mac) : EIN_E_INVALID;

    host->mem_free(text);
    return r < 0 ? error_set(err, r, "This is no entry of the audit log") : 0;
}

/* ---- entries ---- */

int entry_check(const struct ein_host *host, const json_t *event, struct ein_error *err)
{
    const json_t *details = json_object_get(event, "details");
    size_t len = 0;

    for (size_t i = 0; i < TEXT_COUNT; i++) {
        const json_t *value = json_object_get(event, texts[i]);
        if (value && !json_is_null(value) && !json_is_string(value))
            return error_set(err, EIN_E_INVALID, "'%s' of an audit event is no text", texts[i]);
    }
    if (!json_is_string(json_object_get(event, "action")))
        return error_set(err, EIN_E_INVALID, "An audit event needs an action");
    if (!details || json_is_null(details))
        return 0;
    char *text = json_is_object(details) ? host->json_text(details, &len) : NULL;
    host->mem_free(text);
    return text && len <= ENTRY_DETAILS_MAX
               ? 0
               : error_set(err, EIN_E_INVALID,
                           "'details' of an audit event are no object, or longer than %d bytes",
                           ENTRY_DETAILS_MAX);
}

/* Who makes a text long enough must not go without an entry. */
static json_t *cut_text(const json_t *text)
{
    const char *whole = json_string_value(text);

    return whole ? json_stringn(whole, (size_t)str_cut(whole, ENTRY_TEXT_MAX)) : json_null();
}

static int set_members(json_t *doc, const json_t *event, uint64_t seq)
{
    char now[CLOCK_ISO_SIZE];

    clock_iso(now);
    int r = json_object_set_new(doc, "seq", json_integer((json_int_t)seq)) |
            json_object_set_new(doc, "timestamp", json_string(now));
    for (size_t i = 0; i < TEXT_COUNT; i++)
        r |= json_object_set_new(doc, texts[i], cut_text(json_object_get(event, texts[i])));
    return r | copy_member(doc, event, "details");
}

int entry_make(const struct ein_host *host, const struct mac_key *key, const json_t *event,
               uint64_t seq, const char *before, char ret_mac[MAC_SIZE], json_t **ret_doc,
               struct ein_error *err)
{
    EIN_JSON json_t *doc = json_object();

    if (!doc || set_members(doc, event, seq) < 0 ||
        json_object_set_new(doc, "mac", json_string("")) < 0)
        return error_no_memory(err);
    int r = entry_mac(host, key, doc, before, ret_mac, err);
    if (r < 0)
        return r;
    if (json_object_set_new(doc, "mac", json_string(ret_mac)) < 0)
        return error_no_memory(err);
    *ret_doc = EIN_TAKE(doc);
    return 0;
}
