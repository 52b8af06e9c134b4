/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "schemas.h"
#include <einion/plugin.h>

#define RECORD_SCHEMA                                                                              \
    SCHEMA({                                                                                       \
        "type" : "object",                                                                         \
        "title" : "Record",                                                                        \
        "required" : [                                                                             \
            "_id", "userId", "namespace", "key", "value", "metadata", "createdByAgent",            \
            "lastAccessedByAgent", "accessCount", "createdAt", "updatedAt", "lastAccessedAt"       \
        ],                                                                                         \
        "properties" : {                                                                           \
            "_id" : { "type" : "string" },                                                         \
            "userId" : { "type" : "string" },                                                      \
            "namespace" : { "type" : "string" },                                                   \
            "key" : { "type" : "string" },                                                         \
            "value" : {},                                                                          \
            "metadata" : { "type" : "object", "additionalProperties" : true },                     \
            "createdByAgent" : { "type" : [ "string", "null" ] },                                  \
            "lastAccessedByAgent" : { "type" : [ "string", "null" ] },                             \
            "accessCount" : { "type" : "integer", "minimum" : 0 },                                 \
            "createdAt" : { "type" : "string", "format" : "date-time" },                           \
            "updatedAt" : { "type" : "string", "format" : "date-time" },                           \
            "lastAccessedAt" : { "type" : [ "string", "null" ], "format" : "date-time" }           \
        }                                                                                          \
    })

#define RECORDS_SCHEMA SCHEMA({"type": "array", "items": ) RECORD_SCHEMA SCHEMA(})

#define RECORD_PUT_SCHEMA                                                                          \
    SCHEMA({                                                                                       \
        "type" : "object",                                                                         \
        "required" : ["value"],                                                                    \
        "properties" : {                                                                           \
            "value" : {},                                                                          \
            "metadata" : { "type" : [ "object", "null" ], "additionalProperties" : true },         \
            "_rev" : {                                                                             \
                "type" : [ "string", "null" ],                                                     \
                "maxLength" : 256,                                                                 \
                "description" : "The revision that must be stored, else 409"                       \
            }                                                                                      \
        }                                                                                          \
    })

ein_handler records_list, record_get_one, record_put_one, record_delete_one;
