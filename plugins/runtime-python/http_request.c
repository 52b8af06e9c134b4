/* SPDX-License-Identifier: Apache-2.0 */
#include "http_request.h"
#include "error.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Those the connection owns, and those that say what we understand. */
static bool is_ours(const char *name)
{
    static const char *const names[] = { "host",
                                         "connection",
                                         "keep-alive",
                                         "te",
                                         "trailer",
                                         "transfer-encoding",
                                         "upgrade",
                                         "proxy-authorization",
                                         "proxy-connection",
                                         "expect",
                                         "content-length",
                                         "accept-encoding" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return false;
}

static bool is_clean(const char *text)
{
    return text && !strpbrk(text, "\r\n");
}

static bool add_header(char **place, const char *name, const char *value)
{
    if (asprintf(place, "%s: %s", name, value) >= 0)
        return true;
    *place = NULL;
    return false;
}

static bool copy_headers(struct http_request *request, const json_t *headers, size_t *ret_count)
{
    size_t i, count = 0;
    json_t *pair;

    json_array_foreach((json_t *)headers, i, pair)
    {
        const char *name = json_string_value(json_array_get(pair, 0));
        const char *value = json_string_value(json_array_get(pair, 1));
        if (!is_clean(name) || !is_clean(value) || !*name || strpbrk(name, ": ") ||
            count == HTTP_HEADERS_MAX)
            return false;
        if (is_ours(name))
            continue;
        if (!add_header(&request->headers[count], name, value))
            return false;
        count++;
    }
    *ret_count = count;
    return true;
}

/* A body without a length is sent in chunks. */
static bool add_length(struct http_request *request, const json_t *length, size_t count)
{
    char text[32];

    if (!request->in_pieces || !json_is_integer(length) || json_integer_value(length) < 0)
        return true;
    snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(length));
    return add_header(&request->headers[count], "Content-Length", text);
}

static bool is_method(const char *method)
{
    return method && *method && strlen(method) < 32 &&
           strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(method);
}

static uint32_t timeout_of(const json_t *params, const char *name, uint32_t most_ms)
{
    double seconds = json_number_value(json_object_get(json_object_get(params, "timeout"), name));

    return seconds > 0 && seconds * 1000 < most_ms ? (uint32_t)(seconds * 1000) + 1 : most_ms;
}

int http_request_read(const struct json_t *params, const struct limits *limits,
                      struct http_request *ret_request, struct ein_error *err)
{
    const char *method = json_string_value(json_object_get(params, "method"));
    const char *url = json_string_value(json_object_get(params, "url"));
    const uint32_t most_ms = limits->http_timeout_ms;
    struct http_request request = { .in_pieces = json_is_true(json_object_get(params, "more")),
                                    .connect_ms = timeout_of(params, "connect", most_ms),
                                    .read_ms = timeout_of(params, "read", most_ms),
                                    .total_ms = most_ms };
    size_t count;

    request.method = is_method(method) ? strdup(method) : NULL;
    request.url = is_clean(url) ? strdup(url) : NULL;
    if (!request.method || !request.url ||
        !copy_headers(&request, json_object_get(params, "headers"), &count) ||
        !add_length(&request, json_object_get(params, "length"), count)) {
        http_request_done(&request);
        return error_set(err, EIN_E_INVALID, "This is not a proper HTTP request.");
    }
    *ret_request = request;
    return 0;
}

void http_request_done(struct http_request *request)
{
    for (char **header = request->headers; *header; header++)
        free(*header);
    free(request->method);
    free(request->url);
}
