/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_internal.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_plugin {
    struct ein_ctx ctx;
    void *library;
    const struct ein_plugin *descriptor;
    json_t *config;
    void *self;
    bool inside, started; /* between init and fini, start and stop */
};

static void fill_defaults(const char *schema_text, json_t *config)
{
    json_t *schema = schema_text ? json_loads(schema_text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *name;
    json_t *property;

    if (schema_text && !schema) {
        fprintf(stderr, "the plugin's config_schema is not JSON\n");
        abort();
    }
    json_object_foreach(json_object_get(schema, "properties"), name, property)
    {
        json_t *value = json_object_get(property, "default");
        if (value && !json_object_get(config, name))
            json_object_set(config, name, value);
    }
    json_decref(schema);
}

static int load(struct fake_plugin *plugin, const char *name, struct ein_error *err)
{
    typedef const struct ein_plugin *entry(void);
    char path[4096];
    entry *get;

    if (strchr(name, '/'))
        snprintf(path, sizeof(path), "%s", name);
    else
        snprintf(path, sizeof(path), "%s/%s/%s.so", FAKE_PLUGIN_DIR, name, name);

    plugin->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!plugin->library)
        return fake_set_error(err, EIN_E_NOT_FOUND, "%s", dlerror());
    *(void **)&get = dlsym(plugin->library, "ein_plugin_v1");
    if (!get)
        return fake_set_error(err, EIN_E_INVALID, "%s: no ein_plugin_v1", path);
    plugin->descriptor = get();
    return 0;
}

int fake_plugin_open(struct fake_host *host, const char *name, json_t *take_config,
                     struct fake_plugin **ret_plugin, struct ein_error *err)
{
    struct fake_plugin *plugin = calloc(1, sizeof(*plugin));
    int r;

    if (!plugin)
        abort();
    plugin->ctx.host = host;
    plugin->config = take_config ? take_config : json_object();

    r = load(plugin, name, err);
    if (r >= 0) {
        plugin->ctx.name = plugin->descriptor->name;
        fill_defaults(plugin->descriptor->config_schema, plugin->config);
        r = plugin->descriptor->init(&host->table, &plugin->ctx, plugin->config, &plugin->self,
                                     err);
    }
    plugin->inside = r >= 0;
    if (r < 0) {
        fake_plugin_close(plugin);
        return r;
    }
    *ret_plugin = plugin;
    return 0;
}

int fake_plugin_start(struct fake_plugin *plugin, struct ein_error *err)
{
    int r = plugin->descriptor->start ? plugin->descriptor->start(plugin->self, err) : 0;

    plugin->started = r >= 0;
    return r;
}

void fake_plugin_close(struct fake_plugin *plugin)
{
    if (!plugin)
        return;
    if (plugin->started && plugin->descriptor->stop)
        plugin->descriptor->stop(plugin->self);
    fake_host_join(plugin->ctx.host);
    fake_host_forget(plugin->ctx.host, &plugin->ctx);
    if (plugin->inside && plugin->descriptor->fini)
        plugin->descriptor->fini(plugin->self);
    json_decref(plugin->config);
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KEEP_LIBRARIES
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KEEP_LIBRARIES
#endif
#ifndef KEEP_LIBRARIES /* reports need their names */
    if (plugin->library)
        dlclose(plugin->library);
#endif
    free(plugin);
}
