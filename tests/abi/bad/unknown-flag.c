/* SPDX-License-Identifier: Apache-2.0 */
/* A flag among bits 16-31: the host must know it or refuse. */
#include "bad.h"

static const struct ein_plugin plugin = { BAD_PLUGIN("unknown-flag"), .flags = 1u << 20 };

EIN_PLUGIN_EXPORT(plugin)
