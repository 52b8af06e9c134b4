/* SPDX-License-Identifier: Apache-2.0 */
/* What the routes take and answer, as JSON Schema text. */
#pragma once

#include "ownership.h"
#include "provider_config.h"
#include "schemas.h"

/* clang-format off */

/* As GET /deployments lists it. */
#define DEPLOYED_API_SCHEMA SCHEMA({ \
    "type": "object", "title": "DeployedApi", \
    "required": ["friendlyName", "agentId", "description"], \
    "properties": { \
        "friendlyName": {"type": "string", "minLength": 1, "maxLength": 200}, \
        "agentId": {"type": "string", "maxLength": 256}, \
        "description": {"type": "string", "maxLength": 1048576}, \
        "inputSchema": {"type": ["object", "null"], "additionalProperties": true, "default": null}, \
        "outputSchema": {"type": ["object", "null"], "additionalProperties": true, "default": null} \
    }})

#define DEMO_CODE_SCHEMA SCHEMA({ \
    "type": "object", "title": "DemoCode", \
    "required": ["html", "css", "js"], \
    "properties": { \
        "html": {"type": "string"}, \
        "css": {"type": "string"}, \
        "js": {"type": "string"}, \
        "thoughts": {"description": "Whatever the model thought", "default": null} \
    }})

#define SELECTED_APIS "\"selectedApis\": {\"type\": \"array\", \"maxItems\": 1000, \"items\": " DEPLOYED_API_SCHEMA "}"

#define DEMO_FIELDS \
    "\"name\": {\"type\": \"string\"}," \
    "\"description\": {\"type\": [\"string\", \"null\"], \"default\": null}," \
    SELECTED_APIS "," \
    "\"modelConfig\": " PROVIDER_CONFIG_SCHEMA "," \
    "\"userPrompt\": {\"type\": \"string\"}," \
    "\"generatedCode\": " DEMO_CODE_SCHEMA "," \
    "\"composerThoughts\": {\"description\": \"Whatever the composer said\", \"default\": null}"

#define DEMO_BODY_SCHEMA \
    "{\"type\": \"object\", \"title\": \"DemoBody\"," \
    "\"required\": [\"name\", \"selectedApis\", \"modelConfig\", \"userPrompt\", \"generatedCode\"]," \
    "\"properties\": {" DEMO_FIELDS "," \
        "\"workspaceId\": " WORKSPACE_ID_SCHEMA "," \
        "\"_rev\": {\"type\": [\"string\", \"null\"], \"maxLength\": 256}}}"

#define DEMO_SCHEMA \
    "{\"type\": \"object\", \"title\": \"Demo\"," \
    "\"required\": [\"name\", \"description\", \"selectedApis\", \"modelConfig\", \"userPrompt\"," \
                   "\"generatedCode\", \"composerThoughts\", \"_id\", \"_rev\", \"created_at\"," \
                   "\"updated_at\"]," \
    "\"properties\": {" DEMO_FIELDS "," \
        "\"_id\": {\"type\": \"string\"}," \
        "\"_rev\": {\"type\": \"string\"}," \
        "\"created_at\": " SCHEMA_TIME "," \
        "\"updated_at\": " SCHEMA_TIME "," \
        "\"workspaceId\": {\"type\": \"string\", \"description\": \"Only where it is in one\"}}}"

#define DEMO_LIST_SCHEMA "{\"type\": \"array\", \"items\": " DEMO_SCHEMA "}"

#define GENERATE_SCHEMA \
    "{\"type\": \"object\", \"title\": \"DemoWanted\"," \
    "\"required\": [\"userPrompt\", \"selectedApis\", \"modelConfig\"]," \
    "\"properties\": {" \
        "\"userPrompt\": {\"type\": \"string\"}," \
        SELECTED_APIS "," \
        "\"modelConfig\": " PROVIDER_CONFIG_SCHEMA "," \
        "\"builtInTools\": {\"type\": [\"array\", \"null\"], \"maxItems\": 1000, \"items\": " SCHEMA_NAME "," \
            "\"default\": null, \"description\": \"Of the model, by the ids of the catalog\"}}}"

#define APP_TOKEN_SCHEMA SCHEMA({ \
    "type": "object", "title": "DemoToken", "required": ["token", "expiresAt", "apis"], \
    "properties": { \
        "token": {"type": "string", "description": "For POST /rest/NAME of these APIs, as a bearer"}, \
        "expiresAt": {"type": "string", "format": "date-time"}, \
        "apis": {"type": "array", "items": {"type": "string"}} \
    }})

/* clang-format on */
