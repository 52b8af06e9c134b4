/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing to call. */
#include "bad.h"

static const struct ein_plugin plugin = { BAD_PLUGIN("no-init"), .init = NULL };

EIN_PLUGIN_EXPORT(plugin)
