/* SPDX-License-Identifier: Apache-2.0 */
#include "blocks.h"

#include "account.h"
#include "cleanup.h"
#include "error.h"
#include "http_json.h"
#include "rwlock.h"
#include "show.h"

#include <stdlib.h>
#include <string.h>

#define CHANGES_ID "changes"

struct blocks {
    pthread_mutex_t reading; /* of who reads; guards what follows */
    char rev[EIN_REV_SIZE];  /* of the changes that are known; "": none */
    bool known, failing;     /* it has been read; it could not be, and that was said */
    uint64_t count;          /* atomic: whether to look at all */
    pthread_rwlock_t lock;
    json_t *uids; /* an object; guarded by lock */
};

struct blocks *blocks_new(void)
{
    struct blocks *blocks = calloc(1, sizeof(*blocks));

    if (!blocks)
        return NULL;
    (void)pthread_mutex_init(&blocks->reading, NULL);
    rwlock_init(&blocks->lock);
    return blocks;
}

void blocks_free(struct blocks *blocks)
{
    if (!blocks)
        return;
    json_decref(blocks->uids);
    (void)pthread_mutex_destroy(&blocks->reading);
    (void)pthread_rwlock_destroy(&blocks->lock);
    free(blocks);
}

/* ---- knowing ---- */

static int add_uid(const json_t *user, void *uids)
{
    return json_object_set_new(uids, text_of(user, "_id"), json_true()) < 0 ? EIN_E_NO_MEMORY : 0;
}

static int read_changes(const struct users *users, char ret_rev[EIN_REV_SIZE],
                        struct ein_error *err)
{
    EIN_JSON json_t *changes = NULL;
    int r = users->host->store->get(users->ctx, BLOCKS_SET, CHANGES_ID, &changes, err);

    ret_rev[0] = '\0';
    if (r == 0)
        memcpy(ret_rev, text_of(changes, "_rev"), strlen(text_of(changes, "_rev")) + 1);
    return r == EIN_E_NOT_FOUND ? 0 : r;
}

static int read_uids(const struct users *users, json_t **ret_uids, struct ein_error *err)
{
    EIN_JSON json_t *where = json_pack("{s:{s:I}}", "blockedMs", "$gt", (json_int_t)0);
    EIN_JSON json_t *uids = json_object();
    const struct ein_query query = { .struct_size = sizeof(query),
                                     .where = where,
                                     .fields = ids_only };

    if (!where || !uids)
        return error_no_memory(err);
    int r = users->host->store->find(users->ctx, USERS_SET, &query, add_uid, uids, NULL, err);
    if (r < 0)
        return r;
    *ret_uids = EIN_TAKE(uids);
    return 0;
}

static void replace(struct blocks *blocks, json_t *take_uids)
{
    (void)pthread_rwlock_wrlock(&blocks->lock);
    json_t *old = blocks->uids;
    blocks->uids = take_uids;
    (void)pthread_rwlock_unlock(&blocks->lock);
    __atomic_store_n(&blocks->count, json_object_size(take_uids), __ATOMIC_RELEASE);
    json_decref(old);
}

/* The revision first: a change that comes while they are read is found the next time. */
int blocks_read(const struct users *users, struct ein_error *err)
{
    struct blocks *blocks = users->blocks;
    char rev[EIN_REV_SIZE];
    json_t *uids = NULL;
    EIN_LOCKED(&blocks->reading);
    int r = read_changes(users, rev, err);

    if (r < 0 || (blocks->known && strcmp(rev, blocks->rev) == 0))
        return r;
    r = read_uids(users, &uids, err);
    if (r < 0)
        return r;
    replace(blocks, uids);
    memcpy(blocks->rev, rev, sizeof(rev));
    blocks->known = true;
    return 0;
}

void blocks_look(void *data)
{
    const struct users *users = data;
    struct blocks *blocks = users->blocks;
    struct ein_error err;
    int r = blocks_read(users, &err);
    EIN_LOCKED(&blocks->reading);

    if (r < 0 && !blocks->failing)
        users->host->log_msg(users->ctx, EIN_ERROR,
                             "the users blocked since then cannot be read: %s", err.text);
    blocks->failing = r < 0;
}

bool blocks_has(struct blocks *blocks, const char *uid)
{
    if (!uid || __atomic_load_n(&blocks->count, __ATOMIC_ACQUIRE) == 0)
        return false;
    (void)pthread_rwlock_rdlock(&blocks->lock);
    bool found = json_object_get(blocks->uids, uid) != NULL;
    (void)pthread_rwlock_unlock(&blocks->lock);
    return found;
}

/* Why is for other admins. */
static int check(void *impl, const char *user_id, struct ein_error *err)
{
    const struct users *users = impl;

    if (!blocks_has(users->blocks, user_id))
        return 0;
    return error_set(err, EIN_E_DENIED,
                     "This account is blocked here; whoever runs this server knows why.");
}

const struct ein_blocks blocks_service = {
    .struct_size = sizeof(blocks_service),
    .check = check,
};

/* ---- PUT, DELETE /admin/users/{user_id}/blocked ---- */

struct blocking {
    const struct users *users;
    const char *actor;     /* NULL: whoever has the password */
    const json_t *blocked; /* what the user's document says from now on, or null */
    int64_t ms;
    bool changed;
    json_t *actors, *changes; /* documents of the last try */
    struct ein_doc_op ops[2];
};

static void blocking_done(const struct blocking *blocking)
{
    json_decref(blocking->actors);
    json_decref(blocking->changes);
}

/* Of two admins who block each other at once one is left: whoever blocks is not blocked by then. */
static int check_actor(struct blocking *blocking, struct change *change, struct ein_error *err)
{
    json_decref(blocking->actors);
    blocking->actors = NULL;
    int r = account_ensure(blocking->users, blocking->actor, &blocking->actors, err);

    if (r < 0)
        return r;
    if (integer_of(blocking->actors, "blockedMs"))
        return error_set(err, EIN_E_DENIED, "You have been blocked in the meantime.");
    blocking->ops[change->more_count++] =
        (struct ein_doc_op){ .kind = EIN_DOC_CHECK,
                             .set = USERS_SET,
                             .id = blocking->actor,
                             .expect = text_of(blocking->actors, "_rev") };
    return 0;
}

static int block_edit(const struct account *account, struct change *change, void *data,
                      struct ein_error *err)
{
    struct blocking *blocking = data;
    bool is_blocked = integer_of(account->user, "blockedMs") != 0;
    int r = 0;

    blocking->changed = is_blocked || blocking->ms;
    if (!blocking->changed)
        return 0;
    if (blocking->actor)
        r = check_actor(blocking, change, err);
    if (r < 0)
        return r;
    if (!blocking->changes)
        blocking->changes = json_object();
    if (!blocking->changes ||
        json_object_set(change->members, "blocked", (json_t *)blocking->blocked) < 0 ||
        json_object_set_new(change->members, "blockedMs", json_integer(blocking->ms)) < 0)
        return error_no_memory(err);
    blocking->ops[change->more_count++] = (struct ein_doc_op){
        .kind = EIN_DOC_PUT, .set = BLOCKS_SET, .id = CHANGES_ID, .doc = blocking->changes
    };
    change->more = blocking->ops;
    return 0;
}

/* Writes BLOCKED of the user, or null; who asks keeps its reference. */
static int set_blocked(const struct users *users, struct ein_req *req, const json_t *blocked,
                       int64_t ms)
{
    const struct ein_http *http = users->host->http;
    const struct ein_identity *identity = http->identity(req);
    const char *uid = http->path_param(req, "user_id");
    EIN_ACCOUNT struct account account = { 0 };
    struct blocking blocking = {
        .users = users, .actor = identity ? identity->uid : NULL, .blocked = blocked, .ms = ms
    };
    struct ein_error err;

    if (!blocked)
        return EIN_E_NO_MEMORY;
    int r = account_change(users, uid, block_edit, &blocking, &account, &err);
    blocking_done(&blocking);
    if (r < 0)
        return http->fail_error(req, &err);
    if (blocking.changed) {
        blocks_look((void *)users);
        users_audit(users, req, NULL, ms ? "user_blocked" : "user_unblocked", uid,
                    ms ? json_pack("{s:O}", "reason", json_object_get(blocked, "reason")) : NULL);
    }
    return user_reply(users, req, &account);
}

int admin_block(struct ein_req *req, void *self)
{
    const struct users *users = self;
    const struct ein_http *http = users->host->http;
    const struct ein_identity *identity = http->identity(req);
    const char *uid = http->path_param(req, "user_id"), *reason;
    char now[CLOCK_ISO_SIZE];

    if (identity && strcmp(identity->uid, uid) == 0)
        return http->fail(req, 409, "You cannot block yourself: there would be one admin fewer.");
    clock_iso(now);
    reason = text_of(http->body(req), "reason");
    EIN_JSON json_t *blocked = json_pack("{s:s, s:s, s:s?}", "at", now, "by",
                                         identity ? identity->uid : "admin", "reason", reason);
    return set_blocked(users, req, blocked, clock_wall_ms());
}

int admin_unblock(struct ein_req *req, void *self)
{
    const struct users *users = self;
    const struct ein_http *http = users->host->http;
    const char *uid = http->path_param(req, "user_id");
    EIN_JSON json_t *user = NULL;
    struct ein_error err;

    if (users->host->store->get(users->ctx, USERS_SET, uid, &user, &err) < 0)
        return http->fail_error(req, &err);
    return set_blocked(users, req, json_null(), 0);
}
