/* SPDX-License-Identifier: Apache-2.0 */
#include "config_file.h"
#include "member.h"

static void built_in_configuration_is_valid(void **state)
{
    static const char *const off[] = { "otlp", "storage-memory", "storage-postgres",
                                       "static-site" };
    struct config *config;
    const json_t *plugins, *plugin;
    size_t i, count_off = 0;

    assert_int_equal(setenv("EINION_STATE_DIR", "/var/lib/e", 1), 0);
    config = loaded(NULL, NULL);
    plugins = json_object_get(config_json(config), "plugins");
    assert_true(json_array_size(plugins) >= 8);
    json_array_foreach(plugins, i, plugin)
    {
        const char *name = json_string_value(json_object_get(plugin, "name"));
        const char *made_by = json_string_value(json_object_get(plugin, "plugin"));

        /* Vendors of models go by their own names. */
        assert_true(strcmp(made_by, name) == 0 || strncmp(made_by, "llm-", 4) == 0);
        if (json_is_true(json_object_get(plugin, "enabled")))
            continue;
        assert_true(count_off < sizeof off / sizeof off[0]);
        assert_string_equal(name, off[count_off++]);
    }
    assert_int_equal(count_off, sizeof off / sizeof off[0]);
    assert_string_equal(json_string_value(json_object_get(
                            json_object_get(json_array_get(plugins, 2), "settings"), "path")),
                        "/var/lib/e/einion.db");
    assert_int_equal(json_integer_value(at(config, "listen", "port")), 8000);
    config_free(config);
    (void)unsetenv("EINION_STATE_DIR");
}

/* What the commented file says and what an empty one gives are the same. */
static void documented_defaults_are_the_defaults(void **state)
{
    struct config *written, *empty;

    assert_int_equal(setenv("EINION_STATE_DIR", "/var/lib/e", 1), 0);
    written = loaded(NULL, NULL);
    empty = loaded("", NULL);
    assert_true(json_equal(config_json(written), config_json(empty)));
    assert_int_equal(json_object_size(config_section(empty, "limits")), 25);
    (void)unsetenv("EINION_STATE_DIR");
    config_free(written);
    config_free(empty);
}

static const json_t *plugin_named(const struct config *config, const char *name)
{
    const json_t *plugins = json_object_get(config_json(config), "plugins");
    json_t *plugin;
    size_t i;

    json_array_foreach(plugins, i, plugin)
    {
        if (strcmp(json_string_value(json_object_get(plugin, "name")), name) == 0)
            return plugin;
    }
    return NULL;
}

/* A file names what differs from the plugins that ship, and what it adds. */
static void what_a_file_lists_changes_what_ships(void **state)
{
    struct config *shipped = loaded(NULL, NULL);
    struct config *config =
        loaded("shipped_plugins: true\n"
               "plugins: {openrouter: {headers: {X-Title: t}}, otlp: , vault: {enabled: false},\n"
               " house: {plugin: llm-openai, a: 1}, chat: {plugin: my-chat, b: 2}}\n",
               NULL);
    size_t count = json_array_size(json_object_get(config_json(shipped), "plugins"));
    const json_t *openrouter = json_object_get(plugin_named(config, "openrouter"), "settings");
    const json_t *chat = plugin_named(config, "chat");

    assert_int_equal(json_array_size(json_object_get(config_json(config), "plugins")), count + 1);
    assert_string_equal(text_of(plugin_named(config, "openrouter"), "plugin"), "llm-openai");
    assert_string_equal(text_of(json_object_get(openrouter, "headers"), "X-Title"), "t");
    assert_true(json_object_size(openrouter) > 1);
    assert_true(json_is_false(json_object_get(plugin_named(shipped, "otlp"), "enabled")));
    assert_true(json_is_true(json_object_get(plugin_named(config, "otlp"), "enabled")));
    assert_true(json_is_false(json_object_get(plugin_named(config, "vault"), "enabled")));
    assert_non_null(
        json_object_get(json_object_get(plugin_named(config, "vault"), "settings"), "key_file"));
    assert_true(json_is_true(json_object_get(plugin_named(config, "house"), "enabled")));
    assert_string_equal(text_of(chat, "plugin"), "my-chat");
    assert_int_equal(json_object_size(json_object_get(chat, "settings")), 1);
    config_free(config);
    config_free(shipped);
}

/* Who says himself which are on is not contradicted. */
static void the_backend_switches_on_its_plugin_and_off_those_that_ship_beside_it(void **state)
{
    static const char *const memory[] = { "storage.backend=memory", NULL };
    static const struct {
        const char *text, *on, *off;
    } cases[] = {
        { "storage: {backend: postgres}\n", "storage-postgres", "storage-sqlite" },
        { "storage: {backend: sqlite}\n", "storage-sqlite", "storage-postgres" },
        { "storage: {backend: postgres}\nplugins: {storage-postgres: {url: u}}\n"
          "shipped_plugins: true\n",
          "storage-postgres", "storage-sqlite" },
        { "storage: {backend: postgres}\nplugins: {storage-sqlite: {enabled: true}}\n"
          "shipped_plugins: true\n",
          "storage-sqlite", "storage-memory" },
    };
    struct config *config = loaded(NULL, memory);

    assert_true(json_is_true(json_object_get(plugin_named(config, "storage-memory"), "enabled")));
    assert_true(json_is_false(json_object_get(plugin_named(config, "storage-sqlite"), "enabled")));
    config_free(config);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        config = loaded(cases[i].text, NULL);
        assert_true(json_is_true(json_object_get(plugin_named(config, cases[i].on), "enabled")));
        assert_true(json_is_false(json_object_get(plugin_named(config, cases[i].off), "enabled")));
        config_free(config);
    }
}

static void without_those_that_ship_there_is_what_a_file_lists(void **state)
{
    static const char *const only[] = { "shipped_plugins=false", "plugins.b.x=1", NULL };
    struct config *config = loaded("shipped_plugins: true\nplugins: {a: }\n", only);

    assert_int_equal(json_array_size(json_object_get(config_json(config), "plugins")), 2);
    config_free(config);
    static const char *const off[] = { "false", "no", "${NOT_SET:-off}", "0" };
    for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
        char text[64];

        (void)snprintf(text, sizeof(text), "shipped_plugins: %s\n", off[i]);
        config = loaded(text, NULL);
        assert_int_equal(json_array_size(json_object_get(config_json(config), "plugins")), 0);
        config_free(config);
    }
}

static void scalars_are_those_of_yaml_1_2(void **state)
{
    struct config *config =
        loaded("plugins: {p: {a: true, b: yes, c: 012, d: 0x1f, e: 1.5, f: ~, g: '1',\n"
               " h: 0o17, i: -3, j: 1e3, k: .5, l: \"a\\tb\", m: NO, n: 1_000}}\n",
               NULL);
    json_t *expected =
        json_pack("{s:b, s:s, s:i, s:i, s:f, s:n, s:s, s:i, s:i, s:f, s:f, s:s, s:s, s:s}", "a", 1,
                  "b", "yes", "c", 12, "d", 31, "e", 1.5, "f", "g", "1", "h", 15, "i", -3, "j",
                  1000.0, "k", 0.5, "l", "a\tb", "m", "NO", "n", "1_000");

    assert_true(json_equal(settings_of(config, 0), expected));
    json_decref(expected);
    config_free(config);
}

static void environment_is_put_in(void **state)
{
    struct config *config;

    assert_int_equal(setenv("T_SET", "9100", 1), 0);
    assert_int_equal(setenv("T_EMPTY", "", 1), 0);
    config =
        loaded("listen: {port: '${T_SET}'}\n"
               "plugins:\n p:\n  a: ${T_UNSET:-${T_UNSET:-x}/y}\n  b: \"${T_EMPTY:-z}\"\n  c: $$5\n"
               "  d: 'a${T_SET}b'\n  e: ${T_SET}\n  f: $5\n  g: \"${T_EMPTY}\"\n",
               NULL);
    assert_int_equal(json_integer_value(at(config, "listen", "port")), 9100);
    assert_string_equal(json_string_value(json_object_get(settings_of(config, 0), "a")), "x/y");
    assert_string_equal(json_string_value(json_object_get(settings_of(config, 0), "b")), "z");
    assert_string_equal(json_string_value(json_object_get(settings_of(config, 0), "c")), "$5");
    assert_string_equal(json_string_value(json_object_get(settings_of(config, 0), "d")), "a9100b");
    assert_string_equal(json_string_value(json_object_get(settings_of(config, 0), "e")), "9100");
    assert_string_equal(json_string_value(json_object_get(settings_of(config, 0), "f")), "$5");
    assert_string_equal(json_string_value(json_object_get(settings_of(config, 0), "g")), "");
    config_free(config);
}

static void environment_fills_in_where_the_file_is_silent(void **state)
{
    struct config *config;
    const json_t *origins;

    (void)setenv("FRONTEND_URL", "https://a.example, https://b.example", 1);
    (void)setenv("DATABASE_PROVIDER", "memory", 1);
    (void)setenv("ADMIN_PANEL_ENABLED", "true", 1);
    (void)setenv("APP_ENV", "local", 1);
    config = loaded("storage: {backend: postgres}\n", NULL);
    origins = at(config, "http", "origins");
    assert_int_equal(json_array_size(origins), 2);
    assert_string_equal(json_string_value(json_array_get(origins, 1)), "https://b.example");
    assert_string_equal(json_string_value(at(config, "storage", "backend")), "postgres");
    assert_true(json_is_true(at(config, "admin", "panel")));
    assert_string_equal(json_string_value(json_object_get(config_json(config), "env")), "local");
    config_free(config);

    (void)setenv("FRONTEND_URL", "nowhere", 1);
    assert_faults("", NULL,
                  (const char *const[]){ "environment FRONTEND_URL: http.origins.0: 'nowhere' does "
                                         "not match the pattern '^https?://[^/]+/?$'",
                                         NULL });
    (void)unsetenv("FRONTEND_URL");
    (void)unsetenv("DATABASE_PROVIDER");
    (void)unsetenv("ADMIN_PANEL_ENABLED");
    (void)unsetenv("APP_ENV");
}

static void sets_are_applied_last(void **state)
{
    static const char *const sets[] = { "log.level=debug",           "plugins.one.size=7",
                                        "plugins.two.enabled=no",    "egress.allow=[10.0.0.0/8, x]",
                                        "plugins.one.enabled=false", NULL };
    struct config *config = loaded("log: {level: warn}\nplugins: {one: {size: 1}}\n", sets);
    const json_t *plugins = json_object_get(config_json(config), "plugins");

    assert_string_equal(json_string_value(at(config, "log", "level")), "debug");
    assert_int_equal(json_array_size(at(config, "egress", "allow")), 2);
    assert_int_equal(json_array_size(plugins), 2);
    assert_false(json_is_true(json_object_get(json_array_get(plugins, 0), "enabled")));
    assert_int_equal(json_integer_value(json_object_get(
                         json_object_get(json_array_get(plugins, 0), "settings"), "size")),
                     7);
    config_free(config);
}

static void all_faults_are_told_at_once_with_their_places(void **state)
{
    assert_faults(
        "listen: {adress: x}\n"
        "limits:\n"
        "  workers: 2\n"
        "  workers: 3\n"
        "  jobs: ${T_UNSET}\n"
        "  drain_ms: many\n"
        "log:\n"
        "  level: loud\n"
        "a: &x 1\n"
        "b: *x\n"
        "plugins: {Bad: 3}\n",
        (const char *const[]){ "limits.idle_ms=1", "nonsense", "log.level.x=1", NULL },
        (const char *const[]){
            "FILE:1: listen.adress: unknown key; did you mean `address`?",

            "FILE:5: limits.jobs: ${T_UNSET} is not set in the environment",
            "FILE:6: limits.drain_ms: 'many' is not an integer",
            "FILE:8: log.level: 'loud' is not 'debug', 'info', 'warn', 'error' or 'off'",
            "FILE:9: a: YAML anchors are not supported",
            "FILE:10: b: YAML aliases are not supported", "FILE:11: plugins.Bad: is not a map",
            "--set: limits.idle_ms: is less than 1000", "--set: `nonsense` is not like a.b.c=value",
            "--set: log.level.x: `level` is not a map", NULL });
    assert_faults("", (const char *const[]){ "nonsense.x=1", NULL },
                  (const char *const[]){ "--set: nonsense: unknown key", NULL });
}

static void a_file_that_lists_plugins_has_these_and_no_others(void **state)
{
    struct config *config = loaded("plugins: {}\n", NULL);

    assert_int_equal(json_array_size(json_object_get(config_json(config), "plugins")), 0);
    config_free(config);
}

static void what_is_no_yaml_is_refused(void **state)
{
    static const char *const texts[][2] = {
        { "a: [1, }\n", "FILE:1: did not find expected node content, while parsing a flow node" },
        { "- 1\n", "FILE: is not a map" },
        { "env: a\n---\nenv: b\n", "FILE:2: there is more than one document" },
        { "? [a]\n: 1\n", "FILE:1: a key is not a plain text" },
        { "env: !!str 1\n", "FILE:1: env: YAML tags are not supported" },
        { "env: \"a\\0b\"\n", "FILE:1: env: has a NUL character in it" },
        { "env: ${\n", "FILE:1: env: '${' has no '}'" },
        { "env: ${1}\n", "FILE:1: env: ${...} is not ${NAME} or ${NAME:-otherwise}" },
    };
    char deep[200] = "auth: ";

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_faults(texts[i][0], NULL, (const char *const[]){ texts[i][1], NULL });
    memset(deep + 6, '[', 100);
    assert_faults(
        deep, NULL,
        (const char *const[]){ "FILE:1: auth.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"
                               ".0.0.0.0.0.0.0.0: is deeper than 32 levels",
                               NULL });
}

static void unreadable_files_are_told(void **state)
{
    struct config *config;
    char *faults;

    assert_int_equal(config_load("/no/such/file", NULL, &config, &faults), EIN_E_INVALID);
    assert_string_equal(faults, "/no/such/file: No such file or directory\n");
    free(faults);
}

static void auth_may_lie_in_a_file_of_its_own(void **state)
{
    char other[] = "/tmp/einion-test-auth-XXXXXX";
    int fd = mkstemp(other);
    struct config *config;

    assert_true(fd >= 0);
    (void)close(fd);
    write_file(other, "auth: {providers: [{type: dev_stub}], session_ttl_hours: 2}\n");
    (void)setenv("AUTH_CONFIG_PATH", other, 1);
    config = loaded("auth: {site_admins: [\"x:y\"]}\n", NULL);
    assert_int_equal(json_integer_value(at(config, "auth", "session_ttl_hours")), 2);
    assert_int_equal(json_array_size(at(config, "auth", "site_admins")), 0);
    config_free(config);
    (void)unsetenv("AUTH_CONFIG_PATH");
    (void)unlink(other);
}

#define PLUGIN_SCHEMA                                                                              \
    "{\"required\":[\"path\"],\"properties\":{\"path\":{\"type\":\"string\"},"                     \
    "\"size\":{\"type\":\"integer\",\"default\":3},\"token\":{\"type\":\"integer\"}}}"

static void settings_of_a_plugin_are_checked_against_its_schema(void **state)
{
    struct config *config = loaded(
        "plugins:\n  a: {path: /x}\n  b:\n    pth: 1\n    token: sesame\n  c: {d: 1}\n", NULL);
    const json_t *plugins = json_object_get(config_json(config), "plugins");
    char *faults, expected[512];

    assert_int_equal(config_plugin_check(config, 0, PLUGIN_SCHEMA, &faults), 0);
    assert_null(faults);
    assert_int_equal(json_integer_value(json_object_get(
                         json_object_get(json_array_get(plugins, 0), "settings"), "size")),
                     3);

    assert_int_equal(config_plugin_check(config, 1, PLUGIN_SCHEMA, &faults), EIN_E_INVALID);
    (void)snprintf(expected, sizeof(expected),
                   "%s:3: plugins.b.path: is missing\n"
                   "%s:5: plugins.b.token: is not an integer\n"
                   "%s:4: plugins.b.pth: unknown key; did you mean `path`?\n",
                   file, file, file);
    assert_string_equal(faults, expected);
    free(faults);

    assert_int_equal(config_plugin_check(config, 2, NULL, &faults), EIN_E_INVALID);
    assert_non_null(strstr(faults, ":6: plugins.c.d: unknown key\n"));
    free(faults);
    config_free(config);
}

static void sections_that_are_not_there_are_empty(void **state)
{
    struct config *config = loaded("", NULL);

    assert_int_equal(json_object_size(config_section(config, "no.such.thing")), 0);
    assert_int_equal(json_object_size(config_section(config, "listen.port")), 0);
    config_free(config);
}

static void secrets_come_from_environment_file_or_credentials(void **state)
{
    char *value;

    (void)unsetenv("T_KEY");
    assert_null(config_secret("T_KEY"));
    write_file(file, "from-file\n");
    (void)setenv("T_KEY_FILE", file, 1);
    value = config_secret("T_KEY");
    assert_string_equal(value, "from-file");
    free(value);
    (void)setenv("T_KEY", "", 1); /* as files of variables have it that nobody has filled in */
    value = config_secret("T_KEY");
    assert_string_equal(value, "from-file");
    free(value);
    (void)unsetenv("T_KEY_FILE");
    value = config_secret("T_KEY");
    assert_string_equal(value, "");
    free(value);
    (void)setenv("T_KEY_FILE", file, 1);
    (void)setenv("T_KEY", "from-env", 1);
    value = config_secret("T_KEY");
    assert_string_equal(value, "from-env");
    free(value);

    (void)setenv("CREDENTIALS_DIRECTORY", "/tmp", 1);
    value = config_secret(file + strlen("/tmp/"));
    assert_string_equal(value, "from-file");
    free(value);
    assert_null(config_secret("../etc/passwd"));
    (void)unsetenv("CREDENTIALS_DIRECTORY");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_configuration_is_valid),
        cmocka_unit_test(documented_defaults_are_the_defaults),
        cmocka_unit_test(what_a_file_lists_changes_what_ships),
        cmocka_unit_test(the_backend_switches_on_its_plugin_and_off_those_that_ship_beside_it),
        cmocka_unit_test(without_those_that_ship_there_is_what_a_file_lists),
        cmocka_unit_test(scalars_are_those_of_yaml_1_2),
        cmocka_unit_test(environment_is_put_in),
        cmocka_unit_test(environment_fills_in_where_the_file_is_silent),
        cmocka_unit_test(sets_are_applied_last),
        cmocka_unit_test(all_faults_are_told_at_once_with_their_places),
        cmocka_unit_test(a_file_that_lists_plugins_has_these_and_no_others),
        cmocka_unit_test(what_is_no_yaml_is_refused),
        cmocka_unit_test(unreadable_files_are_told),
        cmocka_unit_test(auth_may_lie_in_a_file_of_its_own),
        cmocka_unit_test(settings_of_a_plugin_are_checked_against_its_schema),
        cmocka_unit_test(sections_that_are_not_there_are_empty),
        cmocka_unit_test(secrets_come_from_environment_file_or_credentials),
    };

    return cmocka_run_group_tests(tests, begin, finish);
}
