/* SPDX-License-Identifier: Apache-2.0 */
#include "places.h"
#include "cleanup.h"
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { PLACES_MAX = 64 };

static bool add(char **places, const char *path)
{
    size_t count = 0;

    while (places[count])
        count++;
    if (count == PLACES_MAX)
        return true; /* what is beyond is not looked at */
    places[count] = strdup(path);
    return places[count];
}

static bool add_environment(char **places)
{
    const char *value = getenv("EIN_PLUGIN_DIR");
    EIN_FREE char *copy = value ? strdup(value) : NULL;
    char *at = NULL;

    if (!value)
        return true;
    if (!copy)
        return false;
    for (char *path = strtok_r(copy, ":", &at); path; path = strtok_r(NULL, ":", &at))
        if (!add(places, path))
            return false;
    return true;
}

static bool add_own(char **places)
{
    char self[PATH_MAX], path[2 * PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    const char *folder;

    if (len < 0)
        return add(places, EIN_PLUGIN_DIR);
    self[len] = '\0';
    folder = dirname(self);

    (void)snprintf(path, sizeof(path), "%s/../meson-private", folder);
    if (access(path, F_OK) == 0)
        (void)snprintf(path, sizeof(path), "%s/../plugins", folder);
    else
        (void)snprintf(path, sizeof(path), "%s/%s", folder, EIN_PLUGIN_DIR_FROM_BIN);
    return add(places, path);
}

char **places_plugin_dirs(const json_t *extra)
{
    char **places = calloc(PLACES_MAX + 1, sizeof(*places));
    size_t i;
    json_t *path;

    if (!places)
        return NULL;
    json_array_foreach(extra, i, path)
    {
        if (!add(places, json_string_value(path)))
            goto fail;
    }
    if (!add_environment(places) || !add_own(places))
        goto fail;
    return places;

fail:
    places_free(places);
    return NULL;
}

void places_free(char **places)
{
    for (size_t i = 0; places && places[i]; i++)
        free(places[i]);
    free(places);
}
