/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"
#include "owner.h"
#include "settings.h"

#define ALICE "oidc:alice"

struct owners {
    struct fixture *fixture;
    struct ein_req *req;
    struct route route;
    struct settings settings;
    struct ein_identity identity;
    json_t *workspaces;
};

static int setup(void **state)
{
    struct owners *it = calloc(1, sizeof(*it));

    it->fixture = fixture_with(NULL);
    it->req = fixture_begin(it->fixture, "GET", "/", NULL);
    it->workspaces = json_pack("[{s:s, s:s}, {s:s, s:s}, {s:s}, {s:i}]", "id", "team", "role",
                               "member", "id", "lab", "role", "admin", "id", "bare", "id", 1);
    it->identity = (struct ein_identity){ .struct_size = sizeof(it->identity),
                                          .uid = ALICE,
                                          .workspaces = it->workspaces };
    it->settings = *it->req->settings;
    it->req->settings = &it->settings;
    it->req->identity = &it->identity;
    it->req->route = &it->route;
    *state = it;
    return 0;
}

static int teardown(void **state)
{
    struct owners *it = *state;

    it->req->route = NULL;
    it->req->settings = NULL;
    request_done(it->req);
    fixture_free(it->fixture);
    json_decref(it->workspaces);
    free(it);
    return 0;
}

static int may(struct owners *it, const char *scope, const char *maker, const char *workspace)
{
    EIN_JSON json_t *doc = json_object();
    struct ein_error err = { 0 };

    if (maker)
        json_object_set_new(doc, "userId", json_string(maker));
    if (workspace)
        json_object_set_new(doc, "workspaceId", json_string(workspace));
    it->route.spec.scope = scope;
    int r = owner_may(it->req, doc, &err);
    assert_int_equal(r, err.code);
    return r;
}

static void test_who_may_do_what(void **state)
{
    static const struct {
        const char *maker, *workspace;
        int read, change;
    } table[] = {
        { ALICE, NULL, 0, 0 },
        { "oidc:bob", NULL, EIN_E_NOT_FOUND, EIN_E_NOT_FOUND },
        { NULL, NULL, EIN_E_NOT_FOUND, EIN_E_NOT_FOUND },
        /* in a workspace */
        { "oidc:bob", "team", 0, EIN_E_DENIED },
        { ALICE, "team", 0, 0 },
        { "oidc:bob", "lab", 0, 0 },
        { NULL, "lab", 0, 0 },
        { NULL, "team", 0, EIN_E_DENIED },
        /* a workspace without a role makes no admin */
        { "oidc:bob", "bare", 0, EIN_E_DENIED },
        /* who made it and has left */
        { ALICE, "other", EIN_E_NOT_FOUND, EIN_E_NOT_FOUND },
        { "oidc:bob", "other", EIN_E_NOT_FOUND, EIN_E_NOT_FOUND },
        { "oidc:bob", "", EIN_E_NOT_FOUND, EIN_E_NOT_FOUND },
        /* near misses */
        { "oidc:alic", NULL, EIN_E_NOT_FOUND, EIN_E_NOT_FOUND },
        { "oidc:bob", "Team", EIN_E_NOT_FOUND, EIN_E_NOT_FOUND },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        assert_int_equal(may(*state, "agents:read", table[i].maker, table[i].workspace),
                         table[i].read);
        assert_int_equal(may(*state, "agents:run", table[i].maker, table[i].workspace),
                         table[i].read);
        assert_int_equal(may(*state, NULL, table[i].maker, table[i].workspace), table[i].read);
        assert_int_equal(may(*state, "agents:write", table[i].maker, table[i].workspace),
                         table[i].change);
        assert_int_equal(may(*state, "admin", table[i].maker, table[i].workspace), table[i].change);
    }
}

static void test_a_site_admin_may_everything(void **state)
{
    struct owners *it = *state;

    it->identity.flags = EIN_IDENTITY_ADMIN;
    assert_int_equal(may(it, "agents:write", "oidc:bob", NULL), 0);
    assert_int_equal(may(it, "agents:write", "oidc:bob", "other"), 0);
    it->identity.flags = 0;
    assert_int_equal(may(it, "agents:write", "oidc:bob", NULL), EIN_E_NOT_FOUND);
}

static void test_in_one_big_room_everybody_may_everything(void **state)
{
    struct owners *it = *state;

    it->settings.shared = true;
    assert_int_equal(may(it, "agents:write", "oidc:bob", NULL), 0);
    assert_int_equal(may(it, "agents:write", "oidc:bob", "other"), 0);
}

static void test_nobody_may_nothing(void **state)
{
    struct owners *it = *state;

    it->req->identity = NULL;
    assert_int_equal(may(it, "agents:read", NULL, NULL), EIN_E_NOT_FOUND);
    assert_int_equal(may(it, "agents:read", ALICE, NULL), EIN_E_NOT_FOUND);
    assert_int_equal(may(it, "agents:read", ALICE, "team"), EIN_E_NOT_FOUND);
}

static void check_visible(struct owners *it, const char *expected)
{
    EIN_JSON json_t *where = owner_visible(it->req);
    EIN_FREE char *text = json_dumps(where, JSON_COMPACT);

    assert_string_equal(text, expected);
}

static void test_what_is_visible(void **state)
{
    struct owners *it = *state;

    check_visible(it, "{\"owner\":{\"$in\":[\"" ALICE "\",\"workspace:team\",\"workspace:lab\","
                      "\"workspace:bare\"]}}");
    it->settings.shared = true;
    check_visible(it, "{}");
    it->settings.shared = false;
    it->identity.flags = EIN_IDENTITY_ADMIN;
    check_visible(it, "{}");
    it->req->identity = NULL;
    check_visible(it, "{\"owner\":{\"$in\":[]}}");
}

static void test_who_is_in_no_workspace_sees_what_is_theirs_alone(void **state)
{
    struct owners *it = *state;

    it->identity.workspaces = NULL;
    check_visible(it, "{\"userId\":\"" ALICE "\",\"workspaceId\":null}");
}

static void test_a_uid_is_not_taken_for_a_workspace(void **state)
{
    struct owners *it = *state;

    it->identity.uid = OWNER_WORKSPACE "secret";
    check_visible(it, "{\"userId\":\"workspace:secret\",\"workspaceId\":null}");
    assert_int_equal(may(it, "agents:read", "oidc:bob", "secret"), EIN_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_who_may_do_what, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_site_admin_may_everything, setup, teardown),
        cmocka_unit_test_setup_teardown(test_in_one_big_room_everybody_may_everything, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_nobody_may_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_visible, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_is_in_no_workspace_sees_what_is_theirs_alone,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_uid_is_not_taken_for_a_workspace, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
