/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "data_store.h"
#include "schemas.h"
#include <jansson.h>

#define NAMESPACE_SCHEMA                                                                           \
    SCHEMA({                                                                                       \
        "type" : "object",                                                                         \
        "title" : "Namespace",                                                                     \
        "required" : [ "namespace", "recordCount", "sizeBytes", "agents", "updatedAt" ],           \
        "properties" : {                                                                           \
            "namespace" : { "type" : "string" },                                                   \
            "recordCount" : { "type" : "integer", "minimum" : 0 },                                 \
            "sizeBytes" : { "type" : "integer", "minimum" : 0 },                                   \
            "agents" : { "type" : "array", "items" : { "type" : "string" } },                      \
            "updatedAt" : { "type" : [ "string", "null" ], "format" : "date-time" }                \
        }                                                                                          \
    })

#define NAMESPACES_SCHEMA                                                                          \
    SCHEMA({"type": "object",                                                                      \
            "required": ["namespaces", "totalRecordCount", "totalSizeBytes"],                      \
            "properties": {"namespaces": {"type": "array", "items": ) NAMESPACE_SCHEMA SCHEMA(},   \
                           "totalRecordCount": {"type": "integer", "minimum": 0},                  \
                           "totalSizeBytes": {"type": "integer", "minimum": 0}}})

#define CLEARED_SCHEMA                                                                             \
    SCHEMA({                                                                                       \
        "type" : "object",                                                                         \
        "required" : [ "namespace", "deletedCount" ],                                              \
        "properties" : {                                                                           \
            "namespace" : { "type" : "string" },                                                   \
            "deletedCount" : { "type" : "integer", "minimum" : 0 }                                 \
        }                                                                                          \
    })

ein_handler namespaces_list, namespace_get, namespace_delete;

/* The names of all the user's namespaces, sorted. */
int namespace_names(const struct data_store *store, const char *user, json_t **ret_names,
                    struct ein_error *err);

/* The member names of OBJECT, sorted by bytes.  NULL: no memory. */
json_t *sorted_names(json_t *object);

/* Deletes all records of one, all or none; how many there were. */
int namespace_clear(const struct data_store *store, const char *user, const char *ns,
                    struct ein_error *err);
