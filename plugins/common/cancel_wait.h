/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>

/* Waits so long: 0, or CANCELLED as soon as `cancel` (may be NULL) fires. */
int cancel_wait(const struct ein_host *host, struct ein_cancel *cancel, uint32_t ms);
