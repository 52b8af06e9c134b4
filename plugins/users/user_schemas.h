/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "schemas.h"

#define DOLLARS        SCHEMA({ "type" : "number", "minimum" : 0, "maximum" : 4000000 })
#define DOLLARS_OR_NOT SCHEMA({ "type" : [ "number", "null" ], "minimum" : 0, "maximum" : 4000000 })
/* Milliseconds, up to the end of the year 9999. */
#define RESET_DATE SCHEMA({ "type" : "number", "minimum" : 0, "maximum" : 253402300799999 })
#define RESET_DATE_OR_NOT                                                                          \
    SCHEMA({ "type" : [ "number", "null" ], "minimum" : 0, "maximum" : 253402300799999 })

/* A body with one member that has to be there. */
#define BODY_OF(name, schema)                                                                      \
    "{\"type\":\"object\",\"required\":[\"" name "\"],\"properties\":{\"" name "\":" schema "}}"

#define ALLOWANCE_SCHEMA  BODY_OF("monthlyAllowance", DOLLARS)
#define RESET_DATE_SCHEMA BODY_OF("allowanceResetDate", RESET_DATE)
#define SPEND_SCHEMA      BODY_OF("spendRemaining", DOLLARS)

#define ADMIN_PUT_SCHEMA                                                                           \
    "{\"type\":\"object\",\"properties\":{\"monthlyAllowance\":" DOLLARS_OR_NOT                    \
    ",\"allowanceResetDate\":" RESET_DATE_OR_NOT ",\"spendRemaining\":" DOLLARS_OR_NOT "}}"

#define ERASED_SCHEMA                                                                              \
    SCHEMA({                                                                                       \
        "type" : "object",                                                                         \
        "title" : "Erased",                                                                        \
        "required" : ["erased"],                                                                   \
        "properties" : {                                                                           \
            "erased" : {                                                                           \
                "type" : "object",                                                                 \
                "additionalProperties" : { "type" : "integer" },                                   \
                "description" : "how many things, by what they are"                                \
            }                                                                                      \
        }                                                                                          \
    })

#define USAGE_SCHEMA                                                                               \
    SCHEMA({                                                                                       \
        "type" : "object",                                                                         \
        "required" : ["responseCost"],                                                             \
        "properties" : {                                                                           \
            "responseCost" : { "type" : "number", "minimum" : 0, "maximum" : 4000000 },            \
            "metadata" : { "type" : [ "object", "null" ], "additionalProperties" : true }          \
        }                                                                                          \
    })

#define ZONE_SCHEMA                                                                                \
    SCHEMA({                                                                                       \
        "type" : "object",                                                                         \
        "required" : ["timeZone"],                                                                 \
        "properties" : { "timeZone" : { "type" : [ "string", "null" ], "maxLength" : 64 } }        \
    })

#define ZONE_REPLY_SCHEMA                                                                          \
    SCHEMA({                                                                                       \
        "type" : "object",                                                                         \
        "title" : "TimeZone",                                                                      \
        "required" : [ "timeZone", "effective" ],                                                  \
        "properties" : {                                                                           \
            "timeZone" : { "type" : [ "string", "null" ] },                                        \
            "effective" : { "type" : "string" }                                                    \
        }                                                                                          \
    })

#define MASKS_SCHEMA                                                                               \
    SCHEMA({                                                                                       \
        "type" : "object",                                                                         \
        "title" : "ApiKeys",                                                                       \
        "required" : [                                                                             \
            "openaiApiKey", "anthropicApiKey", "geminiApiKey", "perplexityApiKey",                 \
            "openrouterApiKey"                                                                     \
        ],                                                                                         \
        "properties" : {                                                                           \
            "openaiApiKey" : { "type" : [ "string", "null" ] },                                    \
            "anthropicApiKey" : { "type" : [ "string", "null" ] },                                 \
            "geminiApiKey" : { "type" : [ "string", "null" ] },                                    \
            "perplexityApiKey" : { "type" : [ "string", "null" ] },                                \
            "openrouterApiKey" : { "type" : [ "string", "null" ] }                                 \
        }                                                                                          \
    })

#define USAGE_ITEM_SCHEMA                                                                          \
    SCHEMA({                                                                                       \
        "type" : "object",                                                                         \
        "required" : [ "timestamp", "responseCost", "metadata" ],                                  \
        "properties" : {                                                                           \
            "timestamp" : { "type" : "string", "format" : "date-time" },                           \
            "responseCost" : { "type" : "number" },                                                \
            "metadata" : { "type" : [ "object", "null" ], "additionalProperties" : true }          \
        }                                                                                          \
    })

#define USER_SCHEMA                                                                                \
    "{\"type\":\"object\",\"title\":\"User\",\"required\":[\"_id\",\"_rev\",\"createdAt\","        \
    "\"updatedAt\",\"basicInfo\",\"billingInfo\",\"usageInfo\",\"apiKeys\"],\"properties\":{"      \
    "\"_id\":{\"type\":\"string\"},\"_rev\":{\"type\":\"string\"},\"createdAt\":" SCHEMA_TIME      \
    ",\"updatedAt\":" SCHEMA_TIME ",\"basicInfo\":" SCHEMA({                                       \
        "type" : "object",                                                                         \
        "required" : [ "displayName", "email" ],                                                   \
        "properties" : {                                                                           \
            "displayName" : { "type" : [ "string", "null" ] },                                     \
            "email" : { "type" : [ "string", "null" ] }                                            \
        }                                                                                          \
    }) ",\"billingInfo\":" SCHEMA({                                                                \
        "type" : "object",                                                                         \
        "required" : [ "plan", "status" ],                                                         \
        "properties" : {                                                                           \
            "plan" : { "type" : [ "string", "null" ] },                                            \
            "status" : { "type" : [ "string", "null" ] }                                           \
        }                                                                                          \
    }) ",\"usageInfo\":{\"type\":\"object\",\"required\":[\"monthlyAllowance\","                   \
       "\"allowanceResetDate\",\"spendRemaining\",\"usage\"],\"properties\":{"                     \
       "\"monthlyAllowance\":{\"type\":\"number\"},\"allowanceResetDate\":{\"type\":\"number\"},"  \
       "\"spendRemaining\":{\"type\":\"number\"},\"usage\":{\"type\":\"array\","                   \
       "\"items\":" USAGE_ITEM_SCHEMA "}}},\"apiKeys\":" MASKS_SCHEMA ",\"blocked\":" SCHEMA({     \
           "type" : "object",                                                                      \
           "properties" : {                                                                        \
               "at" : { "type" : "string", "format" : "date-time" },                               \
               "by" : { "type" : "string" },                                                       \
               "reason" : { "type" : [ "string", "null" ] }                                        \
           }                                                                                       \
       }) "}}"

#define BLOCK_SCHEMA                                                                               \
    SCHEMA({                                                                                       \
        "type" : "object",                                                                         \
        "properties" : {                                                                           \
            "reason" : {                                                                           \
                "type" : [ "string", "null" ],                                                     \
                "maxLength" : 500,                                                                 \
                "description" : "For other admins; the user is not told"                           \
            }                                                                                      \
        }                                                                                          \
    })

#define USER_LIST_SCHEMA "{\"type\":\"array\",\"items\":" USER_SCHEMA "}"

#define KEY_PUT_SCHEMA                                                                             \
    SCHEMA({                                                                                       \
        "type" : "object",                                                                         \
        "required" : [ "provider", "api_key" ],                                                    \
        "properties" : {                                                                           \
            "provider" : { "type" : "string", "maxLength" : 256 },                                 \
            "api_key" :                                                                            \
                { "type" : "string", "minLength" : 1, "maxLength" : 8192, "writeOnly" : true }     \
        }                                                                                          \
    })

#define EFFECTIVE_SCHEMA                                                                           \
    SCHEMA({                                                                                       \
        "type" : "object",                                                                         \
        "title" : "EffectiveKey",                                                                  \
        "required" : [ "provider", "has_key", "source" ],                                          \
        "properties" : {                                                                           \
            "provider" : { "type" : "string" },                                                    \
            "has_key" : { "type" : "boolean" },                                                    \
            "source" : { "type" : [ "string", "null" ] }                                           \
        }                                                                                          \
    })

#define REPORT_TIMES                                                                               \
    "\"from\":{\"type\":\"string\",\"description\":\"Not before this day, or moment (ISO 8601, "   \
    "or milliseconds); default: 30 days before `to`\"},\"to\":{\"type\":\"string\","               \
    "\"description\":\"Up to the end of this day, or before this moment; default: now\"},"         \
    "\"format\":{\"type\":\"string\",\"enum\":[\"json\",\"csv\"],\"description\":\"As Accept: "    \
    "text/csv does\"}"
#define REPORT_MINE_QUERY                                                                          \
    "{\"type\":\"object\",\"properties\":{\"by\":{\"type\":\"string\",\"enum\":[\"day\","          \
    "\"model\",\"agent\",\"key\"],\"default\":\"day\"}," REPORT_TIMES "}}"
#define REPORT_ALL_QUERY                                                                           \
    "{\"type\":\"object\",\"properties\":{\"by\":{\"type\":\"string\",\"enum\":[\"day\","          \
    "\"model\",\"agent\",\"key\",\"user\"],\"default\":\"day\"}," REPORT_TIMES "}}"

#define REPORT_COUNTS                                                                              \
    "\"calls\":{\"type\":\"integer\"},\"cost\":{\"type\":\"number\"},\"costNano\":{\"type\":"      \
    "\"integer\"},\"inputTokens\":{\"type\":\"integer\"},\"cachedTokens\":{\"type\":"              \
    "\"integer\"},\"cacheWriteTokens\":{\"type\":\"integer\"},\"outputTokens\":{\"type\":"         \
    "\"integer\"},\"reasoningTokens\":{\"type\":\"integer\"}"
#define REPORT_LABEL(name) "\"" name "\":{\"type\":[\"string\",\"null\"]},"
#define REPORT_SCHEMA                                                                              \
    "{\"type\":\"object\",\"title\":\"UsageReport\",\"required\":[\"from\",\"to\",\"by\","         \
    "\"timeZone\",\"total\",\"rows\",\"unsettled\"],\"properties\":{\"from\":" SCHEMA_TIME         \
    ",\"to\":" SCHEMA_TIME ",\"by\":{\"type\":\"string\"},\"timeZone\":{\"type\":\"string\"},"     \
    "\"total\":{\"type\":\"object\",\"properties\":{" REPORT_COUNTS "}},"                          \
    "\"rows\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{" REPORT_LABEL(   \
        "day") REPORT_LABEL("model") REPORT_LABEL("agent") REPORT_LABEL("key")                     \
        REPORT_LABEL("user") REPORT_LABEL(                                                         \
            "name") "\"blocked\":{\"type\":\"boolean\"}," REPORT_COUNTS "}}},"                     \
                    "\"unsettled\":{\"type\":\"object\",\"properties\":{\"open\":{\"type\":"       \
                    "\"integer\"},"                                                                \
                    "\"expired\":{\"type\":\"integer\"},\"bound\":{\"type\":\"number\"}}}}}"
