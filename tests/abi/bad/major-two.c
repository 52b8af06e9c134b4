/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor of another major version behind the symbol of this one. */
#include "bad.h"

static const struct ein_plugin plugin = { BAD_PLUGIN("major-two"), .abi_major = 2 };

EIN_PLUGIN_EXPORT(plugin)
