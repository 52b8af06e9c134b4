/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "error.h"
#include "from_here.h"
#include "service.h"
#include "str.h"
#include <einion/services.h>

#include <stdbool.h>
#include <string.h>

/* ---- answers that never change ---- */

static int reply_text(struct ein_req *req, void *self, const char *text, size_t len)
{
    const struct service *service = self;

    return service->host->http->reply_bytes(req, 200, "application/json", text, len);
}

int root_get(struct ein_req *req, void *self)
{
    static const char text[] = "{\"Hello\":\"World\",\"Service\":\"User-Service\"}";
    return reply_text(req, self, text, sizeof(text) - 1);
}

int health_get(struct ein_req *req, void *self)
{
    static const char text[] = "{\"status\":\"healthy\",\"service\":\"user-service\"}";
    return reply_text(req, self, text, sizeof(text) - 1);
}

int live_get(struct ein_req *req, void *self)
{
    static const char text[] = "{\"status\":\"alive\"}";
    return reply_text(req, self, text, sizeof(text) - 1);
}

/* ---- what the server says of itself ---- */

static int read_status(const struct service *service, json_t **ret_status, struct ein_error *err)
{
    const struct ein_host *host = service->host;
    const struct ein_service *found;

    int r = host->acquire(service->ctx, EIN_SERVER, NULL, &found);
    if (r < 0)
        return error_set(err, r, "The server's status is not available.");
    const struct ein_server *server = found->vtable;
    r = server->status(found->impl, ret_status, err);
    host->release(service->ctx, found);
    return r;
}

/* What a stranger is told of it: which plugins are well, and why the others are not. */
static json_t *status_view(const json_t *status)
{
    const json_t *plugins = json_object_get(status, "plugins");
    EIN_JSON json_t *view = json_array();
    size_t index;
    const json_t *plugin;

    json_array_foreach(plugins, index, plugin)
    {
        json_t *line = json_pack("{s:O, s:O, s:O?}", "name", json_object_get(plugin, "name"),
                                 "state", json_object_get(plugin, "state"), "reason",
                                 json_object_get(plugin, "reason"));
        if (json_array_append_new(view, line))
            return NULL;
    }
    return json_pack("{s:O, s:O}", "status", json_object_get(status, "status"), "plugins", view);
}

int ready_get(struct ein_req *req, void *self)
{
    const struct service *service = self;
    const struct ein_http *http = service->host->http;
    struct ein_error err;
    EIN_JSON json_t *status = NULL;

    if (read_status(service, &status, &err) < 0)
        return http->fail_error(req, &err);
    const char *word = json_string_value(json_object_get(status, "status"));
    bool ready = word && strcmp(word, "ready") == 0;
    if (http->set_header(req, "Cache-Control", "no-store") < 0)
        return EIN_E_NO_MEMORY;
    return http->reply(req, ready ? 200 : 503, status_view(status));
}

/* ---- metrics ---- */

void metrics_init(struct service *service, const json_t *config)
{
    const char *readers = json_string_value(json_object_get(config, "metrics"));
    const char *token = service->host->secret(service->ctx, "METRICS_TOKEN");

    service->metrics_readers = METRICS_LOOPBACK;
    if (readers && strcmp(readers, "all") == 0)
        service->metrics_readers = METRICS_ALL;
    else if (readers && strcmp(readers, "nobody") == 0)
        service->metrics_readers = METRICS_NOBODY;
    /* An empty one would let everybody in. */
    service->metrics_token = token && *token ? token : NULL;
}

static bool has_token(const struct service *service, const struct ein_req *req)
{
    const char *given = str_bearer(service->host->http->header(req, "Authorization"));

    return service->metrics_token && given && str_eq_secret(given, service->metrics_token);
}

static bool may_read_metrics(const struct service *service, const struct ein_req *req)
{
    switch (service->metrics_readers) {
    case METRICS_ALL:
        return true;
    case METRICS_LOOPBACK:
        return has_token(service, req) || is_from_here(service->host->http, req);
    case METRICS_NOBODY:
        break;
    }
    return has_token(service, req);
}

int metrics_get(struct ein_req *req, void *self)
{
    const struct service *service = self;
    const struct ein_host *host = service->host;
    const struct ein_http *http = host->http;
    const struct ein_service *found;
    struct ein_error err;
    char *text = NULL;

    if (!may_read_metrics(service, req))
        return http->fail(req, 403, "Metrics need a token from this address.");
    int r = host->acquire(service->ctx, EIN_SERVER, NULL, &found);
    if (r < 0)
        return r;
    const struct ein_server *server = found->vtable;
    r = server->metrics(found->impl, &text, &err);
    host->release(service->ctx, found);
    if (r < 0)
        return http->fail_error(req, &err);
    r = http->reply_bytes(req, 200, "text/plain; version=0.0.4; charset=utf-8", text, strlen(text));
    host->mem_free(text);
    return r;
}
