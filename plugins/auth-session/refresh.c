/* SPDX-License-Identifier: Apache-2.0 */
#include "refresh.h"
#include "audit_event.h"
#include "claims.h"
#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "provider.h"
#include "session.h"

#include <string.h>

bool refresh_is_due(const json_t *doc)
{
    return json_integer_value(json_object_get(doc, "refreshAt")) <= clock_wall_ms();
}

json_t *refresh_nothing(void)
{
    return json_pack("{s:[], s:[], s:[], s:b}", "added", "removed", "roleChanges",
                     "siteAdminChanged", 0);
}

/* ---- what has changed ---- */

static const json_t *find_workspace(const json_t *claims, const char *id)
{
    return list_find(json_object_get(claims, "workspaces"), "id", id);
}

/* The ids of the workspaces of `claims` that `others` lack. */
static json_t *missing_in(const json_t *others, const json_t *claims)
{
    json_t *ids = json_array();
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(claims, "workspaces"), i, item)
    {
        if (!find_workspace(others, text_of(item, "id")))
            (void)json_array_append(ids, json_object_get(item, "id"));
    }
    return ids;
}

static json_t *role_changes(const json_t *old, const json_t *new)
{
    json_t *changes = json_array();
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(new, "workspaces"), i, item)
    {
        const json_t *before = find_workspace(old, text_of(item, "id"));

        if (before && strcmp(text_of(before, "role"), text_of(item, "role")) != 0)
            (void)json_array_append_new(
                changes, json_pack("{s:s, s:s, s:s}", "workspaceId", text_of(item, "id"), "from",
                                   text_of(before, "role"), "to", text_of(item, "role")));
    }
    return changes;
}

static json_t *changes_of(const json_t *old, const json_t *new, bool admin_changed)
{
    return json_pack("{s:o, s:o, s:o, s:b}", "added", missing_in(old, new), "removed",
                     missing_in(new, old), "roleChanges", role_changes(old, new),
                     "siteAdminChanged", admin_changed);
}

/* ---- asking ---- */

/* What exchange() gave: the provider's own workspaces are all but the first. */
static json_t *said_then(const json_t *doc)
{
    json_t *said = json_copy(json_object_get(doc, "said"));
    json_t *workspaces = json_copy(json_object_get(json_object_get(doc, "claims"), "workspaces"));

    (void)json_array_remove(workspaces, 0);
    if (!said || json_object_set_new(said, "workspaces", workspaces) < 0) {
        json_decref(said);
        return NULL;
    }
    return said;
}

static int ask(const struct auth_session *self, const json_t *doc, json_t **ret_said,
               struct ein_error *err)
{
    const char *name = text_of(json_object_get(doc, "claims"), "provider");
    const struct ein_service *service = provider_acquire(self, name);
    const struct ein_auth_provider *provider;
    EIN_JSON json_t *then = said_then(doc);
    int r = EIN_E_UNSUPPORTED;

    if (!service)
        return error_set(err, EIN_E_UNAVAILABLE, "there is no provider '%s' now", name);
    provider = service->vtable;
    if (!then)
        r = error_no_memory(err);
    else if (EIN_HAS(struct ein_auth_provider, provider, refresh))
        r = error_due(err, provider->refresh(service->impl, then, ret_said, err));
    self->host->release(self->ctx, service);
    return r;
}

static int end_denied(const struct auth_session *self, const json_t *doc, struct ein_error *err)
{
    struct ein_error unused;

    (void)audit_event(self->host, self->ctx,
                      json_pack("{s:s, s:O, s:s, s:{s:s}}", "action", "logout", "actor",
                                json_object_get(doc, "userId"), "outcome", "denied", "details",
                                "reason", "the provider does not vouch for them any more"),
                      &unused);
    (void)session_end(self, text_of(doc, "_id"), &unused);
    return error_set(err, EIN_E_DENIED, "Session expired or invalid");
}

/* The provider has answered. */
static int take_over(const struct auth_session *self, json_t **doc, const json_t *said,
                     json_t **ret_changes, struct ein_error *err)
{
    EIN_JSON json_t *old = json_incref(json_object_get(*doc, "claims"));
    EIN_JSON json_t *claims = NULL, *kept = json_copy((json_t *)said), *members = NULL;
    bool was_admin = json_is_true(json_object_get(old, "admin")), is_admin;
    int r = claims_make(self, text_of(old, "provider"), said, &claims, err);

    if (r < 0)
        return r;
    if (strcmp(text_of(claims, "uid"), text_of(*doc, "userId")) != 0)
        return error_set(err, EIN_E_INVALID, "the provider described somebody else");
    if (!claims_may_log_in(claims))
        return end_denied(self, *doc, err);
    is_admin = json_is_true(json_object_get(claims, "admin"));
    (void)json_object_del(kept, "workspaces");
    members = json_pack("{s:O, s:O}", "claims", claims, "said", kept);
    r = session_update(self, doc, members, err);
    if (r >= 0 && ret_changes)
        *ret_changes = changes_of(old, claims, was_admin != is_admin);
    return r;
}

int refresh_session(const struct auth_session *self, json_t **doc, json_t **ret_changes,
                    struct ein_error *err)
{
    EIN_JSON json_t *due =
        json_pack("{s:I}", "refreshAt", (json_int_t)(clock_wall_ms() + self->refresh_ms));
    EIN_JSON json_t *never = json_pack("{s:O}", "refreshAt", json_object_get(*doc, "expiresAt"));
    EIN_JSON json_t *said = NULL;
    int r = session_update(self, doc, due, err);

    if (r == EIN_E_CONFLICT)
        return 0; /* another request asks */
    if (r == EIN_E_NOT_FOUND)
        return error_set(err, EIN_E_DENIED, "Session expired or invalid");
    if (r < 0)
        return r;
    r = ask(self, *doc, &said, err);
    if (r == EIN_E_DENIED)
        return end_denied(self, *doc, err);
    if (r == EIN_E_UNSUPPORTED)
        r = session_update(self, doc, never, err);
    else if (r >= 0)
        r = take_over(self, doc, said, ret_changes, err);
    if (r < 0 && r != EIN_E_DENIED) {
        self->host->log_msg(self->ctx, EIN_WARN, "the workspaces of %s stay as they are: %s",
                            text_of(*doc, "userId"), err->text);
        r = 0;
    }
    return r;
}
