/* SPDX-License-Identifier: Apache-2.0 */
/* It needs what nobody offers. */
#include "bad.h"

static const char *const needs[] = { "time_machine/1", NULL };

static const struct ein_plugin plugin = { BAD_PLUGIN("unmet-need"), .needs = needs };

EIN_PLUGIN_EXPORT(plugin)
