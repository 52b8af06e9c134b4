/* SPDX-License-Identifier: Apache-2.0 */
#include "loader.h"
#include "unit.h"

#include "schema.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const dirs[] = { "/nowhere/at/all", PLUGIN_DIR, NULL };

static struct plugin *opened(const char *which)
{
    struct plugin *plugin = NULL;
    struct ein_error err = { 0 };

    if (plugin_open(dirs, which, &plugin, &err) < 0)
        fail_msg("%s", err.text);
    return plugin;
}

static void a_plugin_is_found_by_name_in_the_first_folder_that_has_it(void **state)
{
    struct plugin *plugin = opened("puppet");

    assert_string_equal(plugin->path, PLUGIN_DIR "/puppet.so");
    assert_string_equal(plugin->about.name, "puppet");
    assert_string_equal(plugin->about.version, "1.2.3");
    assert_non_null(plugin->about.init);
    assert_non_null(plugin->settings);
    plugin_close(plugin);
}

static void a_plugin_is_found_in_a_folder_of_its_own_name(void **state)
{
    char root[] = "/tmp/einion-loader-XXXXXX", path[64], link[96];
    const char *const there[] = { root, NULL };
    struct plugin *plugin = NULL;

    assert_non_null(mkdtemp(root));
    (void)snprintf(path, sizeof path, "%s/nested", root);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(link, sizeof link, "%s/nested.so", path);
    assert_int_equal(symlink(PLUGIN_DIR "/puppet.so", link), 0);
    assert_int_equal(plugin_open(there, "nested", &plugin, NULL), 0);
    assert_string_equal(plugin->path, link);
    plugin_close(plugin);
    (void)unlink(link);
    (void)rmdir(path);
    (void)rmdir(root);
}

static void a_plugin_is_opened_by_absolute_path(void **state)
{
    struct plugin *plugin = opened(PLUGIN_DIR "/puppet.so");

    assert_string_equal(plugin->about.name, "puppet");
    plugin_close(plugin);
}

static void one_file_serves_several_times(void **state)
{
    struct plugin *one = opened("puppet"), *two = opened("puppet");

    plugin_close(one);
    assert_string_equal(two->about.name, "puppet");
    plugin_close(two);
}

static void a_newer_descriptor_is_copied_as_far_as_it_is_known(void **state)
{
    struct plugin *plugin = opened("newer");

    assert_string_equal(plugin->about.name, "newer");
    assert_true(plugin->about.struct_size > sizeof plugin->about);
    assert_non_null(plugin->path);
    plugin_close(plugin);
}

static void a_plugin_without_settings_has_no_schema(void **state)
{
    struct plugin *plugin = opened("newer");

    assert_null(plugin->settings);
    plugin_close(plugin);
}

static const struct {
    const char *which, *text;
} refused[] = {
    { "no-symbol", "/no-symbol.so: has no ein_plugin_v1()" },
    { "no-descriptor", "/no-descriptor.so: ein_plugin_v1() returns nothing" },
    { "wrong-magic", "/wrong-magic.so: its descriptor begins with 12345678, not with 4e494521" },
    { "major-two", "/major-two.so: is for plugin ABI 2, this server has 1.1" },
    { "too-small", "/too-small.so: its descriptor has 64 bytes, that of plugin ABI 1.0 has 96" },
    { "newer-host", "/newer-host.so: needs plugin ABI 1.99, this server has 1.1" },
    { "unknown-flag", "/unknown-flag.so: sets flags 0x100000, of which this server knows 0x1" },
    { "bad-name", "/bad-name.so: its name is 'Bad Name'" },
    { "no-name", "/no-name.so: its name is ''" },
    { "no-init", "/no-init.so: has no init()" },
    { "broken-schema", "/broken-schema.so: its config_schema: " },
    { "unknown-schema", "/unknown-schema.so: its config_schema: " },
    { "../puppet", "'../puppet' is neither the name of a plugin nor an absolute path" },
    { "", "'' is neither" },
    { "Puppet", "'Puppet' is neither" },
    { PLUGIN_SOURCE, "puppet.c: " },
};

static void a_refusal_names_the_file_what_it_has_and_what_we_have(void **state)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct plugin *plugin = NULL;
        struct ein_error err = { 0 };

        assert_int_equal(plugin_open(dirs, refused[i].which, &plugin, &err), EIN_E_INVALID);
        assert_null(plugin);
        if (!strstr(err.text, refused[i].text))
            fail_msg("'%s' instead of '%s'", err.text, refused[i].text);
    }
}

static void what_is_not_there_is_not_found(void **state)
{
    struct ein_error err = { 0 };
    struct plugin *plugin = NULL;

    assert_int_equal(plugin_open(dirs, "absent", &plugin, &err), EIN_E_NOT_FOUND);
    assert_non_null(strstr(err.text, "absent"));
    assert_int_equal(plugin_open(dirs, "/nowhere/absent.so", &plugin, &err), EIN_E_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nowhere/absent.so"));
    plugin_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plugin_is_found_by_name_in_the_first_folder_that_has_it),
        cmocka_unit_test(a_plugin_is_found_in_a_folder_of_its_own_name),
        cmocka_unit_test(a_plugin_is_opened_by_absolute_path),
        cmocka_unit_test(one_file_serves_several_times),
        cmocka_unit_test(a_newer_descriptor_is_copied_as_far_as_it_is_known),
        cmocka_unit_test(a_plugin_without_settings_has_no_schema),
        cmocka_unit_test(a_refusal_names_the_file_what_it_has_and_what_we_have),
        cmocka_unit_test(what_is_not_there_is_not_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
