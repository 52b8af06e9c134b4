/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_host.h"
#include "jwks.h"
#include "tokens.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CALLERS = 32, TIMEOUT_MS = 1234 };

static struct token_key *rsa, *ec;

/* ---- a clock that a test puts forward; linked with --wrap ---- */

static int64_t ahead_s;

int __real_clock_gettime(clockid_t which, struct timespec *ret_now);
int __wrap_clock_gettime(clockid_t which, struct timespec *ret_now);

int __wrap_clock_gettime(clockid_t which, struct timespec *ret_now)
{
    int r = __real_clock_gettime(which, ret_now);

    ret_now->tv_sec += ahead_s;
    return r;
}

/* ---- an endpoint that says what a test wants ---- */

static struct endpoint {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char *body;                /* guarded by lock, as all below */
    const char *cache_control; /* may be NULL */
    int status, fails, fetches;
    int refused; /* of those that find_k1 */
    bool held;   /* fetches wait until it is false */
    struct ein_fetch last;
} endpoint = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static int fetch(struct ein_ctx *ctx, const struct ein_fetch *what, struct ein_fetched *ret,
                 struct ein_error *err)
{
    int fails;

    pthread_mutex_lock(&endpoint.lock);
    endpoint.fetches++;
    endpoint.last = *what;
    pthread_cond_broadcast(&endpoint.changed);
    while (endpoint.held)
        pthread_cond_wait(&endpoint.changed, &endpoint.lock);
    fails = endpoint.fails;
    if (!fails) {
        ret->status = endpoint.status ? endpoint.status : 200;
        ret->body = strdup(endpoint.body);
        ret->body_len = strlen(endpoint.body);
        ret->headers = json_object();
        if (endpoint.cache_control)
            json_object_set_new(ret->headers, "cache-control", json_string(endpoint.cache_control));
    }
    pthread_mutex_unlock(&endpoint.lock);
    if (fails) {
        err->code = fails;
        (void)snprintf(err->text, sizeof(err->text), "the endpoint fails");
    }
    return fails;
}

static const struct ein_client client = { .struct_size = sizeof(client), .fetch = fetch };

static void offers(json_t *take_document)
{
    free(endpoint.body);
    endpoint.body = json_dumps(take_document, 0);
    json_decref(take_document);
}

static void hold(bool held)
{
    pthread_mutex_lock(&endpoint.lock);
    endpoint.held = held;
    pthread_cond_broadcast(&endpoint.changed);
    pthread_mutex_unlock(&endpoint.lock);
}

static int group_setup(void **state)
{
    rsa = token_key_rsa(2048);
    ec = token_key_ec();
    return 0;
}

static int group_teardown(void **state)
{
    token_key_free(rsa);
    token_key_free(ec);
    free(endpoint.body);
    return 0;
}

struct world {
    struct fake_host *host;
    struct jwks *jwks;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    endpoint.cache_control = NULL;
    ahead_s = 0;
    endpoint.status = endpoint.fails = endpoint.fetches = endpoint.refused = 0;
    offers(json_pack("{s:[o, o]}", "keys", token_key_jwk(rsa, "k1"), token_key_jwk(ec, "k2")));
    world->host = fake_host_new();
    world->host->table.client = &client;
    *state = world;
    return jwks_new(&world->host->table, fake_host_ctx(world->host), "http://keys/", TIMEOUT_MS,
                    &world->jwks, NULL);
}

static int teardown(void **state)
{
    struct world *world = *state;

    jwks_unref(world->jwks);
    fake_host_free(world->host);
    free(world);
    return 0;
}

static int64_t good_s; /* as the last one was told */

static int find(const struct world *world, const char *kid, enum jwt_alg alg)
{
    struct jwt_key *key = NULL;
    struct ein_error err = { 0 };
    int r = jwks_find(world->jwks, kid, alg, &key, &good_s, &err);

    assert_int_equal(r, err.code);
    assert_int_equal(r == 0, key != NULL);
    if (key)
        assert_int_equal(jwt_key_alg(key), alg);
    jwt_key_unref(key);
    return r;
}

/* ---- the tests ---- */

static void many_finds_are_one_fetch(void **state)
{
    for (int i = 0; i < 28; i++) {
        assert_int_equal(find(*state, "k1", JWT_ALG_RS256), 0);
        assert_int_equal(find(*state, "k2", JWT_ALG_ES256), 0);
    }
    assert_int_equal(endpoint.fetches, 1);
}

static void a_fetch_is_bounded_and_follows_nothing(void **state)
{
    assert_int_equal(find(*state, "k1", JWT_ALG_RS256), 0);
    assert_int_equal(endpoint.last.max_redirects, 0);
    assert_int_equal(endpoint.last.total_ms, TIMEOUT_MS);
    assert_int_equal(endpoint.last.max_bytes, JWKS_BYTES_MAX);
    assert_int_equal(endpoint.last.egress, EIN_EGRESS_OPERATOR);
}

static void a_kid_does_not_change_the_algorithm_of_its_key(void **state)
{
    assert_int_equal(find(*state, "k1", JWT_ALG_ES256), EIN_E_DENIED);
    assert_int_equal(find(*state, "k2", JWT_ALG_RS256), EIN_E_DENIED);
    assert_int_equal(find(*state, "k1", JWT_ALG_NONE), EIN_E_DENIED);
    assert_int_equal(find(*state, "k1", JWT_ALG_OTHER), EIN_E_DENIED);
}

static void certificates_by_kid_are_keys_too(void **state)
{
    char *pem = token_key_pem(rsa);

    offers(json_pack("{s:s, s:s, s:i}", "c1", pem, "junk", "no certificate", "number", 7));
    assert_int_equal(find(*state, "c1", JWT_ALG_RS256), 0);
    assert_int_equal(find(*state, "junk", JWT_ALG_RS256), EIN_E_DENIED);
    free(pem);
}

static void without_a_kid_only_the_only_key_fits(void **state)
{
    assert_int_equal(find(*state, NULL, JWT_ALG_RS256), 0);
    assert_int_equal(find(*state, NULL, JWT_ALG_ES256), 0);
    offers(json_pack("{s:[o, o]}", "keys", token_key_jwk(rsa, "k1"), token_key_jwk(rsa, "k3")));
    assert_int_equal(find(*state, "k3", JWT_ALG_RS256), 0);
    assert_int_equal(find(*state, NULL, JWT_ALG_RS256), EIN_E_DENIED);
}

static void a_new_kid_is_looked_for_once(void **state)
{
    assert_int_equal(find(*state, "k1", JWT_ALG_RS256), 0);
    offers(json_pack("{s:[o]}", "keys", token_key_jwk(rsa, "k9")));
    assert_int_equal(find(*state, "k9", JWT_ALG_RS256), 0);
    assert_int_equal(find(*state, "k1", JWT_ALG_RS256), EIN_E_DENIED); /* it has been taken away */
    assert_int_equal(endpoint.fetches, 2);
}

static void a_flood_of_unknown_kids_is_no_flood_of_fetches(void **state)
{
    char kid[16];

    for (int i = 0; i < 1000; i++) {
        (void)snprintf(kid, sizeof(kid), "guess-%d", i);
        assert_int_equal(find(*state, kid, JWT_ALG_RS256), EIN_E_DENIED);
    }
    assert_int_equal(endpoint.fetches, 2);
    assert_int_equal(find(*state, "k1", JWT_ALG_RS256), 0);
}

static void an_unknown_kid_is_looked_for_again_after_a_while(void **state)
{
    assert_int_equal(find(*state, "k9", JWT_ALG_RS256), EIN_E_DENIED);
    assert_int_equal(endpoint.fetches, 2);
    offers(json_pack("{s:[o]}", "keys", token_key_jwk(rsa, "k9")));
    assert_int_equal(find(*state, "k9", JWT_ALG_RS256), EIN_E_DENIED);
    ahead_s += JWKS_UNKNOWN_MS / 1000 + 1;
    assert_int_equal(find(*state, "k9", JWT_ALG_RS256), 0);
    assert_int_equal(endpoint.fetches, 3);
}

static void keys_are_fetched_again_when_their_time_is_over(void **state)
{
    endpoint.cache_control = "max-age=600";
    assert_int_equal(find(*state, "k1", JWT_ALG_RS256), 0);
    ahead_s += 590;
    assert_int_equal(find(*state, "k1", JWT_ALG_RS256), 0);
    assert_int_equal(endpoint.fetches, 1);
    offers(json_pack("{s:[o]}", "keys", token_key_jwk(rsa, "k3")));
    ahead_s += 20;
    assert_int_equal(find(*state, "k3", JWT_ALG_RS256), 0);
    assert_int_equal(endpoint.fetches, 2);
    assert_int_equal(find(*state, "k1", JWT_ALG_RS256), EIN_E_DENIED);
}

/* Who has verified a token by a key need not ask again before the set is asked for again. */
static void it_is_told_how_long_a_key_is_good(void **state)
{
    endpoint.cache_control = "max-age=600";
    assert_int_equal(find(*state, "k1", JWT_ALG_RS256), 0);
    assert_in_range(good_s, 598, 600);
    ahead_s += 590;
    assert_int_equal(find(*state, "k1", JWT_ALG_RS256), 0);
    assert_in_range(good_s, 8, 10);
    endpoint.fails = EIN_E_UNAVAILABLE;
    ahead_s += 20;
    assert_int_equal(find(*state, "k1", JWT_ALG_RS256), 0);
    assert_int_equal(good_s, 0); /* old keys are for who asks */
}

static void old_keys_are_better_than_none_for_an_hour(void **state)
{
    endpoint.cache_control = "max-age=600";
    assert_int_equal(find(*state, "k1", JWT_ALG_RS256), 0);
    endpoint.fails = EIN_E_UNAVAILABLE;
    ahead_s += 700;
    for (int i = 0; i < 10; i++)
        assert_int_equal(find(*state, "k1", JWT_ALG_RS256), 0);
    assert_int_equal(endpoint.fetches, 2); /* it is not tried each time */
    ahead_s += JWKS_RETRY_MS / 1000 + 1;
    assert_int_equal(find(*state, "k1", JWT_ALG_RS256), 0);
    assert_int_equal(endpoint.fetches, 3);
    ahead_s += JWKS_STALE_S;
    assert_int_equal(find(*state, "k1", JWT_ALG_RS256), EIN_E_UNAVAILABLE);
    endpoint.fails = 0;
    ahead_s += JWKS_RETRY_MS / 1000 + 1;
    assert_int_equal(find(*state, "k1", JWT_ALG_RS256), 0);
}

static void an_endpoint_that_fails_is_told_and_let_be(void **state)
{
    const struct world *world = *state;
    struct jwt_key *key;
    struct ein_error err = { 0 };

    endpoint.fails = EIN_E_TIMEOUT;
    assert_int_equal(jwks_find(world->jwks, "k1", JWT_ALG_RS256, &key, &good_s, &err),
                     EIN_E_UNAVAILABLE);
    assert_string_equal(err.text, "The keys at http://keys/ cannot be fetched: the endpoint fails");
    for (int i = 0; i < 100; i++)
        assert_int_equal(find(*state, "k1", JWT_ALG_RS256), EIN_E_UNAVAILABLE);
    assert_int_equal(endpoint.fetches, 1);
    assert_true(fake_host_logged(world->host, "cannot be fetched"));
}

static void a_redirect_is_no_answer(void **state)
{
    endpoint.status = 302;
    assert_int_equal(find(*state, "k1", JWT_ALG_RS256), EIN_E_UNAVAILABLE);
}

static void lies_are_no_keys(void **state)
{
    static const char *const lies[] = {
        "",
        "<html>",
        "[]",
        "{}",
        "{\"keys\":{}}",
        "{\"keys\":[]}",
        "{\"keys\":[1,null,{}]}",
        "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"k1\",\"k\":\"AAAA\"}]}",
        "{\"keys\":[],\"keys\":[]}"
    };
    struct jwks_set *set;

    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
        assert_int_equal(jwks_set_parse(lies[i], strlen(lies[i]), &set, NULL), EIN_E_INVALID);
}

static void a_set_has_so_many_keys_and_no_more(void **state)
{
    json_t *keys = json_array();

    for (int i = 0; i <= JWKS_KEYS_MAX; i++)
        json_array_append_new(keys, token_key_jwk(ec, NULL));
    offers(json_pack("{s:o}", "keys", keys));
    struct jwks_set *set;
    assert_int_equal(jwks_set_parse(endpoint.body, strlen(endpoint.body), &set, NULL),
                     EIN_E_TOO_LARGE);
}

static int64_t age(const char *control, const char *spent)
{
    json_t *headers = json_object();

    if (control)
        json_object_set_new(headers, "cache-control", json_string(control));
    if (spent)
        json_object_set_new(headers, "age", json_string(spent));
    int64_t seconds = jwks_age(headers);
    json_decref(headers);
    return seconds;
}

static void cache_control_says_how_long_within_limits(void **state)
{
    assert_int_equal(age("public, max-age=19302, must-revalidate, no-transform", NULL), 19302);
    assert_int_equal(age("max-age=19302", "302"), 19000);
    assert_int_equal(age("MAX-AGE=\"600\"", NULL), 600);
    assert_int_equal(age(NULL, NULL), JWKS_AGE_DEFAULT_S);
    assert_int_equal(age("public", NULL), JWKS_AGE_DEFAULT_S);
    assert_int_equal(age("s-max-age=5, xmax-age=7", NULL), JWKS_AGE_DEFAULT_S);
    assert_int_equal(age("max-age=0", NULL), JWKS_AGE_MIN_S);
    assert_int_equal(age("max-age=600, no-store", NULL), JWKS_AGE_MIN_S);
    assert_int_equal(age("max-age=99999999999999999999", NULL), JWKS_AGE_MAX_S);
    assert_int_equal(age("max-age=600", "99999999999999999999"), JWKS_AGE_MIN_S);
    assert_int_equal(age("max-age=oops", NULL), JWKS_AGE_MIN_S);
}

static void *find_k1(void *world)
{
    int r = find(world, "k1", JWT_ALG_RS256);

    pthread_mutex_lock(&endpoint.lock);
    endpoint.refused += r == EIN_E_BUSY;
    pthread_cond_broadcast(&endpoint.changed);
    pthread_mutex_unlock(&endpoint.lock);
    return (void *)(intptr_t)r;
}

static void callers_at_once_share_one_fetch(void **state)
{
    pthread_t threads[CALLERS];
    void *result;

    hold(true);
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, find_k1, *state), 0);
    pthread_mutex_lock(&endpoint.lock);
    while (endpoint.fetches == 0)
        pthread_cond_wait(&endpoint.changed, &endpoint.lock);
    pthread_mutex_unlock(&endpoint.lock);
    hold(false);
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], &result);
        assert_null(result);
    }
    assert_int_equal(endpoint.fetches, 1);
}

/* Who comes when so many wait is told at once: logins do not take all threads. */
static void so_many_wait_for_a_fetch_and_no_more(void **state)
{
    enum { MORE = 4, ALL = 1 + JWKS_WAITERS_MAX + MORE };
    pthread_t threads[ALL];

    hold(true);
    for (int i = 0; i < ALL; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, find_k1, *state), 0);
    pthread_mutex_lock(&endpoint.lock);
    while (endpoint.refused < MORE)
        pthread_cond_wait(&endpoint.changed, &endpoint.lock);
    pthread_mutex_unlock(&endpoint.lock);
    hold(false);
    for (int i = 0; i < ALL; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(endpoint.refused, MORE);
    assert_int_equal(endpoint.fetches, 1);
}

static void *find_unknown(void *world)
{
    return (void *)(intptr_t)find(world, "unknown", JWT_ALG_RS256);
}

static void a_slow_fetch_for_an_unknown_kid_holds_up_nobody_else(void **state)
{
    pthread_t thread;
    void *result;

    assert_int_equal(find(*state, "k1", JWT_ALG_RS256), 0);
    hold(true);
    assert_int_equal(pthread_create(&thread, NULL, find_unknown, *state), 0);
    pthread_mutex_lock(&endpoint.lock);
    while (endpoint.fetches < 2)
        pthread_cond_wait(&endpoint.changed, &endpoint.lock);
    pthread_mutex_unlock(&endpoint.lock);
    assert_int_equal(find(*state, "k1", JWT_ALG_RS256), 0); /* while the other one waits */
    hold(false);
    pthread_join(thread, &result);
    assert_int_equal((intptr_t)result, EIN_E_DENIED);
}

int main(void)
{
#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        IN_WORLD(many_finds_are_one_fetch),
        IN_WORLD(a_fetch_is_bounded_and_follows_nothing),
        IN_WORLD(a_kid_does_not_change_the_algorithm_of_its_key),
        IN_WORLD(certificates_by_kid_are_keys_too),
        IN_WORLD(without_a_kid_only_the_only_key_fits),
        IN_WORLD(a_new_kid_is_looked_for_once),
        IN_WORLD(a_flood_of_unknown_kids_is_no_flood_of_fetches),
        IN_WORLD(an_unknown_kid_is_looked_for_again_after_a_while),
        IN_WORLD(keys_are_fetched_again_when_their_time_is_over),
        IN_WORLD(it_is_told_how_long_a_key_is_good),
        IN_WORLD(old_keys_are_better_than_none_for_an_hour),
        IN_WORLD(an_endpoint_that_fails_is_told_and_let_be),
        IN_WORLD(a_redirect_is_no_answer),
        IN_WORLD(lies_are_no_keys),
        IN_WORLD(a_set_has_so_many_keys_and_no_more),
        IN_WORLD(cache_control_says_how_long_within_limits),
        IN_WORLD(callers_at_once_share_one_fetch),
        IN_WORLD(so_many_wait_for_a_fetch_and_no_more),
        IN_WORLD(a_slow_fetch_for_an_unknown_kid_holds_up_nobody_else),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
