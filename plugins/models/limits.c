/* SPDX-License-Identifier: Apache-2.0 */
#include "limits.h"

#include "cleanup.h"
#include "error.h"
#include "map.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A limit of N a minute fills its bucket by N grains a millisecond. */
#define GRAINS     INT64_C(60000)
#define TOKENS_MAX INT64_C(1000000000000) /* of one call: no vendor's number overflows */

enum { KEY_SIZE = 512, SCOPES = 3, RESOURCES = 2 };
enum resource { REQUESTS, TOKENS };
enum scope { USER, KEY, MODEL };

static const char *const resource_names[] = { "requests", "tokens" };
static const char *const scope_names[] = { "user", "key", "model" };

/* What somebody has left, of requests and of tokens. */
struct bucket {
    struct map_entry entry;   /* first */
    int64_t level[RESOURCES]; /* in grains; below 0: used before it was known */
    int64_t limit[RESOURCES]; /* 0: none */
    int64_t at_ms;
    char key[];
};

struct limits {
    int64_t usual[SCOPES][RESOURCES];
    const json_t *models; /* {"provider/model": {"requests", "tokens"}}, may be NULL */
    bool any;
    pthread_mutex_t lock;
    struct map buckets; /* guarded by lock */
};

/* One bucket of a call. */
struct stake {
    struct bucket *bucket;
    const char *scope;
};

/* ---- settings ---- */

static void read_pair(const json_t *config, int64_t pair[RESOURCES])
{
    for (size_t i = 0; i < RESOURCES; i++)
        pair[i] = json_integer_value(json_object_get(config, resource_names[i]));
}

int limits_new(const json_t *config, struct limits **ret_limits, struct ein_error *err)
{
    struct limits *limits = calloc(1, sizeof(*limits));

    if (!limits)
        return error_no_memory(err);
    if (map_init(&limits->buckets) < 0) {
        free(limits);
        return error_set(err, EIN_E_INTERNAL, "There are no random bytes");
    }
    (void)pthread_mutex_init(&limits->lock, NULL);
    for (size_t i = 0; i < SCOPES; i++) {
        read_pair(json_object_get(config, scope_names[i]), limits->usual[i]);
        limits->any |= limits->usual[i][REQUESTS] || limits->usual[i][TOKENS];
    }
    limits->models = json_object_get(config, "models");
    limits->any |= json_object_size(limits->models) > 0;
    *ret_limits = limits;
    return 0;
}

static void drop_bucket(struct map_entry *entry)
{
    free(entry);
}

void limits_free(struct limits *limits)
{
    if (!limits)
        return;
    map_done(&limits->buckets, drop_bucket);
    (void)pthread_mutex_destroy(&limits->lock);
    free(limits);
}

/* ---- buckets ---- */

static void fill_up(struct bucket *bucket, int64_t now_ms)
{
    int64_t passed = now_ms - bucket->at_ms;

    if (passed <= 0)
        return;
    for (size_t i = 0; i < RESOURCES; i++) {
        int64_t full = bucket->limit[i] * GRAINS, missing = full - bucket->level[i];
        if (bucket->limit[i] && missing / bucket->limit[i] < passed)
            bucket->level[i] = full;
        else
            bucket->level[i] += passed * bucket->limit[i];
    }
    bucket->at_ms = now_ms;
}

static bool is_full(const struct bucket *bucket)
{
    return bucket->level[REQUESTS] >= bucket->limit[REQUESTS] * GRAINS &&
           bucket->level[TOKENS] >= bucket->limit[TOKENS] * GRAINS;
}

static void sweep(struct limits *limits, int64_t now_ms)
{
    for (size_t i = 0; i < limits->buckets.slot_count; i++) {
        struct map_entry *next;
        for (struct map_entry *it = limits->buckets.slots[i]; it; it = next) {
            next = it->next;
            fill_up((struct bucket *)it, now_ms);
            if (!is_full((struct bucket *)it))
                continue;
            map_remove(&limits->buckets, it);
            free(it);
        }
    }
}

void limits_sweep(struct limits *limits, int64_t now_ms)
{
    EIN_LOCKED(&limits->lock);
    sweep(limits, now_ms);
}

static struct bucket *make_bucket(struct limits *limits, const char *key, size_t len,
                                  const int64_t limit[RESOURCES], int64_t now_ms)
{
    struct bucket *bucket;

    if (limits->buckets.count >= LIMITS_KEPT_MAX)
        return NULL;
    bucket = calloc(1, sizeof(*bucket) + len + 1);
    if (!bucket)
        return NULL;
    memcpy(bucket->key, key, len);
    bucket->entry.key = bucket->key;
    bucket->entry.key_len = len;
    bucket->at_ms = now_ms;
    for (size_t i = 0; i < RESOURCES; i++) {
        bucket->limit[i] = limit[i];
        bucket->level[i] = limit[i] * GRAINS;
    }
    if (map_add(&limits->buckets, &bucket->entry) == 0)
        return bucket;
    free(bucket);
    return NULL;
}

/* What is used stays used. */
static void follow_limit(struct bucket *bucket, const int64_t limit[RESOURCES])
{
    for (size_t i = 0; i < RESOURCES; i++) {
        bucket->level[i] += (limit[i] - bucket->limit[i]) * GRAINS;
        bucket->limit[i] = limit[i];
    }
}

/* 1 and the bucket, 0 where there is no limit, or BUSY. */
static int find_bucket(struct limits *limits, const char *key, const int64_t limit[RESOURCES],
                       int64_t now_ms, struct bucket **ret_bucket)
{
    size_t len = strlen(key);
    struct map_entry *entry;

    if (!limit[REQUESTS] && !limit[TOKENS])
        return 0;
    entry = map_find(&limits->buckets, key, len);
    *ret_bucket = entry ? (struct bucket *)entry : make_bucket(limits, key, len, limit, now_ms);
    if (!*ret_bucket)
        return EIN_E_BUSY;
    fill_up(*ret_bucket, now_ms);
    follow_limit(*ret_bucket, limit);
    return 1;
}

/* ---- whose ---- */

/* RATES, where they say, in place of what is usual; may be NULL. */
static void limit_of(const struct limits *limits, enum scope scope, const json_t *rates,
                     int64_t ret_limit[RESOURCES])
{
    for (size_t i = 0; i < RESOURCES; i++) {
        int64_t own = json_integer_value(json_object_get(rates, resource_names[i]));
        ret_limit[i] = own ? own : limits->usual[scope][i];
    }
}

static void limit_of_model(const struct limits *limits, const char *name,
                           int64_t ret_limit[RESOURCES])
{
    const json_t *own = json_object_get(limits->models, name);

    memcpy(ret_limit, limits->usual[MODEL], sizeof(limits->usual[MODEL]));
    if (own)
        read_pair(own, ret_limit);
}

/* The buckets that WHO counts against; their number, or BUSY. */
static int find_stakes(struct limits *limits, const struct limits_who *who, int64_t now_ms,
                       struct stake stakes[SCOPES])
{
    const char *const ids[] = { who->user_id, who->key_id, who->provider };
    int count = 0;

    if (limits->buckets.count + SCOPES > LIMITS_KEPT_MAX)
        sweep(limits, now_ms);
    for (size_t i = 0; i < SCOPES; i++) {
        char key[KEY_SIZE];
        int64_t limit[RESOURCES];

        if (!ids[i])
            continue;
        if (i == MODEL) {
            snprintf(key, sizeof(key), "%s/%s", who->provider, who->model);
            limit_of_model(limits, key, limit);
        } else {
            snprintf(key, sizeof(key), "%s %s", scope_names[i], ids[i]);
            limit_of(limits, i, i == KEY ? who->key_rates : NULL, limit);
        }
        int r = find_bucket(limits, key, limit, now_ms, &stakes[count].bucket);
        if (r < 0)
            return r;
        stakes[count].scope = scope_names[i];
        count += r;
    }
    return count;
}

static int64_t grains_of(uint64_t tokens)
{
    return (tokens > TOKENS_MAX ? TOKENS_MAX : (int64_t)tokens) * GRAINS;
}

/* Is there anything to look at? */
static bool has_any(const struct limits *limits, const struct limits_who *who)
{
    return limits->any || (who->key_id && who->key_rates);
}

/* ---- taking ---- */

/* What is too much for any bucket waits for a full one. */
static int64_t need_of(const struct bucket *bucket, enum resource resource, uint64_t tokens)
{
    uint64_t need = resource == REQUESTS ? 1 : tokens, limit = (uint64_t)bucket->limit[resource];

    return (int64_t)(need > limit ? limit : need) * GRAINS;
}

static int64_t wait_of(const struct bucket *bucket, enum resource resource, int64_t need)
{
    int64_t limit = bucket->limit[resource], missing = need - bucket->level[resource];

    return !limit || missing <= 0 ? 0 : (missing + limit - 1) / limit;
}

static uint32_t cap_ms(int64_t ms)
{
    return ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

static void show(const struct bucket *bucket, enum resource resource, struct ein_rate *rate)
{
    int64_t limit = bucket->limit[resource], level = bucket->level[resource];
    int64_t remaining = level > 0 ? level / GRAINS : 0;

    if (!limit || (rate->limit && rate->remaining <= remaining))
        return;
    rate->limit = limit;
    rate->remaining = remaining;
    rate->reset_ms = cap_ms(wait_of(bucket, resource, limit * GRAINS));
}

/* The stake and the resource that are longest to wait for; NULL: nothing is. */
static const struct stake *longest(const struct stake *stakes, int count, uint64_t tokens,
                                   enum resource *ret_resource, int64_t *ret_ms)
{
    const struct stake *worst = NULL;

    *ret_ms = 0;
    for (int i = 0; i < count; i++)
        for (enum resource it = REQUESTS; it <= TOKENS; it++) {
            int64_t ms = wait_of(stakes[i].bucket, it, need_of(stakes[i].bucket, it, tokens));
            if (ms <= *ret_ms)
                continue;
            worst = &stakes[i];
            *ret_resource = it;
            *ret_ms = ms;
        }
    return worst;
}

/* Would it be granted, were it not for the model's own limit? */
static bool only_model(const struct stake *stakes, int count, uint64_t tokens)
{
    enum resource resource;
    int64_t ms;
    int others = count > 0 && stakes[count - 1].scope == scope_names[MODEL] ? count - 1 : count;

    return longest(stakes, others, tokens, &resource, &ms) == NULL;
}

static int refuse(const struct stake *stake, enum resource resource, int64_t ms,
                  struct ein_error *err)
{
    return error_set(err, EIN_E_BUSY,
                     "The limit of this %s of %" PRId64 " %s a minute is reached: try again in "
                     "%" PRId64 " s",
                     stake->scope, stake->bucket->limit[resource], resource_names[resource],
                     (ms + 999) / 1000);
}

int limits_take(struct limits *limits, const struct limits_who *who, uint64_t tokens,
                int64_t now_ms, struct limits_told *told, struct ein_error *err)
{
    struct stake stakes[SCOPES];
    enum resource resource = REQUESTS;
    int64_t ms;

    if (!has_any(limits, who))
        return 0;
    EIN_LOCKED(&limits->lock);
    int count = find_stakes(limits, who, now_ms, stakes);
    if (count < 0)
        return error_set(err, count, "Too many callers have limits at once");
    const struct stake *worst = longest(stakes, count, tokens, &resource, &ms);
    for (int i = 0; i < count; i++) {
        struct bucket *bucket = stakes[i].bucket;
        for (enum resource it = REQUESTS; !worst && it <= TOKENS; it++)
            if (bucket->limit[it])
                bucket->level[it] -= it == REQUESTS ? GRAINS : grains_of(tokens);
        show(bucket, REQUESTS, &told->requests);
        show(bucket, TOKENS, &told->tokens);
    }
    if (!worst)
        return 0;
    told->after_ms = cap_ms(ms);
    told->of_model = only_model(stakes, count, tokens);
    return refuse(worst, resource, ms, err);
}

void limits_correct(struct limits *limits, const struct limits_who *who, uint64_t taken,
                    uint64_t used, int64_t now_ms)
{
    struct stake stakes[SCOPES];

    if (!has_any(limits, who) || taken == used)
        return;
    EIN_LOCKED(&limits->lock);
    int count = find_stakes(limits, who, now_ms, stakes);
    for (int i = 0; i < count; i++) {
        struct bucket *bucket = stakes[i].bucket;
        int64_t full = bucket->limit[TOKENS] * GRAINS;
        bucket->level[TOKENS] += grains_of(taken) - grains_of(used);
        if (bucket->level[TOKENS] > full)
            bucket->level[TOKENS] = full;
    }
}
