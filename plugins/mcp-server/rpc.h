/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "mcp_version.h"

#include <jansson.h>
#include <stddef.h>

/* Messages of JSON-RPC 2.0, without the network. */

enum rpc_kind {
    RPC_REQUEST,
    RPC_NOTIFICATION,
    RPC_ANSWER, /* to a request of ours: there are none */
    RPC_INVALID /* no message at all */
};
enum rpc_kind rpc_kind(const json_t *message);

/* The version that the body names; NULL: none, as before 2026-07-28. */
const char *rpc_version(const json_t *params);

/* Answers; json_decref; NULL: no memory.  `id` NULL: of no request. */
json_t *rpc_result(const json_t *id, json_t *take_result);
json_t *rpc_error(const json_t *id, int code, const char *text, json_t *take_data);

/* What the value of Mcp-Name stands for; free().  NULL: it cannot be read. */
char *rpc_header_text(const char *value);
