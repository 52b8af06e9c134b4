/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "schemas.h"
#include <einion/plugin.h>
#include <jansson.h>
#include <pthread.h>

/* Who may read /metrics without a token. */
enum metrics_readers { METRICS_NOBODY, METRICS_LOOPBACK, METRICS_ALL };

enum { ETAG_SIZE = 24 };

/* A reply that is the same until the document behind it changes. */
struct rendered {
    pthread_mutex_t lock;
    json_t *document; /* guarded by lock, as are the next two; NULL: not rendered yet */
    char *text;
    char etag[ETAG_SIZE];
};

/* So many at once, and so many a minute after that. */
struct bucket {
    pthread_mutex_t lock;
    double per_minute;
    double left;     /* guarded by lock */
    int64_t last_ms; /* guarded by lock; monotonic */
};

/* One instance of the plugin. */
struct service {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    enum metrics_readers metrics_readers;
    const char *metrics_token; /* lent by the host; NULL: none */
    struct rendered openapi;
    struct bucket client_log;
};

/* clang-format off */
#define STATUS_SCHEMA \
    SCHEMA({"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}})

#define ROOT_SCHEMA SCHEMA({ \
    "type": "object", "required": ["Hello", "Service"], \
    "properties": {"Hello": {"type": "string"}, "Service": {"type": "string"}} \
})

#define HEALTH_SCHEMA SCHEMA({ \
    "type": "object", "required": ["status", "service"], \
    "properties": {"status": {"type": "string"}, "service": {"type": "string"}} \
})

#define READY_SCHEMA SCHEMA({ \
    "type": "object", "required": ["status", "plugins"], \
    "properties": { \
        "status": {"type": "string", "enum": ["ready", "draining", "degraded"]}, \
        "plugins": { \
            "type": "array", \
            "items": { \
                "type": "object", "required": ["name", "state", "reason"], \
                "properties": { \
                    "name": {"type": "string"}, \
                    "state": {"type": "string"}, \
                    "reason": {"type": ["string", "null"]} \
                } \
            } \
        } \
    } \
})

#define CLIENT_LOG_SCHEMA SCHEMA({ \
    "type": "object", "title": "ClientLog", "required": ["eventType", "message"], \
    "properties": { \
        "eventType": {"type": "string"}, \
        "message": {"type": "string"}, \
        "level": {"type": "string", "default": "INFO"}, \
        "metadata": {"type": ["object", "null"], "additionalProperties": true} \
    } \
})
/* clang-format on */

ein_handler root_get, health_get, live_get, ready_get, metrics_get; /* health.c */
ein_handler openapi_get, docs_get;                                  /* docs.c */
ein_handler client_log_post;                                        /* client_log.c */

/* health.c: who may read /metrics. */
void metrics_init(struct service *service, const json_t *config);
void bucket_init(struct bucket *bucket, double per_minute);
void rendered_done(struct rendered *rendered);
