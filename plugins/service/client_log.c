/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "clock.h"
#include "http_json.h"
#include "member.h"
#include "service.h"
#include "str.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { /* bytes of a log line, after secrets have been removed; it has room for all three */
       EVENT_MAX = 128,
       MESSAGE_MAX = 2048,
       METADATA_MAX = 1536,
       USER_AGENT_MAX = 256
};

/* ---- how much ---- */

void bucket_init(struct bucket *bucket, double per_minute)
{
    pthread_mutex_init(&bucket->lock, NULL);
    bucket->per_minute = per_minute;
    bucket->left = per_minute;
    bucket->last_ms = clock_mono_ms();
}

/* 0, or in how many seconds to come again. */
static int bucket_take(struct bucket *bucket)
{
    EIN_LOCKED(&bucket->lock);
    int64_t now = clock_mono_ms();
    double left = bucket->left + (double)(now - bucket->last_ms) * bucket->per_minute / 60000;

    bucket->left = left > bucket->per_minute ? bucket->per_minute : left;
    bucket->last_ms = now;
    if (bucket->left < 1)
        return 1 + (int)((1 - bucket->left) * 60 / bucket->per_minute);
    bucket->left--;
    return 0;
}

/* ---- what ---- */

static int level_of(const char *name)
{
    static const struct {
        const char *name;
        int level;
    } levels[] = {
        { "DEBUG", EIN_DEBUG },  { "INFO", EIN_INFO },   { "WARN", EIN_WARN },
        { "WARNING", EIN_WARN }, { "ERROR", EIN_ERROR }, { "CRITICAL", EIN_ERROR },
    };

    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcasecmp(name, levels[i].name) == 0)
            return levels[i].level;
    }
    return EIN_INFO;
}

/* A copy of `text` without secrets, cut between characters to `max` bytes; free(). */
static char *clean_text(const struct ein_host *host, const char *text, size_t max)
{
    char *clean = host->redact(text);
    char *cut = NULL;
    if (!clean)
        return NULL;

    size_t len = strlen(clean), keep = (size_t)str_cut(clean, (int)max);
    if (asprintf(&cut, keep < len ? "%.*s... [truncated, %zu more bytes]" : "%.*s", (int)keep,
                 clean, len - keep) < 0)
        cut = NULL;
    host->mem_free(clean);
    return cut;
}

/* A header may hold any bytes; JSON may not. */
static json_t *user_agent(const struct ein_http *http, const struct ein_req *req)
{
    const char *header = http->header(req, "User-Agent");
    char text[USER_AGENT_MAX + 1];
    size_t len = 0;

    if (!header)
        return json_null();
    for (; header[len] && len < USER_AGENT_MAX; len++)
        text[len] = header[len] < ' ' || header[len] > '~' ? '?' : header[len];
    return json_stringn(text, len);
}

/* Where the client is, first so that it is never cut off, and what it says; free(). */
static char *metadata_text(const struct service *service, const struct ein_req *req)
{
    const struct ein_http *http = service->host->http;
    json_t *given = json_object_get(http->body(req), "metadata");
    EIN_JSON json_t *metadata = json_pack("{s:s?, s:o}", "client_host", http->client_addr(req),
                                          "user_agent", user_agent(http, req));

    if (!metadata || (json_is_object(given) && json_object_update_missing(metadata, given)))
        return NULL;
    EIN_FREE char *text = json_dumps(metadata, JSON_COMPACT);
    return text ? clean_text(service->host, text, METADATA_MAX) : NULL;
}

static int refuse(const struct service *service, struct ein_req *req, int wait_s)
{
    const struct ein_http *http = service->host->http;

    service->host->count(service->ctx, "einion_client_log_refused_total", 1, NULL);
    if (reply_retry_after(http, req, (uint32_t)wait_s * 1000) < 0)
        return EIN_E_NO_MEMORY;
    return http->fail(req, 429, "Too many log messages; try again in %d s.", wait_s);
}

int client_log_post(struct ein_req *req, void *self)
{
    static const char answer[] = "{\"status\":\"logged\"}";
    struct service *service = self;
    const struct ein_host *host = service->host;
    const struct ein_http *http = host->http;
    const json_t *body = http->body(req);

    int wait_s = bucket_take(&service->client_log);
    if (wait_s)
        return refuse(service, req, wait_s);

    EIN_FREE char *event = clean_text(host, text_of(body, "eventType"), EVENT_MAX);
    EIN_FREE char *message = clean_text(host, text_of(body, "message"), MESSAGE_MAX);
    EIN_FREE char *metadata = metadata_text(service, req);
    if (!event || !message || !metadata)
        return EIN_E_NO_MEMORY;

    http->log_msg(req, level_of(text_of(body, "level")), "client %s: %s %s", event, message,
                  metadata);
    return http->reply_bytes(req, 202, "application/json", answer, sizeof(answer) - 1);
}
