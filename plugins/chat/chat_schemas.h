/* SPDX-License-Identifier: Apache-2.0 */
/* What the routes take and answer, as JSON Schema text. */
#pragma once

#include "ownership.h"
#include "schemas.h"

/* clang-format off */
#define ASK_SCHEMA                                                                                 \
    SCHEMA({                                                                                       \
        "type": "object",                                                                          \
        "title": "ChatRequest",                                                                    \
        "required": ["messages"],                                                                  \
        "properties": {                                                                            \
            "messages": {                                                                          \
                "type": "array",                                                                   \
                "items": {                                                                         \
                    "type": "object",                                                              \
                    "title": "ChatMessage",                                                        \
                    "required": ["role", "content"],                                               \
                    "properties": {                                                                \
                        "role": {"type": "string", "pattern": "^(user|assistant|system)$"},        \
                        "content": {                                                               \
                            "description": "Text, or an array of parts: text, image, file, tool_call, thought, tool_result" \
                        }                                                                          \
                    }                                                                              \
                }                                                                                  \
            },                                                                                     \
            "provider": {"type": "string", "maxLength": 64, "default": "openai"},                  \
            "model": {"type": "string", "maxLength": 256, "default": "gpt-3.5-turbo"},             \
            "parameters": {"type": "object", "additionalProperties": true, "default": {}},         \
            "stream": {                                                                            \
                "type": "boolean",                                                                 \
                "default": false,                                                                  \
                "description": "Answered as JSON all the same, unless text/event-stream is accepted" \
            },                                                                                     \
            "builtInTools": {                                                                      \
                "type": "array",                                                                   \
                "maxItems": 1000,                                                                  \
                "default": [],                                                                     \
                "description": "Ids of the model's built-in tools, or their configurations"        \
            },                                                                                     \
            "tools": {                                                                             \
                "type": ["array", "null"],                                                         \
                "maxItems": 1000,                                                                  \
                "default": null,                                                                   \
                "items": {                                                                         \
                    "type": "object",                                                              \
                    "title": "ChatTool",                                                           \
                    "required": ["name"],                                                          \
                    "additionalProperties": true,                                                  \
                    "properties": {"name": {"type": "string", "maxLength": 256}}                                     \
                }                                                                                  \
            },                                                                                     \
            "toolChoice": {                                                                        \
                "default": null,                                                                   \
                "description": "auto, none, required or an object with the name of a tool"         \
            },                                                                                     \
            "replySchema": {                                                                       \
                "type": ["object", "null"],                                                        \
                "additionalProperties": true,                                                      \
                "default": null,                                                                   \
                "description": "A JSON Schema that the answer has to fit"                          \
            },                                                                                     \
            "workspaceId":) WORKSPACE_ID_SCHEMA "}}"

#define TICKET_SCHEMA                                                                              \
    SCHEMA({                                                                                       \
        "type": "object",                                                                          \
        "title": "ChatTicket",                                                                     \
        "required": ["ticket_id", "status", "result", "error", "created_at", "updated_at", "completed_at"], \
        "properties": {                                                                            \
            "ticket_id": {"type": "string"},                                                       \
            "status": {"type": "string", "enum": ["pending", "processing", "completed", "failed"]}, \
            "result": {                                                                            \
                "type": ["object", "null"],                                                        \
                "title": "ChatResult",                                                             \
                "required": ["content", "thoughts", "model"],                                      \
                "additionalProperties": true,                                                      \
                "properties": {                                                                    \
                    "content": {"type": "string"},                                                 \
                    "thoughts": {"description": "What the model thought; all that an agent returned; null: nothing"}, \
                    "model": {"type": "string", "description": "provider/model that answered"},    \
                    "usage": {"type": "object", "additionalProperties": {"type": "integer"}},      \
                    "cost": {"type": "number", "description": "Dollars"},                          \
                    "stop_reason": {"type": ["string", "null"]},                                   \
                    "tool_calls": {"type": "array"},                                               \
                    "sources": {"type": "array"},                                                  \
                    "notes": {"type": "array", "items": {"type": "string"}},                       \
                    "message": {"type": "object", "additionalProperties": true,                    \
                        "description": "What to send back in a conversation with tools"}           \
                }                                                                                  \
            },                                                                                     \
            "error": {"type": ["string", "null"]},                                                 \
            "created_at": {"type": ["string", "null"]},                                            \
            "updated_at": {"type": ["string", "null"]},                                            \
            "completed_at": {"type": ["string", "null"]}                                           \
        }                                                                                          \
    })

#define GET_QUERY_SCHEMA                                                                           \
    SCHEMA({                                                                                       \
        "type": "object",                                                                          \
        "properties": {                                                                            \
            "wait": {                                                                              \
                "type": "number",                                                                  \
                "minimum": 0,                                                                      \
                "default": 0,                                                                      \
                "description": "Seconds that the answer may wait for the end of the ticket"        \
            }                                                                                      \
        }                                                                                          \
    })

#define CANCEL_QUERY_SCHEMA                                                                        \
    SCHEMA({                                                                                       \
        "type": "object",                                                                          \
        "properties": {                                                                            \
            "forget": {                                                                            \
                "type": "boolean",                                                                 \
                "default": false,                                                                  \
                "description": "Deletes it, too, with what was asked and answered"                 \
            }                                                                                      \
        }                                                                                          \
    })
/* clang-format on */
