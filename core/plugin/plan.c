/* SPDX-License-Identifier: Apache-2.0 */
#include "plan.h"

#include "buf.h"
#include "cleanup.h"
#include "config.h"
#include "lifecycle.h"
#include "loader.h"
#include "member.h"
#include "str.h"
#include <stdarg.h>
#include <string.h>

enum { FAULTS_MAX = 64 * 1024, PLACE_MAX = 1024 };

static const json_t *plugins_of(const struct config *config)
{
    return json_object_get(config_json(config), "plugins");
}

/* A line more. */
static void say(const struct config *config, const char *name, struct buf *faults, const char *fmt,
                ...) __attribute__((format(printf, 4, 5)));

static void say(const struct config *config, const char *name, struct buf *faults, const char *fmt,
                ...)
{
    char place[PLACE_MAX];
    va_list args;

    config_plugin_place(config, name, place, sizeof(place));
    (void)buf_printf(faults, "%s%s: ", faults->len ? "\n" : "", place);
    va_start(args, fmt);
    (void)buf_vprintf(faults, fmt, args);
    va_end(args);
}

/* The settings in the tree may have been replaced by checked ones: read them afterwards. */
static void check_settings(struct config *config, size_t at, struct plan_item *item,
                           struct buf *faults)
{
    EIN_FREE char *why = NULL;

    if (config_plugin_check(config, at, item->plugin->about.config_schema, &why) >= 0)
        return;
    (void)buf_printf(faults, "%s%s", faults->len ? "\n" : "", why ? why : item->name);
    while (faults->len > 0 && faults->data[faults->len - 1] == '\n')
        faults->data[--faults->len] = '\0';
}

static void fill(const char *const *dirs, struct config *config, size_t at, struct plan_item *item,
                 struct buf *faults)
{
    const json_t *entry = json_array_get(plugins_of(config), at);
    const char *which = text_of(entry, "plugin");
    struct ein_error err = { 0 };

    *item = (struct plan_item){ .name = text_of(entry, "name"),
                                .enabled = !json_is_false(json_object_get(entry, "enabled")) };
    if (!item->name || strlen(item->name) > INSTANCE_NAME_MAX) {
        (void)buf_printf(faults, "%splugin %zu needs a name of 1 to %d bytes",
                         faults->len ? "\n" : "", at + 1, INSTANCE_NAME_MAX);
        return;
    }
    if (item->enabled) {
        if (plugin_open(dirs, which ? which : item->name, &item->plugin, &err) < 0)
            say(config, item->name, faults, "%s", err.text);
        else
            check_settings(config, at, item, faults);
    }
    item->settings =
        json_incref(json_object_get(json_array_get(plugins_of(config), at), "settings"));
    if (!item->settings)
        item->settings = json_object();
}

static bool is_single(const struct plan_item *item)
{
    return item->plugin && (item->plugin->about.flags & EIN_PLUGIN_SINGLE);
}

static void check_pair(const struct config *config, const struct plan_item *a,
                       const struct plan_item *b, struct buf *faults)
{
    if (!a->name || !b->name)
        return;
    if (str_eq(a->name, b->name))
        (void)buf_printf(faults, "%stwo plugin instances are named '%s'", faults->len ? "\n" : "",
                         a->name);
    if (is_single(a) && is_single(b) && str_eq(a->plugin->about.name, b->plugin->about.name))
        say(config, b->name, faults, "the plugin %s can have one instance, which is %s",
            a->plugin->about.name, a->name);
}

static void check_pairs(const struct config *config, const struct plan *plan, struct buf *faults)
{
    for (size_t i = 0; i < plan->count; i++) {
        for (size_t k = i + 1; k < plan->count; k++)
            check_pair(config, &plan->items[i], &plan->items[k], faults);
    }
}

int plan_make(const char *const *dirs, struct config *config, struct plan **ret_plan,
              char **ret_faults)
{
    size_t count = json_array_size(plugins_of(config));
    struct plan *plan;
    struct buf faults;

    buf_init(&faults, FAULTS_MAX);
    if (count > LIFECYCLE_INSTANCES_MAX) {
        (void)buf_printf(&faults, "more than %d plugin instances", LIFECYCLE_INSTANCES_MAX);
        *ret_faults = buf_take(&faults, NULL);
        return EIN_E_INVALID;
    }
    plan = calloc(1, sizeof(*plan) + count * sizeof(plan->items[0]));
    if (!plan)
        return EIN_E_NO_MEMORY;
    plan->count = count;
    for (size_t i = 0; i < count; i++)
        fill(dirs, config, i, &plan->items[i], &faults);
    check_pairs(config, plan, &faults);
    if (faults.len > 0) {
        *ret_faults = buf_take(&faults, NULL);
        plan_free(plan);
        return EIN_E_INVALID;
    }
    *ret_plan = plan;
    return 0;
}

static void item_done(struct plan_item *item)
{
    plugin_close(item->plugin);
    json_decref(item->settings);
    *item = (struct plan_item){ .name = NULL };
}

void plan_free(struct plan *plan)
{
    for (size_t i = 0; plan && i < plan->count; i++)
        item_done(&plan->items[i]);
    free(plan);
}

const struct plan_item *plan_find(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (str_eq(plan->items[i].name, name))
            return &plan->items[i];
    }
    return NULL;
}
