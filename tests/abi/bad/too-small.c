/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor that ends before what version 1.0 had. */
#include "bad.h"

static const struct ein_plugin plugin = { BAD_PLUGIN("too-small"),
                                          .struct_size = offsetof(struct ein_plugin, init) };

EIN_PLUGIN_EXPORT(plugin)
