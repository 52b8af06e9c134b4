/* SPDX-License-Identifier: Apache-2.0 */
#include "config_auth.h"
#include "cleanup.h"
#include "member.h"
#include "str.h"
#include <einion/plugin.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { INSTANCE_MAX = 64 }; /* bytes of "auth-NAME", with the NUL; the schema limits the name */

/* The plugin that knows a type of auth.providers. */
static const struct {
    const char *type, *plugin;
} provider_plugins[] = {
    { "dev_stub", "auth-dev-stub" }, { "oidc", "auth-oidc" },     { "google", "auth-oidc" },
    { "microsoft", "auth-oidc" },    { "github", "auth-github" }, { "asf", "auth-asf" },
};

/* What of the section goes to auth-session; the rest is the server's own. */
static const char *const session_settings[] = { "site_admins", "session_ttl_hours",
                                                "workspace_refresh_minutes",
                                                "legacy_firebase_enabled", NULL };

/* Instances are asked in the order in which they stand in `plugins`: each new one goes behind the
 * one before it. */
struct expanding {
    struct source *source;
    json_t *plugins;
    size_t at; /* where the next new one goes */
};

/* The place in `plugins`, or its size. */
static size_t find_instance(const json_t *plugins, const char *name)
{
    size_t count = json_array_size(plugins), i = 0;

    while (i < count && !str_eq(text_of(json_array_get(plugins, i), "name"), name))
        i++;
    return i;
}

/* Adds the instance, or to an instance that is there the settings that it lacks.  `from` is where
 * the settings were written, or NULL. */
static int add_instance(struct expanding *it, const char *name, const char *plugin,
                        json_t *take_settings, const char *from)
{
    EIN_JSON json_t *settings = take_settings;
    size_t found = find_instance(it->plugins, name);
    char path[CONFIG_PATH_MAX];
    json_t *entry;

    if (!settings)
        return EIN_E_NO_MEMORY;
    if (found < json_array_size(it->plugins)) {
        it->at = found + 1;
        entry = json_array_get(it->plugins, found);
        if (!str_eq(text_of(entry, "plugin"), plugin))
            return 0; /* another one is in its place, which has settings of its own */
        return json_object_update_missing(json_object_get(entry, "settings"), settings) < 0
                   ? EIN_E_NO_MEMORY
                   : 0;
    }
    entry = json_pack("{s:s, s:s, s:b, s:O}", "name", name, "plugin", plugin, "enabled", 1,
                      "settings", settings);
    if (!entry || json_array_insert_new(it->plugins, it->at++, entry) < 0)
        return EIN_E_NO_MEMORY;
    yaml_place(path, "plugins", name);
    if (from && json_object_set_new(it->source->written, path, json_string(from)) < 0)
        return EIN_E_NO_MEMORY;
    return 0;
}

static const char *plugin_of(const char *type)
{
    size_t i = 0;

    while (!str_eq(provider_plugins[i].type, type))
        i++; /* the schema lets no other type pass */
    return provider_plugins[i].plugin;
}

/* "auth-dev-stub" of "dev_stub": the names of instances have no underscores. */
static void instance_of(const char *name, char out[INSTANCE_MAX])
{
    (void)snprintf(out, INSTANCE_MAX, "auth-%s", name);
    for (char *at = out; *at; at++)
        if (*at == '_')
            *at = '-';
}

static const char *name_of(const json_t *provider)
{
    const char *name = text_of(provider, "name");

    return name ? name : text_of(provider, "type");
}

static int add_provider(struct expanding *it, const json_t *provider, size_t index)
{
    json_t *type = json_object_get(provider, "type"), *name = json_object_get(provider, "name");
    EIN_JSON json_t *settings = json_copy(json_object_get(provider, "config"));
    char instance[INSTANCE_MAX], from[CONFIG_PATH_MAX];

    if (!settings || json_object_set(settings, "type", type) < 0 ||
        (name && json_object_set(settings, "name", name) < 0))
        return EIN_E_NO_MEMORY;
    instance_of(name_of(provider), instance);
    (void)snprintf(from, sizeof(from), "auth.providers.%zu.config", index);
    return add_instance(it, instance, plugin_of(json_string_value(type)), EIN_TAKE(settings), from);
}

/* Instances that are no providers. */
static bool is_reserved(const char *instance)
{
    return str_eq(instance, "auth-session") || str_eq(instance, "auth-api-key") ||
           str_eq(instance, "auth-firebase");
}

/* The name is a part of the uid of everybody who logs in there. */
static bool is_twice(const json_t *providers, size_t index, const char *instance)
{
    char other[INSTANCE_MAX];

    for (size_t i = 0; i < index; i++) {
        instance_of(name_of(json_array_get(providers, i)), other);
        if (str_eq(instance, other))
            return true;
    }
    return false;
}

static int check_name(struct source *source, const json_t *providers, size_t index)
{
    const char *name = name_of(json_array_get(providers, index)), *what = NULL;
    char instance[INSTANCE_MAX], path[CONFIG_PATH_MAX];

    instance_of(name, instance);
    if (is_reserved(instance))
        what = "the server itself";
    else if (is_twice(providers, index, instance))
        what = "an earlier provider";
    if (!what)
        return 0;
    (void)snprintf(path, sizeof(path), "auth.providers.%zu.name", index);
    source_fault(source, source_origin(source->origins, path), path,
                 "%s has the name '%s' as well; give this one another", what, name);
    return EIN_E_INVALID;
}

static int check_names(struct source *source, const json_t *providers)
{
    int r = 0;

    for (size_t i = 0; i < json_array_size(providers); i++)
        if (check_name(source, providers, i) < 0)
            r = EIN_E_INVALID;
    return r;
}

static int add_session(struct expanding *it, const json_t *auth, json_t *origins)
{
    EIN_JSON json_t *settings = json_pack("{s:b, s:O}", "logins", 1, "frontends", origins);

    for (const char *const *name = session_settings; settings && *name; name++)
        if (json_object_set(settings, *name, json_object_get(auth, *name)) < 0)
            return EIN_E_NO_MEMORY;
    if (json_object_set_new(it->source->written, "plugins.auth-session.frontends",
                            json_string("http.origins")) < 0)
        return EIN_E_NO_MEMORY;
    return add_instance(it, "auth-session", "auth-session", EIN_TAKE(settings), "auth");
}

/* Keys have the rights of a site admin no longer than their owner. */
static int add_keys(struct expanding *it, const json_t *auth)
{
    return add_instance(it, "auth-api-key", "auth-api-key",
                        json_pack("{s:O*}", "site_admins", json_object_get(auth, "site_admins")),
                        auth ? "auth" : NULL);
}

static bool is_enabled(const json_t *provider)
{
    return json_is_true(json_object_get(provider, "enabled"));
}

static int add_providers(struct expanding *it, const json_t *providers)
{
    const json_t *provider;
    size_t i;
    int r = 0;

    json_array_foreach(providers, i, provider)
    {
        if (r == 0 && is_enabled(provider))
            r = add_provider(it, provider, i);
    }
    return r;
}

static bool any_enabled(const json_t *providers)
{
    const json_t *provider;
    size_t i;

    json_array_foreach(providers, i, provider)
    {
        if (is_enabled(provider))
            return true;
    }
    return false;
}

static int check_providers(struct source *source, const json_t *providers, bool firebase)
{
    const char *path = "auth.providers";

    if (!firebase && !any_enabled(providers)) {
        source_fault(source, source_origin(source->origins, path), path,
                     "none is enabled, so that nobody could log in");
        return EIN_E_INVALID;
    }
    return check_names(source, providers);
}

int config_auth_expand(struct source *source, json_t *tree)
{
    const json_t *auth = json_object_get(tree, "auth");
    const json_t *providers = json_object_get(auth, "providers");
    bool firebase = str_eq(text_of(tree, "env"), "firebase");
    struct expanding it = { source, json_object_get(tree, "plugins"), 0 };
    int r;

    if (!auth && !firebase)
        return 0;
    r = auth ? check_providers(source, providers, firebase) : 0;
    if (r == 0 && auth)
        r = add_session(&it, auth, json_object_get(json_object_get(tree, "http"), "origins"));
    if (r == 0)
        r = add_providers(&it, providers);
    if (r == 0 && firebase) /* it refuses all tokens that are not its own */
        r = add_instance(&it, "auth-firebase", "auth-firebase", json_object(), NULL);
    return r == 0 ? add_keys(&it, auth) : r;
}
