/* SPDX-License-Identifier: Apache-2.0 */
#include "quota.h"

#include "audit_event.h"
#include "cleanup.h"
#include "ownership.h"

static int show(struct quota *quota, struct ein_req *req, const char *owner)
{
    const struct ein_http *http = quota->host->http;
    struct ein_error err;
    struct kept kept;

    if (quota_kept(quota, owner, &kept, &err) < 0)
        return http->fail_error(req, &err);
    EIN_JSON json_t *max = kept.max_bytes ? json_integer(kept.max_bytes) : json_null();
    return http->reply(req, 200,
                       json_pack("{s:I, s:O, s:o}", "usedBytes",
                                 (json_int_t)(kept.bytes > 0 ? kept.bytes : 0), "maxBytes", max,
                                 "sets", kept.sets));
}

int quota_get(struct ein_req *req, void *self)
{
    struct quota *quota = self;
    const char *owner;
    int r = ownership_whose(quota->host->http, req, &owner);

    return r ? r : show(quota, req, owner);
}

int quota_put(struct ein_req *req, void *self)
{
    struct quota *quota = self;
    const struct ein_http *http = quota->host->http;
    const json_t *max_mib = json_object_get(http->body(req), "maxMib");
    const char *owner = ownership_drawer(http, req, http->path_param(req, "user_id"),
                                         http->path_param(req, "workspace_id"));
    struct ein_error err;
    int r;

    if (!owner)
        return EIN_E_NO_MEMORY;
    r = quota_set(quota, owner, max_mib, &err);
    if (r >= 0)
        r = audit_done(quota->host, quota->ctx, req, NULL, "disk_quota.set", owner,
                       json_pack("{s:O}", "maxMib", max_mib), &err);
    return r < 0 ? http->fail_error(req, &err) : show(quota, req, owner);
}
