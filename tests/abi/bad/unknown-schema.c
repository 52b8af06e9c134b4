/* SPDX-License-Identifier: Apache-2.0 */
/* The schema of its settings uses a word that is not in the promised subset. */
#include "bad.h"

static const struct ein_plugin plugin = { BAD_PLUGIN("unknown-schema"),
                                          .config_schema = "{\"type\": \"obejct\"}" };

EIN_PLUGIN_EXPORT(plugin)
