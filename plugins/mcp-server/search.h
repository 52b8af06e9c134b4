/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "mcp_server.h"

/* {"agents": the best ones, in short, "total": how many there are}. */
int search_agents(const struct turn *turn, const json_t *arguments, json_t **ret_found,
                  struct ein_error *err);
