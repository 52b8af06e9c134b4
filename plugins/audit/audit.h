/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "entry.h"
#include "http_json.h"
#include "schemas.h"

#include <einion/services.h>
#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>

#define AUDIT_SET      "audit"
#define AUDIT_HEAD_SET "audit_head"
#define AUDIT_HEAD_ID  "head"

struct waiting; /* append.c */

/* Where the chain ends. */
struct head {
    uint64_t seq;
    char mac[MAC_SIZE]; /* of the last entry; of nothing where there is none */
    char rev[EIN_REV_SIZE];
};

struct audit {
    const struct ein_host *host;
    struct ein_ctx *ctx;

    pthread_mutex_t lock;
    pthread_cond_t written;
    struct waiting *first, **last; /* guarded by lock */
    bool writing;                  /* guarded by lock; somebody writes for all who wait */
    bool known;                    /* for who writes: key and head are at hand */
    struct head head;              /* the same */
    struct mac_key key;            /* the same */
};

/* key.c: key and head as they are stored; where there are none yet, and MAKE, they are made.
 * INVALID: they are not what einion has written, or one of them is gone. */
int audit_load(struct audit *audit, bool make, struct mac_key *ret_key, struct head *ret_head,
               struct ein_error *err);
/* verify.c: INVALID where there are entries, and no head. */
int audit_check_none(struct audit *audit, struct ein_error *err);
json_t *audit_head_doc(const struct mac_key *key, const struct head *head);

/* audit/1 */
int audit_append(void *impl, json_t *take_event, struct ein_error *err);
int audit_verify(void *impl, uint64_t *ret_count, struct ein_error *err);

ein_handler audit_list;

#define AUDIT_LIST_SCHEMA                                                                          \
    SCHEMA({                                                                                       \
        "type" : "array",                                                                          \
        "items" : {                                                                                \
            "type" : "object",                                                                     \
            "title" : "AuditEntry",                                                                \
            "required" : [                                                                         \
                "seq", "timestamp", "action", "actor", "target", "address", "outcome", "details",  \
                "mac"                                                                              \
            ],                                                                                     \
            "properties" : {                                                                       \
                "seq" : { "type" : "integer" },                                                    \
                "timestamp" : { "type" : "string", "format" : "date-time" },                       \
                "action" : { "type" : "string" },                                                  \
                "actor" : { "type" : [ "string", "null" ] },                                       \
                "target" : { "type" : [ "string", "null" ] },                                      \
                "address" : { "type" : [ "string", "null" ] },                                     \
                "outcome" : { "type" : [ "string", "null" ] },                                     \
                "details" : { "type" : [ "object", "null" ], "additionalProperties" : true },      \
                "mac" : { "type" : "string" }                                                      \
            }                                                                                      \
        }                                                                                          \
    })

#define AUDIT_TIME(what)                                                                           \
    "{\"type\":\"string\",\"pattern\":\"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{5,15}Z?)?$\","        \
    "\"description\":\"" what " this time (ISO 8601, UTC)\"}"
#define AUDIT_QUERY_SCHEMA                                                                         \
    "{\"type\":\"object\",\"properties\":{"                                                        \
    "\"actor\":{\"type\":\"string\",\"description\":\"Who did it\"},"                              \
    "\"action\":{\"type\":\"string\",\"description\":\"What was done\"},"                          \
    "\"from\":" AUDIT_TIME("Not before") ",\"to\":" AUDIT_TIME("Before") "," PAGE_PROPERTIES "}}"
