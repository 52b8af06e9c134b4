/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "schemas.h"
#include <einion/plugin.h>
#include <jansson.h>

#define SESSIONS_SET "sessions"

/* One instance of the plugin; const after init. */
struct sessions {
    const struct ein_host *host;
    struct ein_ctx *ctx;
};

/* clang-format off */
#define SESSION_UPDATED_SCHEMA SCHEMA({ \
    "type": "object", "required": ["message", "session_id"], \
    "properties": {"message": {"type": "string"}, "session_id": {"type": "string"}} \
})

#define SESSION_CONFIG_SCHEMA SCHEMA({ \
    "type": "object", "title": "SessionConfig", \
    "required": ["provider", "model", "parameters", "built_in_tool"], \
    "properties": { \
        "provider": {"type": "string"}, \
        "model": {"type": "string"}, \
        "parameters": {"type": "object", "additionalProperties": true}, \
        "built_in_tool": {"type": ["string", "null"]} \
    } \
})

#define SESSION_DELETED_SCHEMA \
    SCHEMA({"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}})
/* clang-format on */

ein_handler session_set_config, session_get_config, session_delete;
