/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE /admin/users/{user_id}.  Every plugin deletes what it has of them, as erasure/1, until
 * there is nothing left; the account stays, without a name, as the books need it. */
#include "account.h"
#include "cancel_wait.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "model_keys.h"
#include "ownership.h"

enum { PAUSE_MS = 20 /* for what is to end */ };

/* ---- what is here ---- */

static int forget_name(const struct account *account, struct change *change, void *data,
                       struct ein_error *err)
{
    const json_t *known = json_object_get(account->user, "basicInfo");
    uint64_t *count = data;

    if (!text_of(known, "displayName") && !text_of(known, "email"))
        return 0;
    *count = 1;
    return json_object_set_new(change->members, "basicInfo",
                               json_pack("{s:n, s:n}", "displayName", "email")) < 0
               ? error_no_memory(err)
               : 0;
}

static int forget_model_keys(const struct users *users, const json_t *user, uint64_t *count,
                             struct ein_error *err)
{
    const json_t *name;
    size_t i;

    json_array_foreach(json_object_get(user, "keyProviders"), i, name)
    {
        const struct provider *provider = provider_find(json_string_value(name));
        int r =
            provider ? model_key_del(users, text_of(user, "_id"), provider, err) : EIN_E_NOT_FOUND;

        if (r < 0 && r != EIN_E_NOT_FOUND)
            return r;
        *count += r == 0;
    }
    return 0;
}

static int erase(void *impl, const char *uid, uint64_t *ret_count, struct ein_error *err)
{
    const struct users *users = impl;
    EIN_ACCOUNT struct account account = { 0 };
    EIN_JSON json_t *user = NULL;
    uint64_t names = 0;
    int r = users->host->store->get(users->ctx, USERS_SET, uid, &user, err);

    *ret_count = 0;
    if (r == EIN_E_NOT_FOUND)
        return 0;
    if (r == 0)
        r = forget_model_keys(users, user, ret_count, err);
    if (r == 0)
        r = account_change(users, uid, forget_name, &names, &account, err);
    *ret_count += names;
    return r;
}

const struct ein_erasure users_erasure = { .struct_size = sizeof(users_erasure), .erase = erase };

/* ---- everywhere ---- */

struct erasing {
    const struct users *users;
    const char *uid;
    const char *personal;  /* the owner that things in their personal workspace have */
    json_t *counts;        /* {name of the service: how many things} */
    const char *last_name; /* whose things were the last; of this round */
    struct ein_error *err;
};

static int erase_at(const struct ein_service *service, void *data)
{
    struct erasing *erasing = data;
    const struct ein_erasure *erasure = service->vtable;
    uint64_t count = 0, personal = 0;
    int r = erasure->erase(service->impl, erasing->uid, &count, erasing->err);

    if (r >= 0)
        r = erasure->erase(service->impl, erasing->personal, &personal, erasing->err);
    count += personal;
    if (r < 0 || count == 0)
        return r;
    erasing->last_name = service->name;
    count += (uint64_t)integer_of(erasing->counts, service->name);
    return json_object_set_new(erasing->counts, service->name, json_integer((json_int_t)count)) < 0
               ? error_no_memory(erasing->err)
               : 0;
}

/* Round by round: what ends in one is deleted in the next. */
static int erase_everywhere(struct erasing *erasing, struct ein_cancel *cancel)
{
    const struct users *users = erasing->users;
    int64_t until_ms = 0; /* from the first round on, which may have much to delete */
    int r;

    for (;;) {
        erasing->last_name = NULL;
        r = users->host->each_service(users->ctx, EIN_ERASURE, erase_at, erasing);
        if (r < 0 || !erasing->last_name)
            return r;
        if (!until_ms)
            until_ms = clock_mono_ms() + users->erase_ms;
        if (clock_mono_ms() > until_ms)
            return error_set(erasing->err, EIN_E_CONFLICT,
                             "There are still %s of '%s': erase them again, and see to it that "
                             "they do not go on.",
                             erasing->last_name, erasing->uid);
        r = cancel_wait(users->host, cancel, PAUSE_MS);
        if (r < 0)
            return error_set(erasing->err, r, "Not all of '%s' is erased.", erasing->uid);
    }
}

int admin_erase(struct ein_req *req, void *self)
{
    const struct users *users = self;
    const struct ein_http *http = users->host->http;
    const char *uid = http->path_param(req, "user_id");
    EIN_JSON json_t *counts = json_object();
    EIN_JSON json_t *user = NULL;
    EIN_JSON json_t *workspace = json_sprintf(PERSONAL "%s", uid);
    const char *personal = ownership_drawer(http, req, uid, json_string_value(workspace));
    struct ein_error err;
    struct erasing erasing = {
        .users = users, .uid = uid, .personal = personal, .counts = counts, .err = &err
    };
    int r;

    if (!counts || !workspace || !personal)
        return EIN_E_NO_MEMORY;
    if (ownership_drawer(http, req, uid, NULL) != uid) /* what is meant may be a workspace's */
        return http->fail(req, 422, "'%s' is not the id of a user.", uid);
    r = erase_everywhere(&erasing, http->cancel(req));
    if (r == 0)
        r = users->host->store->get(users->ctx, USERS_SET, uid, &user, &err);
    if (r == EIN_E_NOT_FOUND && json_object_size(counts) == 0)
        return http->fail(req, 404, "Document '%s' not found for deletion.", uid);
    bool done = r >= 0 || r == EIN_E_NOT_FOUND;
    if (done || json_object_size(counts) > 0)
        users_audit(users, req, NULL, done ? "user_erased" : "user_erased_in_part", uid,
                    json_incref(counts));
    if (!done)
        return http->fail_error(req, &err);
    return http->reply(req, 200, json_pack("{s:O}", "erased", counts));
}
