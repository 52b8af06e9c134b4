/* SPDX-License-Identifier: Apache-2.0 */
#include "api_keys.h"
#include "cleanup.h"
#include "error.h"
#include "http_json.h"
#include "key_doc.h"
#include "limits.h"

/* What the body changes of the key's document. */
static int read_changes(const json_t *body, json_t **ret_changes, struct ein_error *err)
{
    EIN_JSON json_t *changes = json_object();
    json_t *name = json_object_get(body, "name");

    if (!changes || (name && json_object_set(changes, "name", name) < 0))
        return error_no_memory(err);
    int r = limits_read(body, changes, err);
    if (r == 0)
        *ret_changes = EIN_TAKE(changes);
    return r;
}

static int write_changes(const struct api_keys *self, const json_t *key, const json_t *changes,
                         struct ein_error *err)
{
    struct ein_doc_op op = { .kind = EIN_DOC_UPDATE,
                             .set = KEY_SET,
                             .id = text_of(key, "_id"),
                             .expect = text_of(key, "_rev"),
                             .doc = changes };

    return self->host->store->batch(self->ctx, &op, 1, sizeof(op), err);
}

/* EIN_E_CONFLICT: it was changed, used or revoked meanwhile. */
static int try_updating(struct ein_req *req, void *data, struct ein_error *err)
{
    struct api_keys *self = data;
    const struct ein_http *http = self->host->http;
    EIN_JSON json_t *key = NULL;
    EIN_JSON json_t *changes = NULL;
    int r = keys_find_own(self, req, &key, err);

    if (r >= 0)
        r = read_changes(http->body(req), &changes, err);
    if (r >= 0)
        r = write_changes(self, key, changes, err);
    if (r == EIN_E_CONFLICT)
        return r;
    if (r >= 0 && json_object_update(key, changes) < 0)
        r = error_no_memory(err);
    if (r < 0)
        return http->fail_error(req, err);
    key_cache_forget(self->cache);
    keys_audit(self, req, "api_key.update", text_of(key, "_id"), EIN_TAKE(changes));
    return key_reply(self, req, key);
}

int keys_update(struct ein_req *req, void *self)
{
    const struct api_keys *keys = self;
    int r = keys_check_unlimited(keys, req);

    return r ? r : change_until_done(keys->host->http, req, self, try_updating);
}
