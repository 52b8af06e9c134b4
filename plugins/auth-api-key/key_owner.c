/* SPDX-License-Identifier: Apache-2.0 */
#include "key_owner.h"

#include "cleanup.h"
#include "key_doc.h"
#include "limits.h"
#include "member.h"
#include "ownership.h"
#include <stdbool.h>
#include <string.h>

enum which { ALL, PERSONAL_ONLY, PROVIDERS_ONLY };
enum { WORKSPACES_MAX = 1000 }; /* that a provider may name */

int key_owner_load(const struct api_keys *self, const char *uid, json_t **ret_owner,
                   struct ein_error *err)
{
    int r = self->host->store->get(self->ctx, OWNER_SET, uid, ret_owner, err);

    if (r != EIN_E_NOT_FOUND)
        return r;
    *ret_owner = json_pack("{s:s}", "_id", uid);
    return *ret_owner ? 0 : EIN_E_NO_MEMORY;
}

json_t *key_owner_seen(const struct api_keys *self, const struct ein_identity *identity)
{
    json_int_t now = clock_wall_ms();
    json_t *workspaces = identity->workspaces ? json_deep_copy(identity->workspaces) : json_array();

    return json_pack("{s:s*, s:s*, s:s*, s:o, s:b, s:b, s:I, s:I, s:I, s:b}", "email",
                     identity->email, "name", identity->name, "provider", identity->provider,
                     "workspaces", workspaces, "admin", (identity->flags & EIN_IDENTITY_ADMIN) != 0,
                     "listed", list_has(self->site_admins, identity->uid), "seen", now, "confirmed",
                     now, "asked", now, "locked", 0);
}

static bool is_news(const json_t *owner, const json_t *seen)
{
    return key_owner_is_locked(owner) ||
           integer_of(owner, "seen") <= clock_wall_ms() - USE_STEP_MS ||
           !json_equal(json_object_get(owner, "workspaces"), json_object_get(seen, "workspaces")) ||
           !json_equal(json_object_get(owner, "admin"), json_object_get(seen, "admin"));
}

/* EIN_E_CONFLICT: their provider was asked meanwhile. */
static int try_touching(const struct api_keys *self, const struct ein_identity *identity)
{
    const struct ein_store *store = self->host->store;
    EIN_JSON json_t *owner = NULL;
    EIN_JSON json_t *seen = key_owner_seen(self, identity);
    int r = store->get(self->ctx, OWNER_SET, identity->uid, &owner, NULL);

    if (r < 0 || !seen || !is_news(owner, seen))
        return r;
    r = store->put(self->ctx, OWNER_SET, identity->uid, text_of(owner, "_rev"), seen, NULL, NULL);
    if (r >= 0)
        key_cache_forget(self->cache);
    return r;
}

void key_owner_touch(const struct api_keys *self, const struct ein_identity *identity)
{
    for (int tries = 0; tries < TRIES_MAX; tries++)
        if (try_touching(self, identity) != EIN_E_CONFLICT)
            return;
}

bool key_owner_is_locked(const json_t *owner)
{
    return json_is_true(json_object_get(owner, "locked"));
}

/* ---- what a key is given of it ---- */

static bool is_believed(const struct api_keys *self, const json_t *owner, const char *since)
{
    return integer_of(owner, since) > clock_wall_ms() - self->unconfirmed_ms;
}

/* Everybody has a workspace of their own, which no provider gives or takes. */
static bool is_personal(const json_t *workspace)
{
    const char *id = text_of(workspace, "id");

    return id && strncmp(id, PERSONAL, sizeof(PERSONAL) - 1) == 0;
}

/* NULL: no memory. */
static json_t *workspaces_of(const json_t *owner, enum which which)
{
    json_t *workspaces = json_array(), *item;
    size_t i;

    json_array_foreach(json_object_get(owner, "workspaces"), i, item)
    {
        if (which == ALL || (which == PERSONAL_ONLY) == is_personal(item))
            (void)json_array_append(workspaces, item); /* one less at worst */
    }
    return workspaces;
}

static bool is_site_admin(const struct api_keys *self, const json_t *owner)
{
    return json_is_true(json_object_get(owner, "admin")) && is_believed(self, owner, "seen") &&
           (!json_is_true(json_object_get(owner, "listed")) ||
            list_has(self->site_admins, text_of(owner, "_id")));
}

json_t *key_owner_claims(const struct api_keys *self, const json_t *key, const json_t *owner)
{
    bool is_admin = list_has(json_object_get(key, "scopes"), "admin") && is_site_admin(self, owner);
    json_t *limits;

    if (limits_of(key, &limits, NULL) < 0)
        return NULL;
    json_t *workspaces =
        workspaces_of(owner, is_believed(self, owner, "confirmed") ? ALL : PERSONAL_ONLY);

    return json_pack("{s:O, s:s*, s:s*, s:s*, s:s, s:O, s:o, s:b, s:O, s:I, s:o*}", "uid",
                     json_object_get(key, "userId"), "email", text_of(owner, "email"), "name",
                     text_of(owner, "name"), "provider", text_of(owner, "provider"), "proof",
                     "api_key", "scopes", json_object_get(key, "scopes"), "workspaces", workspaces,
                     "admin", is_admin, "keyId", json_object_get(key, "_id"), "keyExpires",
                     (json_int_t)integer_of(key, "expires"), "limits", limits);
}

/* ---- asking the provider again ---- */

struct recheck {
    struct api_keys *self;
    char *uid;
};

static void drop_recheck(void *data)
{
    struct recheck *recheck = data;

    free(recheck->uid);
    free(recheck);
}

/* Takes the turn of asking: of all jobs, on all servers of a store, one. */
static bool take_turn(const struct api_keys *self, const char *uid, char ret_rev[EIN_REV_SIZE],
                      json_t **ret_owner)
{
    const struct ein_store *store = self->host->store;
    EIN_JSON json_t *owner = NULL;
    EIN_JSON json_t *asked = json_pack("{s:I}", "asked", (json_int_t)clock_wall_ms());
    struct ein_doc_op op = { .kind = EIN_DOC_UPDATE, .set = OWNER_SET, .id = uid, .doc = asked };

    if (!asked || store->get(self->ctx, OWNER_SET, uid, &owner, NULL) < 0 ||
        integer_of(owner, "asked") > clock_wall_ms() - (int64_t)self->recheck_ms)
        return false;
    op.expect = text_of(owner, "_rev");
    if (store->batch(self->ctx, &op, 1, sizeof(op), NULL) < 0)
        return false;
    memcpy(ret_rev, op.ret_rev, EIN_REV_SIZE);
    *ret_owner = EIN_TAKE(owner);
    return true;
}

static int ask_provider(const struct api_keys *self, const char *uid, const json_t *owner,
                        json_t **ret_said)
{
    const struct ein_host *host = self->host;
    const struct ein_service *service;
    const struct ein_auth_provider *provider;
    EIN_JSON json_t *claims =
        json_pack("{s:s, s:s*, s:s*, s:s, s:o}", "uid", uid, "email", text_of(owner, "email"),
                  "name", text_of(owner, "name"), "provider", text_of(owner, "provider"),
                  "workspaces", workspaces_of(owner, PROVIDERS_ONLY));
    struct ein_error err = { 0 };
    int r = EIN_E_UNSUPPORTED;

    if (!claims ||
        host->acquire(self->ctx, EIN_AUTH_PROVIDER, text_of(owner, "provider"), &service) < 0)
        return r;
    provider = service->vtable;
    if (EIN_HAS(struct ein_auth_provider, provider, refresh))
        r = provider->refresh(service->impl, claims, ret_said, &err);
    host->release(self->ctx, service);
    return r;
}

/* In the form that logins give them.  NULL: no memory. */
static json_t *workspace_of(const json_t *said, const char *provider)
{
    const char *id = text_of(said, "id"), *role = text_of(said, "role"),
               *name = text_of(said, "name"), *source = text_of(said, "source");

    return json_pack("{s:s, s:s, s:s, s:s, s:s?}", "id", id, "role", role ? role : "member", "name",
                     name ? name : id, "source", source ? source : provider, "description",
                     text_of(said, "description"));
}

/* The personal ones of OWNER, and those that the provider has said.  NULL: no memory. */
static json_t *workspaces_now(const json_t *owner, const json_t *said)
{
    json_t *workspaces = workspaces_of(owner, PERSONAL_ONLY), *item;
    size_t i;

    json_array_foreach(json_object_get(said, "workspaces"), i, item)
    {
        if (text_of(item, "id") && !is_personal(item) && i < WORKSPACES_MAX)
            (void)json_array_append_new(workspaces, workspace_of(item, text_of(owner, "provider")));
    }
    return workspaces;
}

static bool has_any(const json_t *owner)
{
    EIN_JSON json_t *given = workspaces_of(owner, PROVIDERS_ONLY);

    return json_array_size(given) > 0;
}

/* Whoever has been taken out of all workspaces; not who never was in one. */
static bool is_left_outside(const json_t *owner, const json_t *changes)
{
    return !has_any(changes) && !json_is_true(json_object_get(owner, "admin")) &&
           (has_any(owner) || key_owner_is_locked(owner));
}

/* What changes in the owner's document by the provider's answer R; NULL: nothing. */
static json_t *changes_by(int r, const json_t *owner, const json_t *said)
{
    const char *uid = text_of(said, "uid");
    EIN_JSON json_t *changes = NULL;

    if (r == EIN_E_DENIED)
        return json_pack("{s:b}", "locked", 1);
    if (r < 0 || !uid || strcmp(uid, text_of(owner, "_id")) != 0)
        return NULL; /* it cannot be asked, or not now; or it speaks of somebody else */
    changes = json_pack("{s:o, s:I}", "workspaces", workspaces_now(owner, said), "confirmed",
                        (json_int_t)clock_wall_ms());
    if (json_object_set_new(changes, "locked", json_boolean(is_left_outside(owner, changes))) < 0)
        return NULL;
    return EIN_TAKE(changes);
}

static void recheck(void *data)
{
    const struct recheck *recheck = data;
    const struct api_keys *self = recheck->self;
    EIN_JSON json_t *owner = NULL;
    EIN_JSON json_t *said = NULL;
    EIN_JSON json_t *changes = NULL;
    char rev[EIN_REV_SIZE];
    struct ein_doc_op op = {
        .kind = EIN_DOC_UPDATE, .set = OWNER_SET, .id = recheck->uid, .expect = rev
    };

    if (!take_turn(self, recheck->uid, rev, &owner))
        return;
    int r = ask_provider(self, recheck->uid, owner, &said);
    changes = changes_by(r, owner, said);
    if (!changes)
        return;
    op.doc = changes;
    if (self->host->store->batch(self->ctx, &op, 1, sizeof(op), NULL) < 0)
        return; /* they were here meanwhile, which says more */
    key_cache_forget(self->cache);
    if (key_owner_is_locked(changes) && !key_owner_is_locked(owner))
        self->host->log_msg(self->ctx, EIN_WARN,
                            "the API keys of %s are locked: their provider says that they may not "
                            "log in any more",
                            recheck->uid);
}

void key_owner_recheck(struct api_keys *self, const json_t *owner)
{
    const char *uid = text_of(owner, "_id");
    struct recheck *data;

    if (!text_of(owner, "provider") ||
        integer_of(owner, "asked") > clock_wall_ms() - (int64_t)self->recheck_ms)
        return;
    data = calloc(1, sizeof(*data));
    if (!data)
        return;
    data->self = self;
    data->uid = strdup(uid);
    if (!data->uid) {
        free(data);
        return;
    }
    /* Refused where as many jobs wait as may: the next request tries again. */
    (void)self->host->submit(self->ctx, recheck, drop_recheck, data);
}
