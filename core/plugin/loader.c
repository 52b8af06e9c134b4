/* SPDX-License-Identifier: Apache-2.0 */
#include "loader.h"

#include "buf.h"
#include "error.h"
#include "schema.h"
#include "str.h"
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    NAME_MAX_LEN = 63,
    SIZE_1_0 = offsetof(struct ein_plugin, fini) + sizeof(void (*)(void *)),
    KNOWN_FLAGS = EIN_PLUGIN_SINGLE
};

static const unsigned MUST_KNOW = 0xffff0000u;

typedef const struct ein_plugin *entry_fn(void);

static bool name_is_valid(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= NAME_MAX_LEN && name[0] >= 'a' && name[0] <= 'z' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* ---- finding ---- */

static bool is_file(const char *path)
{
    return access(path, F_OK) == 0;
}

/* DIR/NAME.so, or DIR/NAME/NAME.so as in a build tree. */
static char *find_in(const char *dir, const char *name)
{
    char *path;

    if (asprintf(&path, "%s/%s.so", dir, name) < 0)
        return NULL;
    if (is_file(path))
        return path;
    free(path);
    if (asprintf(&path, "%s/%s/%s.so", dir, name, name) < 0)
        return NULL;
    if (is_file(path))
        return path;
    free(path);
    return NULL;
}

static int fail_absent(const char *const *dirs, const char *which, struct ein_error *err)
{
    EIN_BUF struct buf places = BUF_INIT;

    for (size_t i = 0; *which != '/' && dirs[i]; i++)
        (void)buf_printf(&places, "%s %s", i ? "," : " in", dirs[i]);
    return error_set(err, EIN_E_NOT_FOUND, "there is no plugin '%s'%s", which,
                     places.data ? places.data : "");
}

static int find(const char *const *dirs, const char *which, char **ret_path, struct ein_error *err)
{
    char *path = NULL;

    if (which[0] == '/') {
        path = strdup(which);
    } else {
        if (!name_is_valid(which))
            return error_set(err, EIN_E_INVALID,
                             "'%s' is neither the name of a plugin nor an absolute path", which);
        for (size_t i = 0; dirs[i] && !path; i++)
            path = find_in(dirs[i], which);
    }
    if (!path || !is_file(path)) {
        free(path);
        return fail_absent(dirs, which, err);
    }
    *ret_path = path;
    return 0;
}

/* ---- checking ---- */

static int check_abi(const char *path, const struct ein_plugin *theirs, struct ein_error *err)
{
    if (theirs->magic != EIN_ABI_MAGIC)
        return error_set(err, EIN_E_INVALID, "%s: its descriptor begins with %08x, not with %08x",
                         path, theirs->magic, EIN_ABI_MAGIC);
    if (theirs->abi_major != EIN_ABI_MAJOR)
        return error_set(err, EIN_E_INVALID, "%s: is for plugin ABI %u, this server has %d.%d",
                         path, theirs->abi_major, EIN_ABI_MAJOR, EIN_ABI_MINOR);
    if (theirs->struct_size < SIZE_1_0)
        return error_set(err, EIN_E_INVALID,
                         "%s: its descriptor has %u bytes, that of plugin ABI 1.0 has %d", path,
                         theirs->struct_size, SIZE_1_0);
    if (theirs->min_host_minor > EIN_ABI_MINOR)
        return error_set(err, EIN_E_INVALID, "%s: needs plugin ABI %d.%u, this server has %d.%d",
                         path, EIN_ABI_MAJOR, theirs->min_host_minor, EIN_ABI_MAJOR, EIN_ABI_MINOR);
    if (theirs->flags & MUST_KNOW & ~(unsigned)KNOWN_FLAGS)
        return error_set(err, EIN_E_INVALID, "%s: sets flags %#x, of which this server knows %#x",
                         path, theirs->flags, (unsigned)KNOWN_FLAGS);
    return 0;
}

static int check_content(const char *path, const struct ein_plugin *about, struct ein_error *err)
{
    if (!about->name || !name_is_valid(about->name))
        return error_set(err, EIN_E_INVALID, "%s: its name is '%s', not [a-z][a-z0-9-]{0,62}", path,
                         about->name ? about->name : "");
    if (!about->version || !about->summary)
        return error_set(err, EIN_E_INVALID, "%s: has no %s", path,
                         about->version ? "summary" : "version");
    if (!str_is_utf8(about->version, strlen(about->version)) ||
        !str_is_utf8(about->summary, strlen(about->summary)))
        return error_set(err, EIN_E_INVALID, "%s: its version or summary is not UTF-8", path);
    if (!about->init || !about->fini)
        return error_set(err, EIN_E_INVALID, "%s: has no %s()", path,
                         about->init ? "fini" : "init");
    return 0;
}

static int compile_settings(struct plugin *plugin, struct ein_error *err)
{
    struct ein_error why = { 0 };

    if (!plugin->about.config_schema ||
        schema_compile(plugin->about.config_schema, &plugin->settings, &why) == 0)
        return 0;
    return error_set(err, EIN_E_INVALID, "%s: its config_schema: %s", plugin->path, why.text);
}

/* Where a library is missing, it alone is named. */
static int not_loaded(const char *path, const char *why, struct ein_error *err)
{
    if (str_starts(why, path))
        return error_set(err, EIN_E_INVALID, "%s", why);
    return error_set(err, EIN_E_INVALID, "%s: %s", path, why);
}

/* The descriptor that the file's entry function returns. */
static int ask(const char *path, const struct ein_plugin **ret_theirs, struct ein_error *err)
{
    /* NODELETE: threads of the plugin's libraries may outlive it. */
    void *file = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    entry_fn *entry;
    void *symbol;

    if (!file)
        return not_loaded(path, dlerror(), err);
    symbol = dlsym(file, "ein_plugin_v1");
    (void)dlclose(file);
    if (!symbol)
        return error_set(err, EIN_E_INVALID,
                         "%s: has no ein_plugin_v1(): no plugin for ABI %d.%d, which this server "
                         "has",
                         path, EIN_ABI_MAJOR, EIN_ABI_MINOR);
    memcpy(&entry, &symbol, sizeof(entry));
    *ret_theirs = entry();
    if (!*ret_theirs)
        return error_set(err, EIN_E_INVALID, "%s: ein_plugin_v1() returns nothing", path);
    return 0;
}

static int load(struct plugin *plugin, struct ein_error *err)
{
    const struct ein_plugin *theirs = NULL;
    int r = ask(plugin->path, &theirs, err);

    if (r == 0)
        r = check_abi(plugin->path, theirs, err);
    if (r < 0)
        return r;
    memcpy(&plugin->about, theirs,
           theirs->struct_size < sizeof(plugin->about) ? theirs->struct_size
                                                       : sizeof(plugin->about));
    r = check_content(plugin->path, &plugin->about, err);
    return r < 0 ? r : compile_settings(plugin, err);
}

int plugin_open(const char *const *dirs, const char *which, struct plugin **ret_plugin,
                struct ein_error *err)
{
    struct plugin *plugin = calloc(1, sizeof(*plugin));
    int r;

    if (!plugin)
        return error_no_memory(err);
    r = find(dirs, which, &plugin->path, err);
    if (r == 0)
        r = load(plugin, err);
    if (r < 0) {
        plugin_close(plugin);
        return r;
    }
    *ret_plugin = plugin;
    return 0;
}

void plugin_close(struct plugin *plugin)
{
    if (!plugin)
        return;
    schema_free(plugin->settings);
    free(plugin->path);
    free(plugin);
}
