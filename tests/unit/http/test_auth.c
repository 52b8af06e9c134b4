/* SPDX-License-Identifier: Apache-2.0 */
#include "auth_world.h"
#include "clock.h"
#include "wrong_logins.h"

static struct auth_world *begin(const char *admin_password)
{
    EIN_JSON json_t *http =
        json_pack("{s:i, s:i}", "wrong_logins_per_minute", 10, "wrong_login_delay_ms", 0);

    clock_skip_ms(WRONG_LOGINS_WINDOW_MS);
    return world_new(http, admin_password, false);
}

static void a_401_says_why(void **state)
{
    struct auth_world *world = begin(NULL);
    char challenge[128];

    assert_int_equal(world_get(world, "/user", NULL, challenge, NULL), 401);
    assert_string_equal(challenge, "Bearer realm=\"einion\", reason=\"missing_credentials\"");
    assert_int_equal(
        world_get(world, "/user", HEADERS("Authorization", "bearer null"), challenge, NULL), 401);
    assert_string_equal(challenge, "Bearer realm=\"einion\", reason=\"missing_credentials\"");
    assert_int_equal(
        world_get(world, "/user", HEADERS("Authorization", "Bearer another"), challenge, NULL),
        401);
    assert_string_equal(
        challenge, "Bearer realm=\"einion\", error=\"invalid_token\", reason=\"token_unknown\"");
    world->reason = "Bearer reason=\"key_unknown\"";
    assert_int_equal(world_get(world, "/user", WRONG, challenge, NULL), 401);
    assert_string_equal(challenge, world->reason);
    /* of no interest where nobody has to be logged in */
    assert_int_equal(world_get(world, "/open", WRONG, challenge, NULL), 200);
    assert_string_equal(challenge, "");
    assert_int_equal(world_get(world, "/user", RIGHT, challenge, NULL), 200);
    assert_string_equal(challenge, "");
    world_free(world);
}

static void after_too_many_wrong_ones_only_right_ones_are_answered(void **state)
{
    struct auth_world *world = begin(NULL);
    char retry[32];

    for (int i = 0; i < 10; i++)
        assert_int_equal(world_get(world, i % 2 ? "/user" : "/open", WRONG, NULL, NULL),
                         i % 2 ? 401 : 200);
    assert_int_equal(world_get(world, "/user", WRONG, NULL, retry), 429);
    assert_in_range(atoi(retry), 1, 61);
    assert_int_equal(world_get(world, "/open", WRONG, NULL, NULL), 429);
    assert_int_equal(world_get(world, "/user", RIGHT, NULL, NULL), 200);
    assert_int_equal(world_get(world, "/user", NULL, NULL, NULL), 401);
    world->fixture->client_addr = "192.0.2.9";
    assert_int_equal(world_get(world, "/user", WRONG, NULL, NULL), 401);
    world->fixture->client_addr = NULL;
    clock_skip_ms(WRONG_LOGINS_WINDOW_MS);
    assert_int_equal(world_get(world, "/user", WRONG, NULL, NULL), 401);
    world_free(world);
}

static void what_was_right_once_is_no_guess(void **state)
{
    static const char *const reasons[] = {
        "Bearer reason=\"session_expired\"", "Bearer reason=\"token_expired\"",
        "Bearer reason=\"key_expired\"",     "Bearer reason=\"key_revoked\"",
        "Bearer reason=\"account_refused\"", "Bearer reason=\"insufficient_scope\""
    };
    struct auth_world *world = begin(NULL);

    for (int i = 0; i < 60; i++) {
        world->reason = reasons[i % 6];
        assert_int_equal(world_get(world, "/user", WRONG, NULL, NULL), 401);
    }
    world_free(world);
}

static void the_admin_password_can_be_guessed_so_often(void **state)
{
    struct auth_world *world = begin("open sesame");
    char challenge[128];

    assert_int_equal(world_get(world, "/admin", NULL, challenge, NULL), 401);
    assert_string_equal(challenge, "Bearer realm=\"einion\", reason=\"missing_credentials\"");
    for (int i = 0; i < 10; i++)
        assert_int_equal(
            world_get(world, "/admin", HEADERS("X-Admin-Password", "open"), challenge, NULL), 401);
    assert_string_equal(challenge, "Bearer realm=\"einion\", reason=\"wrong_password\"");
    assert_int_equal(world_get(world, "/admin", HEADERS("X-Admin-Password", "open"), NULL, NULL),
                     429);
    assert_int_equal(
        world_get(world, "/admin", HEADERS("X-Admin-Password", "open sesame"), NULL, NULL), 429);
    world->is_admin = true;
    assert_int_equal(world_get(world, "/admin", RIGHT, NULL, NULL), 200);
    clock_skip_ms(WRONG_LOGINS_WINDOW_MS);
    assert_int_equal(
        world_get(world, "/admin", HEADERS("X-Admin-Password", "open sesame"), NULL, NULL), 200);
    world_free(world);
}

static void a_scope_covers_what_is_below_it(void **state)
{
    static const struct {
        const char *scope;
        int status;
    } cases[] = { { "agents", 200 },       { "agents:read", 200 },
                  { "agents:write", 403 }, { "agent", 403 },
                  { "agents:", 403 },      { "models", 403 },
                  { "agents:rea", 403 },   { "", 403 },
                  { "admin", 403 } };
    struct auth_world *world = begin(NULL);
    char challenge[128];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        world->scopes[0] = cases[i].scope;
        assert_int_equal(world_get(world, "/read", RIGHT, challenge, NULL), cases[i].status);
        assert_string_equal(challenge, cases[i].status == 200 ? ""
                                                              : "Bearer realm=\"einion\", "
                                                                "error=\"insufficient_scope\", "
                                                                "scope=\"agents:read\"");
        assert_int_equal(world_get(world, "/user", RIGHT, NULL, NULL), 200);
    }
    world_free(world);
}

static void a_limited_key_of_an_admin_is_no_admin(void **state)
{
    struct auth_world *world = begin(NULL);

    world->is_admin = true;
    world->scopes[0] = "models";
    assert_int_equal(world_get(world, "/admin", RIGHT, NULL, NULL), 403);
    world->scopes[0] = "admin";
    assert_int_equal(world_get(world, "/admin", RIGHT, NULL, NULL), 200);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_401_says_why),
        cmocka_unit_test(after_too_many_wrong_ones_only_right_ones_are_answered),
        cmocka_unit_test(what_was_right_once_is_no_guess),
        cmocka_unit_test(the_admin_password_can_be_guessed_so_often),
        cmocka_unit_test(a_scope_covers_what_is_below_it),
        cmocka_unit_test(a_limited_key_of_an_admin_is_no_admin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
