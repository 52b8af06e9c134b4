/* SPDX-License-Identifier: Apache-2.0 */
/* A good plugin; the tests give it settings it does not know. */
#include "bad.h"

static const struct ein_plugin plugin = {
    BAD_PLUGIN("settings"),
    .config_schema = "{\"type\":\"object\",\"properties\":{\"colour\":{\"type\":\"string\"}}}"
};

EIN_PLUGIN_EXPORT(plugin)
