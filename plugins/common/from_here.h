/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <stdbool.h>

/* From this machine, and not for somebody else: a proxy in front of us names its client. */
bool is_from_here(const struct ein_http *http, const struct ein_req *req);
