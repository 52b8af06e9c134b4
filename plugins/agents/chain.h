/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>

enum {
    CHAIN_DEPTH_MAX = 8,     /* agents further from the root are shown, not expanded */
    CHAIN_AGENTS_MAX = 2000, /* agents of one chain */
};

/* The agent ID, or EIN_E_NOT_FOUND. */
typedef int chain_load_fn(void *data, const char *id, json_t **ret_agent, struct ein_error *err);

/* What the agent ROOT reaches: {"root", "nodes", "edges"}.  Agents that are not found are
 * part of it, the root included.  EIN_E_TOO_LARGE, or what `load` answers. */
int chain_build(const char *root, chain_load_fn *load, void *data, json_t **ret_chain,
                struct ein_error *err);
