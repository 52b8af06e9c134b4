/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "error.h"
#include "service.h"
#include <einion/services.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The page and the policy that fits it, made by docs_page.sh. */
extern const char docs_page[];
extern const char docs_policy[];

/* A strong tag: FNV-1a of the bytes.  Nobody gains from making two documents alike. */
static void etag_of(const char *text, char *ret_etag, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    snprintf(ret_etag, size, "\"%016" PRIx64 "\"", hash);
}

/* Under the lock: takes over `document` (a new reference) unless it is the one rendered. */
static int render(struct rendered *rendered, json_t *take_document)
{
    EIN_JSON json_t *document = take_document;

    if (document == rendered->document)
        return 0;
    char *text = json_dumps(document, JSON_COMPACT);
    if (!text)
        return EIN_E_NO_MEMORY;
    json_decref(rendered->document);
    free(rendered->text);
    rendered->document = EIN_TAKE(document);
    rendered->text = text;
    etag_of(text, rendered->etag, sizeof(rendered->etag));
    return 0;
}

void rendered_done(struct rendered *rendered)
{
    json_decref(rendered->document);
    free(rendered->text);
    pthread_mutex_destroy(&rendered->lock);
}

static int read_document(const struct service *service, json_t **ret_document,
                         struct ein_error *err)
{
    const struct ein_host *host = service->host;
    const struct ein_service *found;

    int r = host->acquire(service->ctx, EIN_SERVER, NULL, &found);
    if (r < 0)
        return error_set(err, r, "The server does not describe its routes.");
    const struct ein_server *server = found->vtable;
    r = server->openapi(found->impl, ret_document, err);
    host->release(service->ctx, found);
    return r;
}

int openapi_get(struct ein_req *req, void *self)
{
    struct service *service = self;
    const struct ein_http *http = service->host->http;
    struct rendered *rendered = &service->openapi;
    struct ein_error err;
    json_t *document = NULL;

    if (read_document(service, &document, &err) < 0)
        return http->fail_error(req, &err);
    EIN_LOCKED(&rendered->lock);
    if (render(rendered, document) < 0 || http->set_header(req, "ETag", rendered->etag) < 0)
        return EIN_E_NO_MEMORY;
    return http->reply_bytes(req, 200, "application/json", rendered->text, strlen(rendered->text));
}

int docs_get(struct ein_req *req, void *self)
{
    static const char *const headers[][2] = {
        { "X-Content-Type-Options", "nosniff" },
        { "Referrer-Policy", "no-referrer" },
        { "Cache-Control", "no-cache" },
    };
    const struct service *service = self;
    const struct ein_http *http = service->host->http;

    if (http->set_header(req, "Content-Security-Policy", docs_policy) < 0)
        return EIN_E_NO_MEMORY;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        if (http->set_header(req, headers[i][0], headers[i][1]) < 0)
            return EIN_E_NO_MEMORY;
    }
    return http->reply_bytes(req, 200, "text/html; charset=utf-8", docs_page, strlen(docs_page));
}
