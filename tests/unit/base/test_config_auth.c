/* SPDX-License-Identifier: Apache-2.0 */
#include "config_file.h"

#define DEV_STUB "auth:\n  providers:\n    - type: dev_stub\n"

static const json_t *plugin_at(const struct config *config, size_t index)
{
    return json_array_get(json_object_get(config_json(config), "plugins"), index);
}

/* The names of the instances, in order, with a space behind each. */
static void assert_instances(const struct config *config, const char *expected)
{
    char names[512] = "";
    const json_t *plugin;
    size_t i;

    json_array_foreach(json_object_get(config_json(config), "plugins"), i, plugin)
    {
        (void)strcat(names, json_string_value(json_object_get(plugin, "name")));
        (void)strcat(names, " ");
    }
    assert_string_equal(names, expected);
}

static const char *setting(const struct config *config, size_t index, const char *name)
{
    return json_string_value(json_object_get(settings_of(config, index), name));
}

static void without_the_section_nothing_is_added(void **state)
{
    static const char *const texts[] = { "plugins: {service: }\n", "auth:\nplugins: {service: }\n",
                                         "auth: {}\nplugins: {service: }\n" };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct config *config = loaded(texts[i], NULL);

        assert_instances(config, "service ");
        assert_int_equal(json_object_size(config_section(config, "auth")), 0);
        config_free(config);
    }
}

static void each_provider_becomes_an_instance(void **state)
{
    static const char *const plugins[][2] = {
        { "dev_stub", "auth-dev-stub" }, { "oidc", "auth-oidc" },     { "google", "auth-oidc" },
        { "microsoft", "auth-oidc" },    { "github", "auth-github" }, { "asf", "auth-asf" },
    };

    for (size_t i = 0; i < sizeof(plugins) / sizeof(plugins[0]); i++) {
        char text[200];
        struct config *config;

        (void)snprintf(text, sizeof(text),
                       "auth: {providers: [{type: %s, config: {display_name: D}}]}\nplugins: {}\n",
                       plugins[i][0]);
        config = loaded(text, NULL);
        assert_string_equal(json_string_value(json_object_get(plugin_at(config, 1), "plugin")),
                            plugins[i][1]);
        assert_string_equal(setting(config, 1, "display_name"), "D");
        assert_string_equal(setting(config, 1, "type"), plugins[i][0]);
        assert_null(setting(config, 1, "name"));
        config_free(config);
    }
}

static void several_of_a_type_have_names(void **state)
{
    struct config *config = loaded("plugins: {}\n"
                                   "auth:\n"
                                   "  providers:\n"
                                   "    - {type: oidc, name: work_sso, config: {}}\n"
                                   "    - {type: oidc}\n"
                                   "    - {type: github, enabled: false}\n",
                                   NULL);

    assert_instances(config, "auth-session auth-work-sso auth-oidc auth-api-key ");
    assert_string_equal(setting(config, 1, "name"), "work_sso");
    assert_string_equal(setting(config, 1, "type"), "oidc");
    config_free(config);
    assert_faults("auth:\n  providers:\n    - type: oidc\n    - type: oidc\n", NULL,
                  (const char *const[]){ "FILE:2: auth.providers.1.name: an earlier provider has "
                                         "the name 'oidc' as well; give this one another",
                                         NULL });
    assert_faults("auth:\n  providers:\n    - type: dev_stub\n    - {type: oidc, name: dev_stub}\n",
                  NULL,
                  (const char *const[]){ "FILE:4: auth.providers.1.name: an earlier provider has "
                                         "the name 'dev_stub' as well; give this one another",
                                         NULL });
}

static void the_servers_own_names_are_taken(void **state)
{
    static const char *const names[] = { "session", "api_key", "firebase" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char text[200], told[200];

        (void)snprintf(text, sizeof(text), "auth: {providers: [{type: oidc, name: %s}]}\n",
                       names[i]);
        (void)snprintf(told, sizeof(told),
                       "FILE:1: auth.providers.0.name: the server itself has the name '%s' as "
                       "well; give this one another",
                       names[i]);
        assert_faults(text, NULL, (const char *const[]){ told, NULL });
    }
}

static void another_plugin_in_its_place_is_left_alone(void **state)
{
    struct config *config =
        loaded(DEV_STUB "plugins: {auth-dev-stub: {plugin: /srv/mine.so, a: 1}}\n", NULL);

    assert_instances(config, "auth-session auth-dev-stub auth-api-key ");
    assert_int_equal(json_object_size(settings_of(config, 1)), 1);
    config_free(config);
}

static void the_rest_becomes_settings_of_the_session(void **state)
{
    struct config *config = loaded(DEV_STUB "  site_admins: ['dev_stub:root']\n"
                                            "  session_ttl_hours: 3\n"
                                            "  legacy_firebase_enabled: true\n"
                                            "  ownership: shared\n"
                                            "http: {origins: 'https://a.example'}\n"
                                            "plugins: {}\n",
                                   NULL);
    json_t *expected =
        json_pack("{s:b, s:[s], s:[s], s:i, s:i, s:b}", "logins", 1, "frontends",
                  "https://a.example", "site_admins", "dev_stub:root", "session_ttl_hours", 3,
                  "workspace_refresh_minutes", 15, "legacy_firebase_enabled", 1);

    assert_true(json_equal(settings_of(config, 0), expected));
    json_decref(expected);
    config_free(config);
}

static void what_is_written_under_plugins_wins(void **state)
{
    struct config *config = loaded(DEV_STUB "      config: {display_name: A, users: []}\n"
                                            "plugins:\n"
                                            "  service:\n"
                                            "  auth-session: {session_ttl_hours: 7}\n"
                                            "  agents:\n"
                                            "  auth-dev-stub: {enabled: false, display_name: B}\n",
                                   NULL);

    assert_instances(config, "service auth-session agents auth-dev-stub auth-api-key ");
    assert_int_equal(
        json_integer_value(json_object_get(settings_of(config, 1), "session_ttl_hours")), 7);
    assert_true(json_is_true(json_object_get(settings_of(config, 1), "logins")));
    assert_true(json_is_false(json_object_get(plugin_at(config, 3), "enabled")));
    assert_string_equal(setting(config, 3, "display_name"), "B");
    assert_true(json_is_array(json_object_get(settings_of(config, 3), "users")));
    config_free(config);
}

static void firebase_is_switched_on_by_its_variable(void **state)
{
    struct config *config;

    (void)setenv("APP_ENV", "firebase", 1);
    config = loaded("plugins: {service: }\n", NULL);
    assert_instances(config, "auth-firebase auth-api-key service ");
    config_free(config);
    config = loaded(DEV_STUB "plugins: {service: , auth-session: , agents: }\n", NULL);
    assert_instances(config,
                     "service auth-session auth-dev-stub auth-firebase auth-api-key agents ");
    config_free(config);
    (void)unsetenv("APP_ENV");
}

static void faults_are_told_where_they_were_written(void **state)
{
    struct config *config =
        loaded("auth:\n  providers:\n    - type: google\n      config:\n        client_idd: x\n"
               "plugins: {}\n",
               NULL);
    char *faults, expected[512];

    assert_int_equal(config_plugin_check(config, 1,
                                         "{\"properties\":{\"type\":{\"type\":\"string\"},"
                                         "\"client_id\":{\"type\":\"string\"}}}",
                                         &faults),
                     EIN_E_INVALID);
    (void)snprintf(expected, sizeof(expected),
                   "%s:5: auth.providers.0.config.client_idd: unknown key; did you mean "
                   "`client_id`?\n",
                   file);
    assert_string_equal(faults, expected);
    free(faults);
    config_free(config);

    config = loaded("http:\n  origins: []\n" DEV_STUB "plugins: {auth-session: }\n", NULL);
    assert_int_equal(config_plugin_check(config, 0,
                                         "{\"properties\":{\"frontends\":{\"type\":\"array\","
                                         "\"minItems\":1}},\"additionalProperties\":true}",
                                         &faults),
                     EIN_E_INVALID);
    assert_non_null(strstr(faults, ":2: http.origins: "));
    free(faults);
    config_free(config);

    assert_faults("auth:\n  providers:\n    - type: dev_stubb\n  session_ttl: 3\n"
                  "  site_admins: [root]\n",
                  NULL,
                  (const char *const[]){
                      "FILE:3: auth.providers.0.type: 'dev_stubb' is not 'dev_stub', 'oidc', "
                      "'google', 'microsoft', 'github' or 'asf'",
                      "FILE:4: auth.session_ttl: unknown key; did you mean `session_ttl_hours`?",
                      "FILE:5: auth.site_admins.0: 'root' does not match the pattern "
                      "'^[a-z][a-z0-9_]*:.+$'",
                      NULL });
}

static void somebody_must_be_able_to_log_in(void **state)
{
    static const char told[] =
        "FILE:1: auth.providers: none is enabled, so that nobody could log in";

    assert_faults("auth: {ownership: shared}\n", NULL, (const char *const[]){ told, NULL });
    assert_faults("auth: {providers: [{type: oidc, enabled: false}]}\n", NULL,
                  (const char *const[]){ told, NULL });
    (void)setenv("APP_ENV", "firebase", 1);
    config_free(loaded("auth: {ownership: shared}\n", NULL));
    (void)unsetenv("APP_ENV");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_section_nothing_is_added),
        cmocka_unit_test(each_provider_becomes_an_instance),
        cmocka_unit_test(several_of_a_type_have_names),
        cmocka_unit_test(the_servers_own_names_are_taken),
        cmocka_unit_test(another_plugin_in_its_place_is_left_alone),
        cmocka_unit_test(the_rest_becomes_settings_of_the_session),
        cmocka_unit_test(what_is_written_under_plugins_wins),
        cmocka_unit_test(firebase_is_switched_on_by_its_variable),
        cmocka_unit_test(faults_are_told_where_they_were_written),
        cmocka_unit_test(somebody_must_be_able_to_log_in),
    };

    return cmocka_run_group_tests(tests, begin, finish);
}
