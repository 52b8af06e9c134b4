/* SPDX-License-Identifier: Apache-2.0 */
#include "key_doc.h"

#include "audit_event.h"
#include "cleanup.h"
#include "clock.h"
#include "document.h"
#include "limits.h"
#include "member.h"
#include <string.h>

static json_t *time_of(const json_t *key, const char *member)
{
    char text[CLOCK_ISO_SIZE];
    int64_t ms = integer_of(key, member);

    if (!ms)
        return json_null();
    clock_iso_at(text, ms * 1000);
    return json_string(text);
}

json_t *key_show(const struct api_keys *self, const json_t *key)
{
    const char *id = text_of(key, "_id");
    EIN_JSON json_t *shown =
        json_pack("{s:s, s:O, s:o, s:O, s:o, s:o, s:o, s:O}", "_id", id, "name",
                  json_object_get(key, "name"), "prefix", json_sprintf(API_KEY_PREFIX "%.4s…", id),
                  "scopes", json_object_get(key, "scopes"), "createdAt", time_of(key, "created"),
                  "expiresAt", time_of(key, "expires"), "lastUsedAt", time_of(key, "lastUsed"),
                  "madeBy", or_null(key, "madeBy"));

    return shown && limits_show(self, key, shown, NULL) == 0 ? EIN_TAKE(shown) : NULL;
}

int key_reply(const struct api_keys *self, struct ein_req *req, const json_t *key)
{
    json_t *shown = key_show(self, key);

    return shown ? self->host->http->reply(req, 200, shown) : EIN_E_NO_MEMORY;
}

int keys_find(const struct api_keys *self, const char *uid, const char *id, json_t **ret_key,
              struct ein_error *err)
{
    EIN_JSON json_t *key = NULL;
    int r;

    if (strlen(id) != KEY_ID_LEN)
        return doc_not_found(KEY_SET, id, err);
    r = self->host->store->get(self->ctx, KEY_SET, id, &key, err);
    if (r < 0)
        return r;
    if ((uid && strcmp(text_or_empty(key, "userId"), uid) != 0) || integer_of(key, "revoked"))
        return doc_not_found(KEY_SET, id, err);
    *ret_key = EIN_TAKE(key);
    return 0;
}

int keys_find_own(const struct api_keys *self, const struct ein_req *req, json_t **ret_key,
                  struct ein_error *err)
{
    const struct ein_http *http = self->host->http;

    return keys_find(self, http->identity(req)->uid, http->path_param(req, "key_id"), ret_key, err);
}

int keys_check_unlimited(const struct api_keys *self, struct ein_req *req)
{
    const struct ein_http *http = self->host->http;

    if (!json_object_get(http->identity(req)->claims, "limits"))
        return 0;
    return http->fail(req, 403, "An API key with limits of its own makes and changes no keys.");
}

void keys_audit(const struct api_keys *self, const struct ein_req *req, const char *action,
                const char *key_id, json_t *take_details)
{
    struct ein_error err;

    if (audit_done(self->host, self->ctx, req, NULL, action, key_id, take_details, &err) < 0)
        self->host->http->log_msg(req, EIN_ERROR, "%s of %s is not in the audit: %s", action,
                                  key_id, err.text);
}
