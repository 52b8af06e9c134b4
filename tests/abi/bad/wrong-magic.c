/* SPDX-License-Identifier: Apache-2.0 */
/* The first four bytes are not the magic number. */
#include "bad.h"

static const struct ein_plugin plugin = { BAD_PLUGIN("wrong-magic"), .magic = 0x12345678u };

EIN_PLUGIN_EXPORT(plugin)
