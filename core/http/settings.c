/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"
#include "error.h"
#include "member.h"
#include <ctype.h>
#include <string.h>

/* Names, defaults and ranges are those of config_schema.json. */
static const struct {
    const char *name;
    size_t offset;
} limit_table[] = {
    { "connections", offsetof(struct limits, connections) },
    { "connections_per_ip", offsetof(struct limits, connections_per_ip) },
    { "stack_bytes", offsetof(struct limits, stack_bytes) },
    { "header_bytes", offsetof(struct limits, header_bytes) },
    { "url_bytes", offsetof(struct limits, url_bytes) },
    { "body_bytes", offsetof(struct limits, body_bytes) },
    { "json_depth", offsetof(struct limits, json_depth) },
    { "json_values", offsetof(struct limits, json_values) },
    { "idle_ms", offsetof(struct limits, idle_ms) },
    { "read_ms", offsetof(struct limits, read_ms) },
    { "request_ms", offsetof(struct limits, request_ms) },
    { "reply_bytes_s", offsetof(struct limits, reply_bytes_s) },
    { "streams", offsetof(struct limits, streams) },
    { "stream_queue_bytes", offsetof(struct limits, stream_queue_bytes) },
    { "heartbeat_ms", offsetof(struct limits, heartbeat_ms) },
    { "recheck_s", offsetof(struct limits, recheck_s) },
    { "idempotency_kept_s", offsetof(struct limits, idempotency_kept_s) },
    { "idempotency_running_s", offsetof(struct limits, idempotency_running_s) },
    { "idempotency_bytes", offsetof(struct limits, idempotency_bytes) },
    { "idempotency_answers", offsetof(struct limits, idempotency_answers) },
};

int64_t limits_reply_ms(const struct limits *limits, int64_t len)
{
    return limits->idle_ms + len * 1000 / limits->reply_bytes_s;
}

static int read_limits(struct limits *limits, const json_t *json, struct ein_error *err)
{
    for (size_t i = 0; i < sizeof(limit_table) / sizeof(limit_table[0]); i++) {
        uint32_t *limit = (uint32_t *)((char *)limits + limit_table[i].offset);
        const json_t *value = json_object_get(json, limit_table[i].name);
        json_int_t number = json_integer_value(value);

        if (!json_is_integer(value) || number < 0 || number > UINT32_MAX)
            return error_set(err, EIN_E_INVALID, "limits.%s: not a number up to %u",
                             limit_table[i].name, UINT32_MAX);
        *limit = (uint32_t)number;
    }
    return 0;
}

static char *lower(char *text)
{
    for (char *at = text; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    return text;
}

/* "http://Example.org:3000/" -> "http://example.org:3000", as browsers send it. */
static char *origin_of(const char *text)
{
    const char *host = strstr(text, "://");

    if (!host || host == text || host[3] == '\0' || host[3] == '/')
        return NULL;
    host += 3;
    if (host[strcspn(host, "/?#")] != '\0' && strcmp(host + strcspn(host, "/?#"), "/") != 0)
        return NULL;
    char *copy = strndup(text, (size_t)(host - text) + strcspn(host, "/"));

    return copy ? lower(copy) : NULL;
}

static char *host_of(const char *origin)
{
    const char *host = strstr(origin, "://") + 3;
    const char *end = *host == '[' ? strchr(host, ']') : NULL;

    return strndup(host, end ? (size_t)(end - host) + 1 : strcspn(host, ":"));
}

static int read_origins(struct settings *settings, const json_t *origins, struct ein_error *err)
{
    size_t count = json_array_size(origins), i;
    const json_t *item;

    settings->origins = calloc(count + 1, sizeof(char *));
    settings->hosts = calloc(count + 1, sizeof(char *));
    if (!settings->origins || !settings->hosts)
        return error_no_memory(err);

    json_array_foreach(origins, i, item)
    {
        const char *text = json_string_value(item);

        settings->origins[i] = text ? origin_of(text) : NULL;
        if (!settings->origins[i])
            return error_set(err, EIN_E_INVALID,
                             "http.origins: \"%s\" is not like http://host:port",
                             text ? text : "?");
        settings->hosts[i] = host_of(settings->origins[i]);
        if (!settings->hosts[i])
            return error_no_memory(err);
    }
    return 0;
}

static int read_proxies(struct settings *settings, const json_t *proxies, struct ein_error *err)
{
    size_t i;
    const json_t *item;

    settings->proxies = calloc(json_array_size(proxies) + 1, sizeof(*settings->proxies));
    if (!settings->proxies)
        return error_no_memory(err);
    json_array_foreach(proxies, i, item)
    {
        const char *text = json_string_value(item);
        bool bad;

        if (!text || !net_parse(text, &settings->proxies[settings->proxy_count], &bad))
            return error_set(err, EIN_E_INVALID,
                             "http.trusted_proxies: '%s' is neither an address nor a network",
                             text ? text : "?");
        settings->proxy_count++;
    }
    return 0;
}

static int read_public_url(struct settings *settings, const json_t *json, struct ein_error *err)
{
    const char *text = json_string_value(json);

    if (!text || !*text)
        return 0;
    settings->public_url = origin_of(text);
    return settings->public_url
               ? 0
               : error_set(err, EIN_E_INVALID, "http.public_url: \"%s\" is not like https://host",
                           text);
}

static int read_http(struct settings *settings, const json_t *http, struct ein_error *err)
{
    int r = read_origins(settings, json_object_get(http, "origins"), err);

    if (r >= 0)
        r = read_proxies(settings, json_object_get(http, "trusted_proxies"), err);
    if (r >= 0)
        r = read_public_url(settings, json_object_get(http, "public_url"), err);
    settings->wrong_per_minute = setting_of(http, "wrong_logins_per_minute");
    settings->wrong_delay_ms = setting_of(http, "wrong_login_delay_ms");
    settings->wrong_addresses = setting_of(http, "wrong_login_addresses");
    return r;
}

int settings_new(const struct settings_from *from, struct settings **ret_settings,
                 struct ein_error *err)
{
    struct settings *settings = calloc(1, sizeof(*settings));
    const char *check = getenv("EIN_CHECK_REPLIES");
    int r;

    if (!settings)
        return error_no_memory(err);
    settings->no_login = from->no_login;
    settings->shared = from->shared;
    settings->check_replies = check && strcmp(check, "1") == 0;

    r = read_limits(&settings->limits, from->limits, err);
    if (r >= 0)
        r = read_http(settings, from->http, err);
    if (r >= 0 && from->admin_password) {
        settings->admin_password = strdup(from->admin_password);
        if (!settings->admin_password)
            r = error_no_memory(err);
    }
    if (r < 0) {
        settings_free(settings);
        return r;
    }
    *ret_settings = settings;
    return 0;
}

static void free_texts(const char **texts)
{
    for (size_t i = 0; texts && texts[i]; i++)
        free((char *)texts[i]);
    free(texts);
}

void settings_free(struct settings *settings)
{
    while (settings) {
        struct settings *older = settings->older;

        free_texts(settings->origins);
        free_texts(settings->hosts);
        free(settings->proxies);
        free(settings->public_url);
        if (settings->admin_password)
            explicit_bzero(settings->admin_password, strlen(settings->admin_password));
        free(settings->admin_password);
        free(settings);
        settings = older;
    }
}
