/* SPDX-License-Identifier: Apache-2.0 */
/* The entry symbol returns nothing. */
#include "bad.h"

EIN_PUBLIC const struct ein_plugin *ein_plugin_v1(void);

const struct ein_plugin *ein_plugin_v1(void)
{
    return NULL;
}
