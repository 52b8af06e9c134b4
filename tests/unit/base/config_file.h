/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* after the three it needs */

#include "config.h"
#include "unit.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Configurations in a file of the test's, and what is said of them. */

static char file[] = "/tmp/einion-test-config-XXXXXX";

static inline void write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");

    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static inline int begin(void **state)
{
    int fd = mkstemp(file);

    for (const char *const *name =
             (const char *const[]){ "APP_ENV", "FRONTEND_URL", "DATABASE_PROVIDER",
                                    "ADMIN_PANEL_ENABLED", "AUTH_CONFIG_PATH", "T_UNSET", NULL };
         *name; name++)
        (void)unsetenv(*name);
    return fd < 0 || close(fd) < 0;
}

static inline int finish(void **state)
{
    return unlink(file);
}

/* Where TEXT lists plugins, there are no others. */
static inline void write_config(const char *text)
{
    char whole[8192];

    assert_true(snprintf(whole, sizeof(whole), "%s%s", text,
                         strstr(text, "plugins:") && !strstr(text, "shipped_plugins")
                             ? "shipped_plugins: false\n"
                             : "") < (int)sizeof(whole));
    write_file(file, whole);
}

static inline struct config *loaded(const char *text, const char *const *sets)
{
    struct config *config;
    char *faults;

    if (text)
        write_config(text);
    if (config_load(text ? file : NULL, sets, &config, &faults) < 0)
        fail_msg("%s", faults);
    assert_null(faults);
    return config;
}

static inline const json_t *at(const struct config *config, const char *section, const char *name)
{
    return json_object_get(config_section(config, section), name);
}

/* All of `expected` are lines of the report; FILE stands for the file's name. */
static inline void assert_faults(const char *text, const char *const *sets,
                                 const char *const *expected)
{
    struct config *config;
    char *faults, line[512];

    write_config(text);
    assert_int_equal(config_load(file, sets, &config, &faults), EIN_E_INVALID);
    for (; *expected; expected++) {
        bool in_file = strncmp(*expected, "FILE", 4) == 0;

        (void)snprintf(line, sizeof(line), "%s%s\n", in_file ? file : "",
                       *expected + (in_file ? 4 : 0));
        if (!strstr(faults, line))
            fail_msg("no line %sin:\n%s", line, faults);
    }
    free(faults);
}

/* The settings of plugin number `index`. */
static inline const json_t *settings_of(const struct config *config, size_t index)
{
    const json_t *plugins = json_object_get(config_json(config), "plugins");

    return json_object_get(json_array_get(plugins, index), "settings");
}
