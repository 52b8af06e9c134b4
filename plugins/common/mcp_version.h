/* SPDX-License-Identifier: Apache-2.0 */
/* What both sides of the Model Context Protocol have in common. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#define MCP_MODERN        "2026-07-28"
#define MCP_LEGACY_LATEST "2025-11-25"
#define MCP_META          "io.modelcontextprotocol/" /* begins the protocol's own members of _meta */

enum { MCP_VERSION_SIZE = 32 }; /* bytes of a version, with the NUL */

enum mcp_code { /* of JSON-RPC errors */
                MCP_REFUSED = -32000,
                MCP_NO_SESSION = -32001,
                MCP_HEADER_MISMATCH = -32020,
                MCP_MISSING_CAPABILITY = -32021,
                MCP_UNSUPPORTED_VERSION = -32022,
                MCP_INVALID_REQUEST = -32600,
                MCP_UNKNOWN_METHOD = -32601,
                MCP_INVALID_PARAMS = -32602,
                MCP_INTERNAL = -32603,
                MCP_NOT_JSON = -32700
};

/* Is it one of 2024-11-05 to 2025-11-25?  NULL is none. */
bool mcp_is_legacy(const char *version);

/* json_decref; NULL: no memory. */
json_t *mcp_notification(const char *method, json_t *take_params);
