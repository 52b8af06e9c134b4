/* SPDX-License-Identifier: Apache-2.0 */
/* auth-api-key where HTTP cannot take it: what another server of the same store does meanwhile,
 * what is held, and what keys look like. */
#include "cleanup.h"
#include "fake_host.h"
#include "key_cache.h"
#include "steps.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

/* ---- the text of a key ---- */

static void a_key_is_read_as_it_was_made(void **state)
{
    char text[KEY_SIZE], other[KEY_SIZE], id[KEY_ID_SIZE], other_id[KEY_ID_SIZE];

    for (int i = 0; i < 1000; i++) {
        assert_int_equal(key_text_make(text, id), 0);
        assert_int_equal(key_text_make(other, other_id), 0);
        assert_int_equal(strlen(text), KEY_LEN);
        assert_string_not_equal(id, other_id);
        assert_memory_not_equal(text + 18, other + 18, KEY_SECRET_LEN);
        assert_true(key_text_parse(text, other_id));
        assert_string_equal(id, other_id);
    }
}

static void a_key_with_one_wrong_character_is_none(void **state)
{
    char text[KEY_SIZE], id[KEY_ID_SIZE];
    static const char wrong[] = "0Az_-. \x7f\xc3";

    assert_int_equal(key_text_make(text, id), 0);
    for (size_t at = 0; at < KEY_LEN; at++) {
        char right = text[at];

        for (const char *c = wrong; *c; c++) {
            text[at] = *c;
            assert_int_equal(key_text_parse(text, id), *c == right);
        }
        text[at] = '\0';
        assert_false(key_text_parse(text, id));
        text[at] = right;
    }
    assert_true(key_text_parse(text, id));
}

static void the_check_is_the_same_for_ever(void **state)
{
    static const char key[] = "eink_0123456789AB_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq1HWnzX";
    char id[KEY_ID_SIZE];

    assert_true(key_text_parse(key, id));
    assert_string_equal(id, "0123456789AB");
}

static void all_characters_are_as_likely(void **state)
{
    unsigned counts[256] = { 0 };
    char text[KEY_SIZE], id[KEY_ID_SIZE];

    for (int i = 0; i < 4000; i++) {
        assert_int_equal(key_text_make(text, id), 0);
        for (int j = 0; j < KEY_SECRET_LEN; j++)
            counts[(unsigned char)text[18 + j]]++;
    }
    /* 2774 of each; 15 standard deviations to either side */
    for (const char *c = "09AZaz"; *c; c++)
        assert_in_range(counts[(unsigned char)*c], 1990, 3560);
}

/* ---- what is held ---- */

enum { LONG_MS = 3600 * 1000 };

static void put(struct key_cache *cache, const char *id, unsigned char tag, uint64_t ticket)
{
    unsigned char hash[KEY_HASH_BYTES] = { tag };
    EIN_JSON json_t *claims = json_pack("{s:i}", "tag", tag);

    key_cache_put(cache, id, hash, claims, LONG_MS, ticket);
}

/* The tag that is held; -1: none. */
static int get(struct key_cache *cache, const char *id, unsigned char tag, uint64_t *ret_ticket)
{
    unsigned char hash[KEY_HASH_BYTES] = { tag };
    uint64_t ticket;
    EIN_JSON json_t *claims = key_cache_get(cache, id, hash, ret_ticket ? ret_ticket : &ticket);

    return claims ? (int)json_integer_value(json_object_get(claims, "tag")) : -1;
}

static void a_held_key_is_found_by_id_and_hash(void **state)
{
    struct key_cache *cache = key_cache_new(64);
    uint64_t ticket = 0;

    assert_int_equal(get(cache, "aaaaaaaaaaaa", 1, &ticket), -1);
    put(cache, "aaaaaaaaaaaa", 1, ticket);
    assert_int_equal(get(cache, "aaaaaaaaaaaa", 1, NULL), 1);
    assert_int_equal(get(cache, "aaaaaaaaaaaa", 2, NULL), -1);
    assert_int_equal(get(cache, "aaaaaaaaaaab", 1, NULL), -1);
    key_cache_free(cache);
}

struct guess {
    struct key_cache *cache;
    unsigned char hash[KEY_HASH_BYTES];
};

static void guess(void *data)
{
    const struct guess *made = data;
    uint64_t ticket;

    assert_null(key_cache_get(made->cache, "0123456789AB", made->hash, &ticket));
}

/* How much of a guess is right is not to be seen in how long it takes. */
static void a_hash_is_compared_in_as_many_steps_wherever_it_differs(void **state)
{
    struct guess made = { .cache = key_cache_new(1) };
    EIN_JSON json_t *claims = json_object();
    uint64_t ticket;
    long steps[3];

    assert_null(key_cache_get(made.cache, "0123456789AB", made.hash, &ticket));
    key_cache_put(made.cache, "0123456789AB", made.hash, claims, 60000, ticket);
    for (size_t i = 0; i < 3; i++) {
        size_t at = i * (KEY_HASH_BYTES - 1) / 2;
        made.hash[at] = 1;
        steps[i] = steps_of(guess, &made);
        made.hash[at] = 0;
    }
    key_cache_free(made.cache);
    if (steps[0] < 0)
        skip();
    assert_true(steps[0] > KEY_HASH_BYTES);
    assert_int_equal(steps[1], steps[0]);
    assert_int_equal(steps[2], steps[0]);
}

static void what_was_read_before_all_was_forgotten_is_not_held(void **state)
{
    struct key_cache *cache = key_cache_new(64);
    uint64_t early = 0, late = 0;

    assert_int_equal(get(cache, "aaaaaaaaaaaa", 1, &early), -1);
    put(cache, "bbbbbbbbbbbb", 2, early);
    key_cache_forget(cache);
    put(cache, "aaaaaaaaaaaa", 1, early);
    assert_int_equal(get(cache, "aaaaaaaaaaaa", 1, &late), -1);
    assert_int_equal(get(cache, "bbbbbbbbbbbb", 2, NULL), -1);
    put(cache, "aaaaaaaaaaaa", 1, late);
    assert_int_equal(get(cache, "aaaaaaaaaaaa", 1, NULL), 1);
    key_cache_free(cache);
}

static void no_more_is_held_than_there_are_slots(void **state)
{
    struct key_cache *cache = key_cache_new(3);
    uint64_t ticket = 0;
    char id[KEY_ID_SIZE];
    int held = 0;

    (void)get(cache, "aaaaaaaaaaaa", 1, &ticket);
    for (unsigned char i = 0; i < 200; i++) {
        snprintf(id, sizeof(id), "key%09u", i);
        put(cache, id, i, ticket);
        assert_int_equal(get(cache, id, i, NULL), i);
    }
    for (unsigned char i = 0; i < 200; i++) {
        snprintf(id, sizeof(id), "key%09u", i);
        held += get(cache, id, i, NULL) == i;
    }
    assert_int_equal(held, 3);
    key_cache_free(cache);
}

static void what_is_held_for_no_time_is_not_held(void **state)
{
    struct key_cache *cache = key_cache_new(3);
    unsigned char hash[KEY_HASH_BYTES] = { 1 };
    EIN_JSON json_t *claims = json_object();
    uint64_t ticket = 0;

    (void)get(cache, "aaaaaaaaaaaa", 1, &ticket);
    key_cache_put(cache, "aaaaaaaaaaaa", hash, claims, 0, ticket);
    assert_int_equal(get(cache, "aaaaaaaaaaaa", 1, NULL), -1);
    key_cache_free(cache);
}

/* ---- the plugin, with a store that others write to ---- */

struct fixture {
    struct fake_host *host;
    struct fake_plugin *storage, *keys;
    char key[KEY_SIZE], id[KEY_ID_SIZE];
};

struct ein_req {
    char authorization[KEY_SIZE + 16];
    char challenge[128];
};

static const char *req_header(const struct ein_req *req, const char *name)
{
    return strcmp(name, "Authorization") == 0 ? req->authorization : NULL;
}

static int req_set_header(struct ein_req *req, const char *name, const char *value)
{
    assert_string_equal(name, "WWW-Authenticate");
    snprintf(req->challenge, sizeof(req->challenge), "%s", value);
    return 0;
}

static const struct ein_http http = { .struct_size = sizeof(http),
                                      .add_routes = fake_host_no_routes,
                                      .header = req_header,
                                      .set_header = req_set_header };

static void write_key(struct fixture *f, const char *member, json_int_t ms)
{
    unsigned char hash[KEY_HASH_BYTES];
    char hex[2 * KEY_HASH_BYTES + 1];

    key_text_hash(f->key, hash);
    for (size_t i = 0; i < sizeof(hash); i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    EIN_JSON json_t *doc = json_pack("{s:s, s:s, s:[s], s:s}", "userId", "oidc:alice", "name", "n",
                                     "scopes", "agents", "hash", hex);
    if (member)
        json_object_set_new(doc, member, json_integer(ms));
    assert_int_equal(f->host->table.store->put(fake_host_ctx(f->host), "api_keys", f->id,
                                               EIN_REV_ANY, doc, NULL, NULL),
                     0);
}

static int set_up_with(void **state, const char *config)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct ein_error err = { 0 };

    *state = f;
    f->host = fake_host_new();
    f->host->table.http = &http;
    if (fake_plugin_open(f->host, "storage-memory", json_object(), &f->storage, &err) < 0 ||
        fake_plugin_start(f->storage, &err) < 0 ||
        fake_plugin_open(f->host, "auth-api-key", json_loads(config, 0, NULL), &f->keys, &err) <
            0 ||
        fake_plugin_start(f->keys, &err) < 0) {
        print_error("%s\n", err.text);
        return -1;
    }
    assert_int_equal(key_text_make(f->key, f->id), 0);
    write_key(f, NULL, 0);
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, "{\"cache_ms\": 60000, \"revoked_days\": 0}");
}

static int set_up_uncached(void **state)
{
    return set_up_with(state, "{\"cache_ms\": 0}");
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    fake_plugin_close(f->keys);
    fake_plugin_close(f->storage);
    fake_host_free(f->host);
    free(f);
    return 0;
}

/* The reason of the refusal, "" where there is none; static. */
static const char *verify(struct fixture *f, json_t **ret_claims)
{
    static struct ein_req req;
    const struct ein_service *service = fake_host_service(f->host, EIN_AUTH_PROVIDER);
    const struct ein_auth_provider *provider = service->vtable;
    struct ein_error err = { 0 };
    json_t *claims = NULL;

    req = (struct ein_req){ .challenge = "" };
    snprintf(req.authorization, sizeof(req.authorization), "Bearer %s", f->key);
    int r = provider->verify(service->impl, &req, &claims, &err);
    fake_host_join(f->host); /* the use is written now */
    if (r < 0) {
        assert_int_equal(r, EIN_E_DENIED);
        assert_null(claims);
        char *reason = strstr(req.challenge, "reason=\"");
        assert_non_null(reason);
        return strtok(reason + strlen("reason=\""), "\"");
    }
    assert_int_equal(r, 0);
    if (ret_claims)
        *ret_claims = claims;
    else
        json_decref(claims);
    return "";
}

static void the_claims_name_owner_and_key(void **state)
{
    struct fixture *f = *state;
    EIN_JSON json_t *claims = NULL;

    assert_string_equal(verify(f, &claims), "");
    assert_string_equal(json_string_value(json_object_get(claims, "uid")), "oidc:alice");
    assert_string_equal(json_string_value(json_object_get(claims, "proof")), "api_key");
    assert_string_equal(json_string_value(json_object_get(claims, "keyId")), f->id);
    assert_int_equal(json_array_size(json_object_get(claims, "scopes")), 1);
    assert_int_equal(json_array_size(json_object_get(claims, "workspaces")), 0);
    assert_true(json_is_false(json_object_get(claims, "admin")));
}

static void a_held_key_is_not_read_again(void **state)
{
    struct fixture *f = *state;

    assert_string_equal(verify(f, NULL), "");
    write_key(f, "revoked", 1);
    assert_string_equal(verify(f, NULL), "");
}

static void a_key_that_another_server_revoked_is_refused_once_it_is_not_held(void **state)
{
    struct fixture *f = *state;

    assert_string_equal(verify(f, NULL), "");
    write_key(f, "revoked", 1);
    assert_string_equal(verify(f, NULL), "key_revoked");
}

static void a_key_that_has_expired_is_refused(void **state)
{
    struct fixture *f = *state;

    write_key(f, "expires", 1);
    assert_string_equal(verify(f, NULL), "key_expired");
    write_key(f, "expires", INT64_C(1) << 60);
    assert_string_equal(verify(f, NULL), "");
}

static void a_revoked_key_is_swept_away(void **state)
{
    struct fixture *f = *state;

    write_key(f, "revoked", 1);
    assert_string_equal(verify(f, NULL), "key_revoked");
    fake_host_tick(f->host);
    assert_string_equal(verify(f, NULL), "key_unknown");
}

static void the_sweep_leaves_keys_that_are_in_use(void **state)
{
    struct fixture *f = *state;

    fake_host_tick(f->host);
    assert_string_equal(verify(f, NULL), "");
}

static void a_damaged_key_lets_nobody_in(void **state)
{
    struct fixture *f = *state;
    static const char *const damage[] = { "{}", "{\"userId\": \"oidc:alice\"}",
                                          "{\"userId\": \"oidc:alice\", \"hash\": \"\"}",
                                          "{\"userId\": \"oidc:alice\", \"hash\": 5}" };

    for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
        EIN_JSON json_t *doc = json_loads(damage[i], 0, NULL);

        assert_int_equal(f->host->table.store->put(fake_host_ctx(f->host), "api_keys", f->id,
                                                   EIN_REV_ANY, doc, NULL, NULL),
                         0);
        assert_string_equal(verify(f, NULL), "key_unknown");
    }
}

#define TEST(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_read_as_it_was_made),
        cmocka_unit_test(a_key_with_one_wrong_character_is_none),
        cmocka_unit_test(the_check_is_the_same_for_ever),
        cmocka_unit_test(all_characters_are_as_likely),
        cmocka_unit_test(a_held_key_is_found_by_id_and_hash),
        cmocka_unit_test(a_hash_is_compared_in_as_many_steps_wherever_it_differs),
        cmocka_unit_test(what_was_read_before_all_was_forgotten_is_not_held),
        cmocka_unit_test(no_more_is_held_than_there_are_slots),
        cmocka_unit_test(what_is_held_for_no_time_is_not_held),
        TEST(the_claims_name_owner_and_key, set_up),
        TEST(a_held_key_is_not_read_again, set_up),
        TEST(a_key_that_another_server_revoked_is_refused_once_it_is_not_held, set_up_uncached),
        TEST(a_key_that_has_expired_is_refused, set_up_uncached),
        TEST(a_revoked_key_is_swept_away, set_up),
        TEST(the_sweep_leaves_keys_that_are_in_use, set_up),
        TEST(a_damaged_key_lets_nobody_in, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
