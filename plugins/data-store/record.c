/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"
#include "base64url.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "member.h"
#include "python_json.h"

#include <stdio.h>
#include <string.h>

int record_key_init(struct record_key *at, const char *user, const char *ns, const char *key,
                    struct ein_error *err)
{
    EIN_FREE char *base64 = base64url_encode_padded(key, strlen(key));
    int len;

    if (!base64)
        return error_no_memory(err);
    *at = (struct record_key){ .user = user, .ns = ns, .key = key };
    len = snprintf(at->id, sizeof(at->id), "%s:%s:%s", user, ns, base64);
    if (len > DOC_ID_MAX)
        return error_set(err, EIN_E_INVALID,
                         "Namespace and key are too long: with the user's id and the key in base64 "
                         "they may have %d bytes, and have %d.",
                         DOC_ID_MAX - 2, len - 2);
    return 0;
}

int record_read(const struct data_store *store, const struct record_key *at, json_t **ret_doc,
                struct ein_error *err)
{
    const struct ein_host *host = store->host;
    EIN_JSON json_t *doc = NULL;

    int r = host->store->get(store->ctx, DATA_STORE_SET, at->id, &doc, err);
    if (r == EIN_E_NOT_FOUND)
        return error_set(err, r, "Record '%s' not found in '%s'", at->key, at->ns);
    if (r < 0)
        return r;

    /* User ids and namespaces may hold ':', so that two users' ids can meet. */
    if (strcmp(text_or_empty(doc, "userId"), at->user) != 0)
        return error_set(err, EIN_E_DENIED, "Another user's record has this id.");
    *ret_doc = EIN_TAKE(doc);
    return 0;
}

int record_find(const struct data_store *store, const struct ein_query *query, ein_doc_fn *each,
                void *data, struct ein_error *err)
{
    int r = store->host->store->find(store->ctx, DATA_STORE_SET, query, each, data, NULL, err);

    return r == EIN_E_NO_MEMORY ? error_no_memory(err) : r;
}

json_t *record_new(const struct record_key *at, const json_t *value, const json_t *metadata,
                   const char *agent)
{
    char now[CLOCK_ISO_SIZE];
    EIN_JSON json_t *none = json_object();

    clock_iso(now);
    return json_pack("{s:s, s:s, s:s, s:O, s:O, s:s?, s:s?, s:i, s:s, s:s, s:s?, s:I}", "userId",
                     at->user, "namespace", at->ns, "key", at->key, "value", value, "metadata",
                     metadata ? metadata : none, "createdByAgent", agent, "lastAccessedByAgent",
                     agent, "accessCount", 0, "createdAt", now, "updatedAt", now, "lastAccessedAt",
                     agent ? now : NULL, "sizeBytes", (json_int_t)python_json(value, NULL, 0));
}

static json_t *merged(const json_t *old, const json_t *new)
{
    json_t *both = json_is_object(old) ? json_copy((json_t *)old) : json_object();

    if (both && json_object_update(both, (json_t *)new) == 0)
        return both;
    json_decref(both);
    return NULL;
}

json_t *record_changes(const json_t *old, const json_t *value, const json_t *metadata,
                       const char *agent)
{
    char now[CLOCK_ISO_SIZE];

    clock_iso(now);
    EIN_JSON json_t *changes = json_pack("{s:O, s:s, s:I}", "value", value, "updatedAt", now,
                                         "sizeBytes", (json_int_t)python_json(value, NULL, 0));
    if (!changes)
        return NULL;
    if (agent && (json_object_set_new(changes, "lastAccessedByAgent", json_string(agent)) ||
                  json_object_set_new(changes, "lastAccessedAt", json_string(now))))
        return NULL;
    if (metadata && json_object_set_new(changes, "metadata",
                                        merged(json_object_get(old, "metadata"), metadata)))
        return NULL;
    return EIN_TAKE(changes);
}

int record_check_value(const struct data_store *store, const json_t *value, struct ein_error *err)
{
    size_t len = python_json(value, NULL, 0);

    if (len <= store->value_max)
        return 0;
    return error_set(err, EIN_E_TOO_LARGE, "The value has %zu bytes; at most %zu are kept.", len,
                     store->value_max);
}

json_t *record_view(const json_t *doc)
{
    static const char *const names[] = {
        "_id",         "userId",    "namespace",      "key",
        "value",       "metadata",  "createdByAgent", "lastAccessedByAgent",
        "accessCount", "createdAt", "updatedAt",      "lastAccessedAt",
    };
    EIN_JSON json_t *view = json_object();

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (json_object_set(view, names[i], json_object_get(doc, names[i])))
            return NULL;
    }
    return EIN_TAKE(view);
}
