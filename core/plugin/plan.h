/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The instances that a configuration wants, their plugins opened, their settings checked. */
struct config;

struct plan_item {
    const char *name;      /* lent by the configuration */
    struct plugin *plugin; /* NULL if not enabled */
    json_t *settings;
    bool enabled;
};

struct plan {
    size_t count;
    struct plan_item items[];
};

/* All faults at once in *ret_faults, a line each; free().  INVALID, NO_MEMORY. */
int plan_make(const char *const *dirs, struct config *config, struct plan **ret_plan,
              char **ret_faults);
void plan_free(struct plan *plan);

const struct plan_item *plan_find(const struct plan *plan, const char *name);
