/* SPDX-License-Identifier: Apache-2.0 */
/* What the routes take and answer, as JSON Schema text. */
#pragma once

#include "host_pattern.h"
#include "ownership.h"
#include "provider_config.h"
#include "schemas.h"

/* clang-format off */

#define TEXT    "\"string\""
#define BOOL    "\"boolean\""
#define INTEGER "\"integer\""
#define NUMBER  "\"number\""
#define LIST    "\"array\""
#define OBJECT  "\"object\""
#define OR_NULL(type) "[" type ", \"null\"]"

#define FIELD(name, type, more)    "\"" name "\": {\"type\": " type more "}"
#define MODEL(title, more, fields) "{\"type\": \"object\", \"title\": \"" title "\"" more \
                                   ", \"properties\": {" fields "}}"
#define REQUIRED(names) ", \"required\": [" names "]"
#define DEFAULT(value)  ", \"default\": " value
#define MAP(schema)     ", \"additionalProperties\": " schema
#define ITEMS(schema)   ", \"items\": " schema

/* The limits of what no setting limits: code and the texts of an agent have theirs. */
#define SHORT ", \"maxLength\": 256"
#define PROSE ", \"maxLength\": 65536"
#define FEW   ", \"maxItems\": 1000"

#define ANYTHING MAP("true")
#define TOOLS    MAP("{\"type\": \"array\"" FEW ITEMS(SCHEMA_NAME) "}")

#define SWAGGER_SPEC \
    MODEL("SwaggerSpec", REQUIRED("\"name\", \"content\""), \
        FIELD("name", TEXT, SHORT) "," \
        FIELD("content", TEXT, ""))

#define NAMESPACE_USE \
    MODEL("DataStoreNamespace", REQUIRED("\"namespace\""), \
        FIELD("namespace", TEXT, SHORT) "," \
        FIELD("access", TEXT, ", \"enum\": [\"read\", \"write\", \"both\"]" DEFAULT("\"both\"")) "," \
        FIELD("description", OR_NULL(TEXT), PROSE DEFAULT("null")))

#define HOST_PATTERN "{\"type\": \"string\", \"maxLength\": 260, \"pattern\": \"" HOST_PATTERN_FORM "\"}"

#define ALLOWED_HOSTS(none) \
    FIELD("allowedHosts", OR_NULL(LIST), FEW ITEMS(HOST_PATTERN) \
        ", \"description\": \"Hosts that the code may ask, such as api.example.org and " \
        "*.example.org; an empty list: none\"" none)

/* What code that is tried out may declare, as a saved agent does. */
#define DECLARED_FIELDS \
    FIELD("swaggerSpecs", OR_NULL(LIST), FEW ITEMS(SWAGGER_SPEC)) "," \
    FIELD("invokableModels", OR_NULL(LIST), FEW ITEMS(PROVIDER_CONFIG_SCHEMA)) "," \
    FIELD("dataStoreConfig", OR_NULL(LIST), FEW ITEMS(NAMESPACE_USE)) "," \
    ALLOWED_HOSTS("")

/* What a user may set: `text` and `tools` are the types of the fields that creation demands,
 * the others say what an absent field becomes. */
#define AGENT_FIELDS(text, tools, none, no_tools, no_list) \
    FIELD("name", text, "") "," \
    FIELD("description", text, "") "," \
    FIELD("code", text, "") "," \
    FIELD("docstring", OR_NULL(TEXT), none) "," \
    FIELD("friendlyName", OR_NULL(TEXT), none) "," \
    FIELD("tools", tools, TOOLS no_tools) "," \
    FIELD("swaggerSpecs", OR_NULL(LIST), FEW ITEMS(SWAGGER_SPEC) no_list) "," \
    FIELD("inputSchema", OR_NULL(OBJECT), ANYTHING none) "," \
    FIELD("outputSchema", OR_NULL(OBJECT), ANYTHING none) "," \
    FIELD("invokableModels", OR_NULL(LIST), FEW ITEMS(PROVIDER_CONFIG_SCHEMA) none) "," \
    FIELD("gofannonAgents", OR_NULL(LIST), FEW ITEMS(SCHEMA_NAME) no_list) "," \
    "\"composerThoughts\": {\"description\": \"Whatever the composer said\"" none "}," \
    FIELD("composerModelConfig", OR_NULL(OBJECT), ", " PROVIDER_CONFIG_MEMBERS none) "," \
    FIELD("dataStoreConfig", OR_NULL(LIST), FEW ITEMS(NAMESPACE_USE) no_list) "," \
    ALLOWED_HOSTS(none)

#define AGENT_CREATE_SCHEMA \
    MODEL("AgentCreate", REQUIRED("\"name\", \"description\", \"code\""), \
        AGENT_FIELDS(TEXT, OBJECT, DEFAULT("null"), DEFAULT("{}"), DEFAULT("[]")) "," \
        "\"workspaceId\": " WORKSPACE_ID_SCHEMA)

/* Absent is not null here: what is absent stays as it is. */
#define AGENT_UPDATE_SCHEMA \
    MODEL("AgentUpdate", "", \
        AGENT_FIELDS(OR_NULL(TEXT), OR_NULL(OBJECT), "", "", "") "," \
        "\"workspaceId\": " WORKSPACE_ID_SCHEMA "," \
        FIELD("_rev", OR_NULL(TEXT), SHORT))

#define AGENT_SCHEMA \
    MODEL("Agent", REQUIRED("\"name\", \"description\", \"code\", \"docstring\", \"friendlyName\", " \
                            "\"tools\", \"swaggerSpecs\", \"inputSchema\", \"outputSchema\", " \
                            "\"invokableModels\", \"gofannonAgents\", \"composerThoughts\", " \
                            "\"composerModelConfig\", \"dataStoreConfig\", \"_id\", \"_rev\", " \
                            "\"createdAt\", \"updatedAt\""), \
        AGENT_FIELDS(TEXT, OBJECT, "", "", "") "," \
        FIELD("_id", TEXT, "") "," \
        FIELD("_rev", TEXT, "") "," \
        "\"createdAt\": " SCHEMA_TIME "," \
        "\"updatedAt\": " SCHEMA_TIME "," \
        FIELD("workspaceId", TEXT, ", \"description\": \"Only where it is in one\""))

#define AGENT_LIST_SCHEMA "{\"type\": \"array\"" ITEMS(AGENT_SCHEMA) "}"

#define VERSION_NUMBER(name, more) FIELD(name, INTEGER, ", \"minimum\": 1" more)
#define VERSION_FIELDS \
    VERSION_NUMBER("version", "") "," \
    "\"createdAt\": " SCHEMA_TIME "," \
    FIELD("createdBy", OR_NULL(TEXT), ", \"description\": \"Who saved it\"") "," \
    FIELD("restoredFrom", OR_NULL(INTEGER), "") "," \
    FIELD("name", TEXT, "") "," \
    FIELD("friendlyName", OR_NULL(TEXT), "") "," \
    FIELD("current", BOOL, ", \"description\": \"The agent is this now\"") "," \
    FIELD("deployedAs", LIST, ITEMS(SCHEMA_TEXT) ", \"description\": \"The names that serve it\"")
#define VERSION_NAMES \
    "\"version\", \"createdAt\", \"createdBy\", \"restoredFrom\", \"current\", \"deployedAs\""

#define VERSION_LIST_SCHEMA \
    "{\"type\": \"array\"" ITEMS(MODEL("AgentVersion", REQUIRED(VERSION_NAMES), VERSION_FIELDS)) "}"

#define VERSION_SCHEMA \
    MODEL("AgentVersionWhole", REQUIRED(VERSION_NAMES ", \"agent\""), \
        VERSION_FIELDS "," \
        FIELD("agent", OBJECT, ANYTHING ", \"description\": \"All that was set\""))

#define DIFF_QUERY_SCHEMA \
    MODEL("AgentDiffQuery", "", \
        VERSION_NUMBER("to", ", \"description\": \"Without it: what the agent is now\""))

#define DIFF_SCHEMA \
    MODEL("AgentDiff", REQUIRED("\"from\", \"to\", \"changes\""), \
        VERSION_NUMBER("from", "") "," \
        VERSION_NUMBER("to", "") "," \
        FIELD("changes", LIST, ITEMS( \
            MODEL("AgentChange", REQUIRED("\"field\", \"from\", \"to\""), \
                FIELD("field", TEXT, "") "," \
                "\"from\": {}, \"to\": {}," \
                FIELD("lines", LIST, ITEMS(SCHEMA_TEXT) \
                    ", \"description\": \"Of a text of several lines, as a unified diff\"")))))

#define AGENT_NODE_FIELDS \
    FIELD("name", TEXT, "") "," \
    FIELD("description", TEXT, "") "," \
    FIELD("input_schema", OR_NULL(OBJECT), ANYTHING) "," \
    FIELD("output_schema", OR_NULL(OBJECT), ANYTHING) "," \
    FIELD("missing", BOOL, "") "," \
    FIELD("truncated", BOOL, "")

#define CHAIN_SCHEMA \
    MODEL("AgentChain", REQUIRED("\"root\", \"nodes\", \"edges\""), \
        FIELD("root", TEXT, "") "," \
        FIELD("nodes", OBJECT, MAP( \
            MODEL("ChainNode", REQUIRED("\"id\", \"type\""), \
                FIELD("id", TEXT, "") "," \
                FIELD("type", TEXT, ", \"enum\": [\"agent\", \"mcp_server\"]") "," \
                AGENT_NODE_FIELDS "," \
                FIELD("url", TEXT, "") "," \
                FIELD("tool_count", INTEGER, "") "," \
                FIELD("tools", LIST, ITEMS(SCHEMA_TEXT))))) "," \
        FIELD("edges", LIST, ITEMS( \
            MODEL("ChainEdge", REQUIRED("\"from\", \"to\", \"type\""), \
                FIELD("from", TEXT, "") "," \
                FIELD("to", TEXT, "") "," \
                FIELD("type", TEXT, ", \"enum\": [\"uses_tools\", \"calls\"]") "," \
                FIELD("tools", LIST, ITEMS(SCHEMA_TEXT)) "," \
                FIELD("cyclic", BOOL, "")))))

#define LLM_SETTINGS_FIELDS \
    FIELD("maxTokens", OR_NULL(INTEGER), DEFAULT("null")) "," \
    FIELD("temperature", OR_NULL(NUMBER), DEFAULT("null")) "," \
    FIELD("reasoningEffort", OR_NULL(TEXT), SHORT DEFAULT("null"))

#define LLM_SETTINGS_FOR_MODEL MODEL("LlmSettingsForModel", "", LLM_SETTINGS_FIELDS)

#define RUN_CODE_SCHEMA \
    MODEL("RunCode", REQUIRED("\"code\", \"inputDict\", \"tools\""), \
        FIELD("code", TEXT, "") "," \
        FIELD("inputDict", OBJECT, ANYTHING) "," \
        FIELD("tools", OBJECT, TOOLS) "," \
        FIELD("gofannonAgents", OR_NULL(LIST), FEW ITEMS(SCHEMA_NAME) DEFAULT("[]")) "," \
        DECLARED_FIELDS "," \
        FIELD("llmSettings", OR_NULL(OBJECT), \
            ", \"title\": \"LlmSettings\", \"properties\": {" \
                FIELD("perModel", OR_NULL(OBJECT), MAP(LLM_SETTINGS_FOR_MODEL) DEFAULT("null")) "," \
                LLM_SETTINGS_FIELDS "}" DEFAULT("null")) "," \
        FIELD("outputSchema", OR_NULL(OBJECT), ANYTHING DEFAULT("null")) "," \
        FIELD("friendlyName", OR_NULL(TEXT), DEFAULT("null")))

#define RUN_RESULT_SCHEMA \
    MODEL("RunResult", \
        REQUIRED("\"result\", \"error\", \"schemaWarnings\", \"opsLog\", \"trace\""), \
        "\"result\": {\"description\": \"What the code returned\"}," \
        FIELD("error", OR_NULL(TEXT), "") "," \
        FIELD("schemaWarnings", OR_NULL(LIST), ITEMS(SCHEMA_TEXT)) "," \
        FIELD("opsLog", OR_NULL(LIST), ITEMS(SCHEMA_ANY_OBJECT)) "," \
        FIELD("trace", OR_NULL(LIST), ITEMS(SCHEMA_ANY_OBJECT)))
