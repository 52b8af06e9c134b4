/* SPDX-License-Identifier: Apache-2.0 */
/* No name at all. */
#include "bad.h"

static const struct ein_plugin plugin = { BAD_PLUGIN(NULL) };

EIN_PLUGIN_EXPORT(plugin)
