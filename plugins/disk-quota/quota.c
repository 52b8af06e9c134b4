/* SPDX-License-Identifier: Apache-2.0 */
#include "quota.h"

#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "member.h"

#include <stdlib.h>
#include <string.h>

enum {
    COUNT_AGAIN_MS = 1000, /* at the earliest, */
    COUNT_REST = 10,       /* and after so many times what counting took */
    TAKE_TRIES = 3         /* while somebody changes what there may be */
};

struct owner {
    struct map_entry entry;
    pthread_mutex_t counting; /* held by who counts; taken before the quota's lock */
    /* Guarded by the quota's lock. */
    struct kept kept;
    int64_t taken; /* since the start: what is taken while it is counted is not lost */
    int64_t counted_ms, refuse_ms; /* 0: never; until when it is not counted again */
    char name[];
};

static struct owner *owner_of(struct map_entry *entry)
{
    return (struct owner *)entry;
}

/* ---- who there is ---- */

static void drop(struct map_entry *entry)
{
    struct owner *owner = owner_of(entry);

    pthread_mutex_destroy(&owner->counting);
    json_decref(owner->kept.sets);
    free(owner);
}

static struct owner *owner_new(const char *name)
{
    size_t len = strlen(name);
    struct owner *owner = calloc(1, sizeof(*owner) + len + 1);

    if (!owner)
        return NULL;
    memcpy(owner->name, name, len + 1);
    owner->entry.key = owner->name;
    owner->entry.key_len = len;
    pthread_mutex_init(&owner->counting, NULL);
    return owner;
}

/* Lives as long as the quota.  NULL: no memory. */
static struct owner *find_owner(struct quota *quota, const char *name)
{
    pthread_mutex_lock(&quota->lock);
    struct map_entry *entry = map_find(&quota->owners, name, strlen(name));
    struct owner *owner = entry ? owner_of(entry) : owner_new(name);

    if (owner && !entry && map_add(&quota->owners, &owner->entry) < 0) {
        drop(&owner->entry);
        owner = NULL;
    }
    pthread_mutex_unlock(&quota->lock);
    return owner;
}

/* ---- counting ---- */

struct count {
    const struct quota *quota;
    const char *owner;
    json_t *sets;
    int64_t bytes;
    struct ein_error *err;
};

static int count_set(struct count *count, const char *set, const char *field)
{
    const struct ein_host *host = count->quota->host;
    EIN_JSON json_t *where = json_pack("{s:s}", field, count->owner);
    uint64_t bytes = 0;
    int r = where ? host->store->weigh(count->quota->ctx, set, where, &bytes, count->err)
                  : error_no_memory(count->err);

    if (r < 0)
        return r;
    count->bytes += (int64_t)bytes;
    if (json_object_set_new(count->sets, set, json_integer((json_int_t)bytes)))
        return error_no_memory(count->err);
    return 0;
}

static int count_keeper(const struct ein_service *service, void *data)
{
    const struct ein_keeps *keeps = service->vtable;
    int r = 0;

    for (const char *const *set = keeps->sets; *set && r >= 0; set += 2)
        r = count_set(data, set[0], set[1]);
    return r;
}

static int read_max(const struct quota *quota, const char *name, int64_t *ret_max,
                    struct ein_error *err)
{
    EIN_JSON json_t *doc = NULL;
    int r = quota->host->store->get(quota->ctx, QUOTA_SET, name, &doc, err);

    if (r < 0 && r != EIN_E_NOT_FOUND)
        return r;
    *ret_max = (doc ? integer_of(doc, "maxMib") : quota->max_mib) << 20;
    return 0;
}

/* OWNER's counting is held.  What has been taken and is not yet written is not seen: whoever writes
 * a lot at once may end a little above what they may keep. */
static int count_now(struct quota *quota, struct owner *owner, struct ein_error *err)
{
    EIN_JSON json_t *sets = json_object();
    struct count count = { .quota = quota, .owner = owner->name, .sets = sets, .err = err };
    int64_t began_ms = clock_mono_ms(), max = 0;
    int r = sets ? read_max(quota, owner->name, &max, err) : error_no_memory(err);

    pthread_mutex_lock(&quota->lock);
    int64_t taken = owner->taken;
    pthread_mutex_unlock(&quota->lock);
    if (r >= 0)
        r = quota->host->each_service(quota->ctx, EIN_KEEPS, count_keeper, &count);
    if (r < 0)
        return r;

    int64_t now_ms = clock_mono_ms();
    pthread_mutex_lock(&quota->lock);
    json_decref(owner->kept.sets);
    owner->kept = (struct kept){ count.bytes + owner->taken - taken, max, EIN_TAKE(sets) };
    owner->counted_ms = now_ms;
    owner->refuse_ms = now_ms + COUNT_AGAIN_MS + COUNT_REST * (now_ms - began_ms);
    pthread_mutex_unlock(&quota->lock);
    return 0;
}

/* The quota's lock is held. */
static bool is_counted(const struct quota *quota, const struct owner *owner)
{
    return owner->counted_ms && clock_mono_ms() - owner->counted_ms < quota->recount_ms;
}

/* Counts what OWNER keeps, unless that was just done. */
static int count_again(struct quota *quota, struct owner *owner, struct ein_error *err)
{
    int r = 0;

    pthread_mutex_lock(&owner->counting);
    pthread_mutex_lock(&quota->lock);
    bool was_just_counted = is_counted(quota, owner) && clock_mono_ms() < owner->refuse_ms;
    pthread_mutex_unlock(&quota->lock);
    if (!was_just_counted)
        r = count_now(quota, owner, err);
    pthread_mutex_unlock(&owner->counting);
    return r;
}

/* ---- taking ---- */

static bool try_take(struct quota *quota, struct owner *owner, int64_t bytes)
{
    pthread_mutex_lock(&quota->lock);
    const struct kept *kept = &owner->kept;
    bool fits = bytes <= 0 || (is_counted(quota, owner) &&
                               (!kept->max_bytes || kept->bytes + bytes <= kept->max_bytes));
    if (fits) {
        owner->taken += bytes;
        owner->kept.bytes += bytes;
    }
    pthread_mutex_unlock(&quota->lock);
    return fits;
}

static int is_full(struct quota *quota, const struct owner *owner, int64_t bytes,
                   struct ein_error *err)
{
    pthread_mutex_lock(&quota->lock);
    double kept = (double)owner->kept.bytes / (1 << 20);
    int64_t max = owner->kept.max_bytes >> 20;
    pthread_mutex_unlock(&quota->lock);
    return error_set(
        err, EIN_E_FULL,
        "There is no room for %.3f MiB: %.3f of %lld MiB are used.  Delete what nobody "
        "needs, or ask an administrator for more.",
        (double)bytes / (1 << 20), kept, (long long)max);
}

static int take(void *impl, const char *name, int64_t bytes, struct ein_error *err)
{
    struct quota *quota = impl;
    struct owner *owner = find_owner(quota, name);
    int r;

    if (!owner)
        return error_no_memory(err);
    for (int tries = 0; tries < TAKE_TRIES; tries++) {
        if (try_take(quota, owner, bytes))
            return 0;
        r = count_again(quota, owner, err);
        if (r < 0)
            return r;
    }
    return try_take(quota, owner, bytes) ? 0 : is_full(quota, owner, bytes, err);
}

const struct ein_disk_quota quota_service = { .struct_size = sizeof(quota_service), .take = take };

/* ---- looking, and changing ---- */

int quota_kept(struct quota *quota, const char *name, struct kept *ret_kept, struct ein_error *err)
{
    struct owner *owner = find_owner(quota, name);
    int r = owner ? count_again(quota, owner, err) : error_no_memory(err);

    if (r < 0)
        return r;
    pthread_mutex_lock(&quota->lock);
    *ret_kept = owner->kept;
    json_incref(ret_kept->sets);
    pthread_mutex_unlock(&quota->lock);
    return 0;
}

static int store_max(struct quota *quota, const char *name, const json_t *max_mib,
                     struct ein_error *err)
{
    const struct ein_store *store = quota->host->store;

    if (json_is_null(max_mib)) {
        int r = store->del(quota->ctx, QUOTA_SET, name, EIN_REV_ANY, err);
        return r == EIN_E_NOT_FOUND ? 0 : r;
    }
    EIN_JSON json_t *doc = json_pack("{s:O}", "maxMib", max_mib);
    return doc ? store->put(quota->ctx, QUOTA_SET, name, EIN_REV_ANY, doc, NULL, err)
               : error_no_memory(err);
}

int quota_set(struct quota *quota, const char *name, const json_t *max_mib, struct ein_error *err)
{
    struct owner *owner = find_owner(quota, name);
    int r;

    if (!owner)
        return error_no_memory(err);
    pthread_mutex_lock(&owner->counting); /* or who counts would come back with what it was */
    r = store_max(quota, name, max_mib, err);
    pthread_mutex_lock(&quota->lock);
    owner->counted_ms = 0;
    pthread_mutex_unlock(&quota->lock);
    pthread_mutex_unlock(&owner->counting);
    return r;
}

/* ---- birth and death ---- */

int quota_new(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
              struct quota **ret_quota, struct ein_error *err)
{
    EIN_FREE struct quota *quota = calloc(1, sizeof(*quota));
    int r;

    if (!quota)
        return error_no_memory(err);
    quota->host = host;
    quota->ctx = ctx;
    quota->max_mib = integer_of(config, "max_mib");
    quota->recount_ms = integer_of(config, "recount_s") * 1000;
    r = map_init(&quota->owners);
    if (r < 0)
        return error_set(err, r, "no random bytes");
    pthread_mutex_init(&quota->lock, NULL);
    *ret_quota = EIN_TAKE(quota);
    return 0;
}

void quota_free(void *self)
{
    struct quota *quota = self;

    map_done(&quota->owners, drop);
    pthread_mutex_destroy(&quota->lock);
    free(quota);
}
