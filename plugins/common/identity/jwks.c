/* SPDX-License-Identifier: Apache-2.0 */
#include "jwks.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "member.h"

#include <pthread.h>
#include <string.h>

/* One thread fetches, without the lock; those who need what it fetches wait for `changed`, all
 * others go on with the keys that are there.  A key that has been handed out outlives its set. */
struct jwks {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    char *url;
    uint32_t timeout_ms;
    unsigned refs; /* atomic */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct jwks_set *set; /* guarded by lock, as all below; NULL: not fetched yet */
    int64_t fresh_ms;     /* until then the set is as good as new */
    int64_t stale_ms;     /* until then it is better than none */
    int64_t unknown_ms;   /* before then an unknown kid is worth no fetch */
    int64_t retry_ms;     /* before then a failure is not tried again */
    unsigned waiters;
    bool fetching;
    struct ein_error failure; /* of the last fetch; code 0: it went well */
};

int jwks_new(const struct ein_host *host, struct ein_ctx *ctx, const char *url, uint32_t timeout_ms,
             struct jwks **ret_jwks, struct ein_error *err)
{
    struct jwks *jwks = calloc(1, sizeof(*jwks));
    char *copy = strdup(url);

    if (!jwks || !copy) {
        free(jwks);
        free(copy);
        return error_no_memory(err);
    }
    jwks->host = host;
    jwks->ctx = ctx;
    jwks->url = copy;
    jwks->timeout_ms = timeout_ms;
    jwks->refs = 1;
    (void)pthread_mutex_init(&jwks->lock, NULL);
    (void)pthread_cond_init(&jwks->changed, NULL);
    *ret_jwks = jwks;
    return 0;
}

struct jwks *jwks_ref(struct jwks *jwks)
{
    (void)__atomic_add_fetch(&jwks->refs, 1, __ATOMIC_RELAXED);
    return jwks;
}

void jwks_unref(struct jwks *jwks)
{
    if (!jwks || __atomic_sub_fetch(&jwks->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    jwks_set_free(jwks->set);
    (void)pthread_mutex_destroy(&jwks->lock);
    (void)pthread_cond_destroy(&jwks->changed);
    free(jwks->url);
    free(jwks);
}

/* ---- how long they are good ---- */

/* The seconds of DIRECTIVE ("max-age") in a Cache-Control header; -1: not there. */
static int64_t directive(const char *header, const char *name)
{
    size_t len = strlen(name);

    while (header && *header) {
        header += strspn(header, " \t,");
        if (strncasecmp(header, name, len) == 0 && header[len] == '=')
            return strtoll(header + len + 1 + (header[len + 1] == '"'), NULL, 10);
        header += strcspn(header, ",");
    }
    return -1;
}

static bool says(const char *header, const char *word)
{
    size_t len = strlen(word);

    while (header && *header) {
        header += strspn(header, " \t,");
        if (strncasecmp(header, word, len) == 0 && strchr(" \t,", header[len]))
            return true;
        header += strcspn(header, ",");
    }
    return false;
}

int64_t jwks_age(const json_t *headers)
{
    const char *control = text_of(headers, "cache-control");
    const char *age = text_of(headers, "age");
    int64_t seconds = directive(control, "max-age"), spent = age ? strtoll(age, NULL, 10) : 0;

    if (says(control, "no-store") || says(control, "no-cache"))
        return JWKS_AGE_MIN_S;
    if (seconds < 0)
        return JWKS_AGE_DEFAULT_S;
    if (spent > 0)
        seconds = spent < seconds ? seconds - spent : 0;
    return seconds < JWKS_AGE_MIN_S   ? JWKS_AGE_MIN_S
           : seconds > JWKS_AGE_MAX_S ? JWKS_AGE_MAX_S
                                      : seconds;
}

/* ---- fetching ---- */

static int fetch(const struct jwks *jwks, struct jwks_set **ret_set, int64_t *ret_age_s,
                 struct ein_error *err)
{
    static const char *const headers[] = { "Accept: application/json", NULL };
    const struct ein_fetch what = {
        .struct_size = sizeof(what),
        .egress = EIN_EGRESS_OPERATOR,
        .total_ms = jwks->timeout_ms,
        .max_bytes = JWKS_BYTES_MAX,
        .method = "GET",
        .url = jwks->url,
        .headers = headers,
    };
    struct ein_fetched got = { .struct_size = sizeof(got) };
    struct ein_error why = { 0 };
    int r = jwks->host->client->fetch(jwks->ctx, &what, &got, &why);

    if (r == 0 && got.status != 200)
        r = error_set(&why, EIN_E_UNAVAILABLE, "it answers with status %d", got.status);
    if (r == 0)
        r = jwks_set_parse(got.body, got.body_len, ret_set, &why);
    if (r == 0)
        *ret_age_s = jwks_age(got.headers);
    json_decref(got.headers);
    jwks->host->mem_free(got.body);
    if (r < 0)
        return error_set(err, EIN_E_UNAVAILABLE, "The keys at %s cannot be fetched: %s", jwks->url,
                         why.text);
    return 0;
}

/* Called and left with the lock held. */
static void fetch_now(struct jwks *jwks)
{
    struct ein_error why = { 0 };
    struct jwks_set *set = NULL;
    int64_t age_s = 0;

    jwks->fetching = true;
    (void)pthread_mutex_unlock(&jwks->lock);
    int r = fetch(jwks, &set, &age_s, &why);
    (void)pthread_mutex_lock(&jwks->lock);
    jwks->fetching = false;
    jwks->failure = why;
    if (r == 0) {
        jwks_set_free(jwks->set);
        jwks->set = set;
        jwks->fresh_ms = clock_mono_ms() + age_s * 1000;
        jwks->stale_ms = jwks->fresh_ms + (int64_t)JWKS_STALE_S * 1000;
    } else {
        jwks->retry_ms = clock_mono_ms() + JWKS_RETRY_MS;
        jwks->host->log_msg(jwks->ctx, EIN_WARN, "%s", why.text);
    }
    (void)pthread_cond_broadcast(&jwks->changed);
}

/* Fetches, or waits for who does; at once back where the time for it has not come.  False: too
 * many wait already. */
static bool fetch_or_wait(struct jwks *jwks)
{
    if (!jwks->fetching) {
        if (clock_mono_ms() >= jwks->retry_ms)
            fetch_now(jwks);
        return true;
    }
    if (jwks->waiters == JWKS_WAITERS_MAX)
        return false;
    jwks->waiters++;
    while (jwks->fetching)
        (void)pthread_cond_wait(&jwks->changed, &jwks->lock);
    jwks->waiters--;
    return true;
}

/* ---- finding ---- */

/* With the lock held: the set is as good as new, or will do for now. */
static int freshen(struct jwks *jwks, struct ein_error *err)
{
    if (jwks->set && clock_mono_ms() < jwks->fresh_ms)
        return 0;
    /* Whoever finds old keys while another fetches new ones need not wait for them. */
    if (jwks->set && jwks->fetching && clock_mono_ms() < jwks->stale_ms)
        return 0;
    if (!fetch_or_wait(jwks))
        return error_set(err, EIN_E_BUSY, "Too many requests wait for the keys at %s.", jwks->url);
    if (jwks->set && clock_mono_ms() < jwks->stale_ms)
        return 0;
    return error_set(err, EIN_E_UNAVAILABLE, "%s", jwks->failure.text);
}

int jwks_find(struct jwks *jwks, const char *kid, enum jwt_alg alg, struct jwt_key **ret_key,
              int64_t *ret_good_s, struct ein_error *err)
{
    EIN_LOCKED(&jwks->lock);
    int r = freshen(jwks, err);
    if (r < 0)
        return r;

    struct jwt_key *key = jwks_set_find(jwks->set, kid, alg);
    if (!key && (jwks->fetching || clock_mono_ms() >= jwks->unknown_ms)) {
        if (!fetch_or_wait(jwks))
            return error_set(err, EIN_E_BUSY, "Too many requests wait for the keys at %s.",
                             jwks->url);
        jwks->unknown_ms = clock_mono_ms() + JWKS_UNKNOWN_MS;
        key = jwks_set_find(jwks->set, kid, alg);
    }
    if (!key)
        return error_set(err, EIN_E_DENIED, "The token's key is none of those at %s.", jwks->url);
    int64_t left_ms = jwks->fresh_ms - clock_mono_ms();
    *ret_good_s = left_ms > 0 ? left_ms / 1000 : 0;
    *ret_key = jwt_key_ref(key);
    return 0;
}
