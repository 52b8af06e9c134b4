/* SPDX-License-Identifier: Apache-2.0 */
/* What the route takes and answers, as JSON Schema text. */
#pragma once

#include "host_pattern.h"
#include "provider_config.h"
#include "schemas.h"

/* clang-format off */

#define ANYTHING ", \"additionalProperties\": true"
#define FIELD(name, type, more) "\"" name "\": {\"type\": " type more "}"
#define NAMES(name, more) FIELD(name, "[\"array\", \"null\"]", ", \"maxItems\": 1000, \"items\": " SCHEMA_NAME more)

#define SPEC_SCHEMA \
    SCHEMA({"type": "object", "title": "SwaggerSpec", "required": ["name", "content"], \
            "properties": {"name": {"type": "string", "maxLength": 256}, "content": {"type": "string"}}})

#define HOST_SCHEMA "{\"type\": \"string\", \"maxLength\": 260, \"pattern\": \"" HOST_PATTERN_FORM "\"}"

#define NAMESPACE_SCHEMA \
    SCHEMA({"type": "object", "title": "DataStoreNamespace", "required": ["namespace"], "properties": { \
        "namespace": {"type": "string", "maxLength": 256}, \
        "access": {"type": "string", "enum": ["read", "write", "both"], "default": "both"}, \
        "description": {"type": ["string", "null"], "maxLength": 65536, "default": null}}})

#define GENERATE_CODE_SCHEMA \
    "{\"type\": \"object\", \"title\": \"GenerateCode\"" \
    ", \"required\": [\"tools\", \"description\", \"inputSchema\", \"outputSchema\", \"modelConfig\"]" \
    ", \"properties\": {" \
        FIELD("tools", "\"object\"", ", \"additionalProperties\": {\"type\": \"array\", \"maxItems\": 1000, \"items\": " SCHEMA_NAME "}") "," \
        FIELD("description", "\"string\"", "") "," \
        FIELD("inputSchema", "[\"object\", \"null\"]", ANYTHING) "," \
        FIELD("outputSchema", "[\"object\", \"null\"]", ANYTHING) "," \
        "\"modelConfig\": " PROVIDER_CONFIG_SCHEMA "," \
        FIELD("invokableModels", "[\"array\", \"null\"]", \
              ", \"maxItems\": 1000, \"items\": " PROVIDER_CONFIG_SCHEMA ", \"default\": null") "," \
        FIELD("swaggerSpecs", "[\"array\", \"null\"]", ", \"maxItems\": 1000, \"items\": " SPEC_SCHEMA ", \"default\": null") "," \
        NAMES("gofannonAgents", ", \"default\": null") "," \
        FIELD("builtInTools", "[\"array\", \"null\"]", \
              ", \"maxItems\": 1000, \"default\": null, \"description\": \"Of the model that composes: ids, or configurations\"") "," \
        FIELD("dataStoreConfig", "[\"array\", \"null\"]", ", \"maxItems\": 1000, \"items\": " NAMESPACE_SCHEMA \
              ", \"default\": null, \"description\": \"null: any namespace\"") "," \
        FIELD("allowedHosts", "[\"array\", \"null\"]", ", \"maxItems\": 1000, \"items\": " HOST_SCHEMA \
              ", \"default\": null, \"description\": \"That the agent may ask beside the APIs; *.example.org, too\"") "," \
        FIELD("sampleInput", "[\"object\", \"null\"]", ANYTHING \
              ", \"default\": null, \"description\": \"What the rehearsal is given; null: made from inputSchema\"") \
    "}}"

#define PROOF_SCHEMA \
    SCHEMA({"type": "object", "title": "Proof", \
            "description": "How the code was tried: with connectors that answered from schemas, examples and earlier runs", \
            "required": ["attempts", "input", "result", "calls", "notes", "usage"], "properties": { \
        "attempts": {"type": "array", "items": {"type": "object", "title": "ProofAttempt", \
            "required": ["attempt", "faults"], "properties": { \
                "attempt": {"type": "integer"}, \
                "faults": {"type": "array", "items": {"type": "string"}}}}}, \
        "input": {"description": "What the rehearsal was given"}, \
        "result": {"description": "What the code returned"}, \
        "calls": {"type": "array", "items": {"type": "object", "title": "ProofCall", \
            "required": ["call", "answeredFrom"], "properties": { \
                "call": {"type": "string"}, "answeredFrom": {"type": "string"}}}}, \
        "notes": {"type": "array", "items": {"type": "string"}}, \
        "usage": {"type": "object", "properties": { \
            "model": {"type": "string"}, "inputTokens": {"type": "integer"}, \
            "outputTokens": {"type": "integer"}, "costUsd": {"type": "number"}}}}})

#define GENERATED_SCHEMA \
    "{\"type\": \"object\", \"title\": \"GeneratedCode\"" \
    ", \"required\": [\"code\", \"friendlyName\", \"docstring\", \"thoughts\", \"proof\"], \"properties\": {" \
        FIELD("code", "\"string\"", "") "," \
        FIELD("friendlyName", "\"string\"", "") "," \
        FIELD("docstring", "\"string\"", "") "," \
        "\"thoughts\": {\"description\": \"What the model thought aloud\"}," \
        "\"proof\": " PROOF_SCHEMA "}}"
