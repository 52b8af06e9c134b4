/* SPDX-License-Identifier: Apache-2.0 */
/* The schema of its settings is not JSON. */
#include "bad.h"

static const struct ein_plugin plugin = { BAD_PLUGIN("broken-schema"),
                                          .config_schema = "{\"type\": \"object\"," };

EIN_PLUGIN_EXPORT(plugin)
