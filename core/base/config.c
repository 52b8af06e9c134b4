/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "cleanup.h"
#include "config_auth.h"
#include "config_source.h"
#include "file_text.h"
#include "member.h"
#include "redact.h"
#include "schema.h"
#include "str.h"
#include <stdio.h>
#include <string.h>

extern const char config_default_text[]; /* config/einion.yaml */
extern const char config_schema_text[];  /* config_schema.json */

static const char built_in[] = "built-in configuration";

struct config {
    json_t *tree;
    json_t *origins; /* {"limits.workers": "FILE:12"} */
    json_t *written; /* see struct source */
    json_t *empty;
    char *name; /* of the file */
};

/* What is being put together. */
struct loading {
    struct source source; /* the file that is being read, or "--set" */
    json_t *tree;
};

/* ---- the tree ---- */

/* Puts a value at a dotted path, with the maps that lead there.  Steals it.  NULL: fine, else the
 * part of the path that is no map. */
static const char *put(json_t *tree, char *path, json_t *value)
{
    char *rest = path, *name = strsep(&rest, ".");

    for (; rest; name = strsep(&rest, ".")) {
        json_t *below = json_object_get(tree, name);

        if (!below || json_is_null(below)) {
            (void)json_object_set_new(tree, name, json_object());
            below = json_object_get(tree, name);
        }
        if (!json_is_object(below)) {
            json_decref(value);
            return name;
        }
        tree = below;
    }
    (void)json_object_set_new(tree, name, value);
    return NULL;
}

static void set_origin(struct loading *loading, const char *path, const char *fmt, const char *what)
{
    (void)json_object_set_new(loading->source.origins, path, json_sprintf(fmt, what));
}

/* ---- files ---- */

static void read_text(struct loading *loading, const char *text, size_t len)
{
    json_t *tree = yaml_read(&loading->source, "", text, len);

    if (json_is_object(tree)) {
        loading->tree = tree;
        return;
    }
    if (tree && !json_is_null(tree))
        source_fault(&loading->source, NULL, "", "is not a map");
    json_decref(tree);
    loading->tree = json_object();
}

static void read_file(struct loading *loading, const char *path)
{
    size_t len;
    EIN_FREE char *text = file_text(path, CONFIG_FILE_MAX, &len);

    if (text) {
        read_text(loading, text, len);
        return;
    }
    source_fault(&loading->source, NULL, "", "%s", strerrordesc_np(errno));
    loading->tree = json_object();
}

static const char *plugin_of(const json_t *instance, const char *name)
{
    const char *plugin = text_of(instance, "plugin");

    return plugin ? plugin : name;
}

/* What the file says of an instance that ships counts before what it ships with; one that the file
 * names is on, unless it says otherwise there.  NULL: no memory. */
static json_t *merge_instance(const char *name, const json_t *shipped, json_t *listed)
{
    json_t *merged;

    if (!json_is_object(shipped) || (!json_is_object(listed) && !json_is_null(listed)) ||
        !str_eq(plugin_of(shipped, name), plugin_of(listed, plugin_of(shipped, name))))
        return json_incref(listed);
    merged = json_copy((json_t *)shipped);
    (void)json_object_del(merged, "enabled");
    if (merged && json_is_object(listed) && json_object_update(merged, listed) < 0) {
        json_decref(merged);
        return NULL;
    }
    return merged;
}

/* Any of what the schema takes for false, which is not checked yet: "no", or ${NAME}. */
static bool is_off(const json_t *value)
{
    EIN_JSON json_t *checked = NULL;
    EIN_JSON json_t *faults = NULL;
    struct schema *schema;
    struct ein_error err;

    if (!value || schema_compile("{\"type\": \"boolean\"}", &schema, &err) < 0)
        return false;
    (void)schema_check(schema, SCHEMA_CONFIG, "", value, &checked, &faults);
    schema_free(schema);
    return json_is_false(checked);
}

/* The plugins that ship, and those that the file lists; only these where it says so. */
static void read_default_plugins(struct loading *loading)
{
    EIN_JSON json_t *origins = json_object();
    struct loading shipped = { .source = loading->source };
    json_t *plugins = json_object_get(loading->tree, "plugins"), *all, *listed;
    const char *name;

    if (is_off(json_object_get(loading->tree, "shipped_plugins")) ||
        (plugins && !json_is_null(plugins) && !json_is_object(plugins)))
        return;
    shipped.source.name = built_in;
    shipped.source.origins = origins;
    read_text(&shipped, config_default_text, strlen(config_default_text));
    loading->source.fault_count = shipped.source.fault_count;
    all = json_object_get(shipped.tree, "plugins");
    json_object_foreach(plugins, name, listed)
    {
        (void)json_object_set_new(all, name,
                                  merge_instance(name, json_object_get(all, name), listed));
    }
    (void)json_object_set(loading->tree, "plugins", all);
    (void)json_object_update_missing(loading->source.origins, origins);
    json_decref(shipped.tree);
}

/* The file that AUTH_CONFIG_PATH names gives the section `auth`. */
static void read_auth_file(struct loading *loading)
{
    const char *path = getenv("AUTH_CONFIG_PATH");
    EIN_JSON json_t *main_tree = NULL;
    struct source *source = &loading->source;
    const char *main_name = source->name;
    json_t *auth;

    if (!path || !*path)
        return;
    main_tree = loading->tree;
    source->name = path;
    read_file(loading, path);
    auth = json_object_get(loading->tree, "auth");
    if (auth)
        (void)json_object_set(main_tree, "auth", auth);
    else if (source->fault_count == 0)
        source_fault(source, NULL, "", "has no section `auth`");
    json_decref(loading->tree);
    loading->tree = EIN_TAKE(main_tree);
    source->name = main_name;
}

/* ---- environment and command line ---- */

/* Where the file is silent. */
static void read_environment(struct loading *loading)
{
    static const struct {
        const char *name, *path;
    } variables[] = {
        { "APP_ENV", "env" },
        { "FRONTEND_URL", "http.origins" },
        { "DATABASE_PROVIDER", "storage.backend" },
        { "ADMIN_PANEL_ENABLED", "admin.panel" },
    };

    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        const char *value = getenv(variables[i].name);
        char path[CONFIG_PATH_MAX];

        if (!value || !*value || member_at(loading->tree, variables[i].path))
            continue;
        (void)snprintf(path, sizeof(path), "%s", variables[i].path);
        if (!put(loading->tree, path, json_string(value)))
            set_origin(loading, variables[i].path, "environment %s", variables[i].name);
    }
}

/* "limits.workers=8" */
static void read_set(struct loading *loading, const char *set)
{
    struct source *source = &loading->source;
    const char *sign = strchr(set, '='), *not_map;
    char path[CONFIG_PATH_MAX], copy[CONFIG_PATH_MAX], top[CONFIG_PATH_MAX];
    json_t *value;

    source->name = "--set";
    if (!sign || sign == set || (size_t)(sign - set) >= sizeof(path) || *set == '.' ||
        sign[-1] == '.' || strstr(set, "..")) {
        source_fault(source, NULL, "", "`%s` is not like a.b.c=value", set);
        return;
    }
    (void)snprintf(path, sizeof(path), "%.*s", (int)(sign - set), set);
    (void)snprintf(copy, sizeof(copy), "%s", path);
    (void)snprintf(top, sizeof(top), "%.*s", (int)strcspn(path, "."), path);

    value = yaml_read(source, path, sign + 1, strlen(sign + 1));
    if (!value)
        return;
    not_map = put(loading->tree, copy, value);
    if (not_map)
        source_fault(source, NULL, path, "`%s` is not a map", not_map);
    set_origin(loading, path, "%s", "--set");
    if (!source_origin(source->origins, top))
        set_origin(loading, top, "%s", "--set");
}

/* ---- shaping ---- */

static bool take_member(json_t *from, const char *name, json_t *to)
{
    json_t *value = json_object_get(from, name);

    if (!value || json_is_null(value))
        return false;
    (void)json_object_set(to, name, value);
    (void)json_object_del(from, name);
    return true;
}

/* {"service": {"enabled": true, "a": 1}} -> [{"name": "service", "plugin": "service", ...,
 * "settings": {"a": 1}}], in the order of the file. */
static void list_plugins(struct loading *loading)
{
    json_t *map = json_object_get(loading->tree, "plugins"), *list;

    if (!map || json_is_null(map)) {
        (void)json_object_del(loading->tree, "plugins");
        return;
    }
    if (!json_is_object(map))
        return;

    list = json_array();
    for (void *it = json_object_iter(map); it; it = json_object_iter_next(map, it)) {
        const char *name = json_object_iter_key(it);
        json_t *value = json_object_iter_value(it), *entry = json_object(), *settings;

        (void)json_object_set_new(entry, "name", json_string(name));
        settings = json_is_null(value) ? json_object() : json_copy(value);
        if (!take_member(settings, "plugin", entry))
            (void)json_object_set_new(entry, "plugin", json_string(name));
        (void)take_member(settings, "enabled", entry);
        (void)json_object_set_new(entry, "settings", settings);
        (void)json_array_append_new(list, entry);
    }
    (void)json_object_set_new(loading->tree, "plugins", list);
}

/* Nobody but the built-in configuration says whether it is on. */
static bool is_open(const struct loading *loading, const char *name)
{
    char path[CONFIG_PATH_MAX];
    const char *origin;

    (void)snprintf(path, sizeof(path), "plugins.%s.enabled", name);
    if (!json_object_get(member_at(loading->tree, "plugins"), name))
        return false;
    origin = source_origin(loading->source.origins, path);
    return !origin || str_starts(origin, built_in);
}

/* storage.backend switches on the storage that it names, storage-NAME, and off those that ship
 * beside it: none is opened that keeps nothing. */
static void choose_storage(struct loading *loading)
{
    json_t *plugins = member_at(loading->tree, "plugins"), *instance;
    json_t *backend = member_at(loading->tree, "storage.backend");
    char chosen[CONFIG_PATH_MAX];
    const char *name;
    void *next;

    (void)snprintf(chosen, sizeof(chosen), "storage-%s",
                   json_is_string(backend) ? json_string_value(backend) : "");
    if (!json_object_get(plugins, chosen))
        return;
    json_object_foreach_safe(plugins, next, name, instance)
    {
        if (!str_starts(name, "storage-") || !is_open(loading, name))
            continue;
        if (json_is_null(instance))
            (void)json_object_set_new(plugins, name, instance = json_object());
        (void)json_object_set_new(instance, "enabled", json_boolean(str_eq(name, chosen)));
    }
}

static bool is_empty(const json_t *value)
{
    return json_is_object(value) && json_object_size(value) == 0;
}

/* Sections that are only written as a headline, `auth: {}` too; and the list of origins in one
 * text, as FRONTEND_URL has it. */
static void tidy(struct loading *loading)
{
    json_t *origins = member_at(loading->tree, "http.origins"), *value;
    const char *name;
    void *next;

    if (json_is_string(origins))
        (void)json_object_set_new(json_object_get(loading->tree, "http"), "origins",
                                  list_split(json_string_value(origins)));
    json_object_foreach_safe(loading->tree, next, name, value)
    {
        if (json_is_null(value) || (str_eq(name, "auth") && is_empty(value)))
            (void)json_object_del(loading->tree, name);
    }
}

/* ---- checking ---- */

/* The loc of a fault as the operator wrote it: plugins are named, not numbered. */
static void path_of(const json_t *tree, const json_t *loc, const char *base,
                    char out[CONFIG_PATH_MAX])
{
    const json_t *plugins = json_object_get(tree, "plugins"), *step;
    bool in_plugins = str_eq(json_string_value(json_array_get(loc, 1)), "plugins");
    char longer[CONFIG_PATH_MAX], number[24];
    size_t i;

    (void)snprintf(out, CONFIG_PATH_MAX, "%s", base);
    json_array_foreach(loc, i, step)
    {
        const char *name = json_string_value(step);
        json_int_t index = json_integer_value(step);

        if (i == 0 || (i == 3 && in_plugins && str_eq(name, "settings")))
            continue;
        if (i == 2 && in_plugins)
            name = text_of(json_array_get(plugins, (size_t)index), "name");
        (void)snprintf(number, sizeof(number), "%lld", (long long)index);
        yaml_place(longer, out, name ? name : number);
        (void)snprintf(out, CONFIG_PATH_MAX, "%s", longer);
    }
}

/* What was put together from another section is reported as what was written there. */
static void path_as_written(const json_t *written, char path[CONFIG_PATH_MAX])
{
    json_t *from;
    const char *name;
    char moved[CONFIG_PATH_MAX];

    json_object_foreach((json_t *)written, name, from)
    {
        size_t len = strlen(name);

        if (!str_starts(path, name) || (path[len] != '\0' && path[len] != '.'))
            continue;
        (void)snprintf(moved, sizeof(moved), "%s%s", json_string_value(from), path + len);
        (void)snprintf(path, CONFIG_PATH_MAX, "%s", moved);
        return;
    }
}

const char *source_origin(const json_t *origins, const char *path)
{
    return json_string_value(yaml_nearest(origins, path));
}

/* Shows what is wrong, if it is short and no secret: "'many' is not an integer". */
static void report(struct source *source, const json_t *tree, const json_t *fault, const char *base)
{
    const json_t *input = json_object_get(fault, "input");
    const char *text = json_string_value(input), *type, *dot;
    const char *msg = text_of(fault, "msg");
    char path[CONFIG_PATH_MAX];
    bool is_shown;

    path_of(tree, json_object_get(fault, "loc"), base, path);
    path_as_written(source->written, path);
    type = text_of(fault, "type");
    dot = strrchr(path, '.');
    dot = dot ? dot + 1 : path;
    is_shown = text && strlen(text) <= 40 && !str_eq(type, "extra_forbidden") &&
               !redact_kind_of(dot, strlen(dot));
    if (is_shown)
        source_fault(source, source_origin(source->origins, path), path, "'%s' %s", text, msg);
    else
        source_fault(source, source_origin(source->origins, path), path, "%s", msg);
}

static void report_all(struct source *source, const json_t *tree, const json_t *faults,
                       const char *base)
{
    const json_t *fault;
    size_t i;

    json_array_foreach(faults, i, fault) report(source, tree, fault, base);
}

/* Checks *tree and puts the checked one in its place. */
static int check(struct source *source, const char *schema_text, const char *base, json_t **tree)
{
    EIN_JSON json_t *faults = NULL;
    struct schema *schema;
    struct ein_error err;
    json_t *checked;
    int r = schema_compile(schema_text, &schema, &err);

    if (r < 0) {
        source_fault(source, NULL, base, "%s", err.text);
        return r;
    }
    r = schema_check(schema, SCHEMA_CONFIG, "", *tree, &checked, &faults);
    schema_free(schema);
    if (r < 0) {
        report_all(source, *tree, faults, base);
        return r;
    }
    json_decref(*tree);
    *tree = checked;
    return 0;
}

/* EIN_E_INVALID and the report, if there is one. */
static int conclude(struct source *source, int r, char **ret_faults)
{
    if (source->fault_count == 0 && r == 0) {
        buf_done(source->faults);
        return 0;
    }
    if (source->faults->error == EIN_E_TOO_LARGE)
        source->faults->error = 0; /* enough was said */
    *ret_faults = buf_take(source->faults, NULL);
    return *ret_faults && r != EIN_E_NO_MEMORY ? EIN_E_INVALID : EIN_E_NO_MEMORY;
}

/* ---- */

static void load(struct loading *loading, const char *path, const char *const *sets)
{
    if (path)
        read_file(loading, path);
    else
        read_text(loading, config_default_text, strlen(config_default_text));
    for (const char *const *set = sets; set && *set; set++)
        if (str_starts(*set, "shipped_plugins="))
            read_set(loading, *set); /* it decides what the others are set in */
    loading->source.name = path ? path : built_in;
    read_default_plugins(loading);
    read_auth_file(loading);
    read_environment(loading);
    for (; sets && *sets; sets++)
        read_set(loading, *sets);
    tidy(loading);
    choose_storage(loading);
    list_plugins(loading);
}

int config_load(const char *path, const char *const *sets, struct config **ret_config,
                char **ret_faults)
{
    const char *name = path ? path : built_in;
    struct config *config = calloc(1, sizeof(*config));
    struct buf faults;
    struct loading loading = { .source = { .name = name, .faults = &faults } };
    int r = 0;

    *ret_faults = NULL;
    if (!config)
        return EIN_E_NO_MEMORY;
    buf_init(&faults, CONFIG_FAULTS_MAX);
    config->name = strdup(name);
    config->empty = json_object();
    config->origins = loading.source.origins = json_object();
    config->written = loading.source.written = json_object();

    load(&loading, path, sets);
    config->tree = loading.tree;
    loading.source.name = name;
    if (!config->name || !config->empty || !config->origins || !config->written || !config->tree)
        r = EIN_E_NO_MEMORY;
    else
        r = check(&loading.source, config_schema_text, "", &config->tree);
    if (r == 0)
        r = config_auth_expand(&loading.source, config->tree);

    r = conclude(&loading.source, r, ret_faults);
    if (r < 0) {
        config_free(config);
        return r;
    }
    *ret_config = config;
    return 0;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    json_decref(config->tree);
    json_decref(config->origins);
    json_decref(config->written);
    json_decref(config->empty);
    free(config->name);
    free(config);
}

const json_t *config_json(const struct config *config)
{
    return config->tree;
}

const json_t *config_section(const struct config *config, const char *path)
{
    const json_t *section = member_at(config->tree, path);

    return json_is_object(section) ? section : config->empty;
}

void config_plugin_place(const struct config *config, const char *name, char *out, size_t size)
{
    char path[CONFIG_PATH_MAX];
    const char *origin;

    yaml_place(path, "plugins", name);
    path_as_written(config->written, path);
    origin = source_origin(config->origins, path);
    (void)snprintf(out, size, "%s: %s", origin ? origin : config->name, path);
}

int config_plugin_check(struct config *config, size_t index, const char *schema_text,
                        char **ret_faults)
{
    static const char nothing[] = "{\"type\":\"object\",\"properties\":{}}";
    json_t *plugin = json_array_get(json_object_get(config->tree, "plugins"), index);
    EIN_JSON json_t *settings = json_incref(json_object_get(plugin, "settings"));
    const char *name = text_of(plugin, "name");
    char base[CONFIG_PATH_MAX];
    struct buf faults;
    struct source source = { .name = config->name,
                             .origins = config->origins,
                             .written = config->written,
                             .faults = &faults };
    int r;

    *ret_faults = NULL;
    yaml_place(base, "plugins", name);
    buf_init(&faults, CONFIG_FAULTS_MAX);
    r = conclude(&source, check(&source, schema_text ? schema_text : nothing, base, &settings),
                 ret_faults);
    if (r == 0)
        (void)json_object_set(plugin, "settings", settings);
    return r;
}
