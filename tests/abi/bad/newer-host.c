/* SPDX-License-Identifier: Apache-2.0 */
/* It needs functions that a newer host has. */
#include "bad.h"

static const struct ein_plugin plugin = { BAD_PLUGIN("newer-host"), .min_host_minor = 99 };

EIN_PLUGIN_EXPORT(plugin)
