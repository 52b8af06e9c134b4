/* SPDX-License-Identifier: Apache-2.0 */
/* A name with letters that names may not have. */
#include "bad.h"

static const struct ein_plugin plugin = { BAD_PLUGIN("Bad Name") };

EIN_PLUGIN_EXPORT(plugin)
