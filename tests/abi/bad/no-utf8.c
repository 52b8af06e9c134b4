/* SPDX-License-Identifier: Apache-2.0 */
#include "bad.h"

static const struct ein_plugin plugin = { BAD_PLUGIN("no-utf8"), .summary = "\377" };

EIN_PLUGIN_EXPORT(plugin)
