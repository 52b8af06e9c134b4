/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "error.h"
#include "hash.h"
#include "service.h"
#include <einion/services.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The page and the policy that fits it, made by page.sh. */
extern const char docs_page[];
extern const char docs_policy[];

static void etag_of(const char *text, char ret_etag[ETAG_SIZE])
{
    snprintf(ret_etag, ETAG_SIZE, "\"%016" PRIx64 "\"",
             hash_fnv(HASH_FNV_START, text, strlen(text)));
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
    etag_of(text, rendered->etag);
    return 0;
}

void rendered_done(struct rendered *rendered)
{
    json_decref(rendered->document);
    free(rendered->text);
    pthread_mutex_destroy(&rendered->lock);
}

/* The document that all share, and the caller's, which may be the same object. */
struct documents {
    json_t *shared, *own;
};

static int read_documents(const struct service *service, struct ein_req *req, struct documents *ret,
                          struct ein_error *err)
{
    const struct ein_host *host = service->host;
    const struct ein_service *found;

    int r = host->acquire(service->ctx, EIN_SERVER, NULL, &found);
    if (r < 0)
        return error_set(err, r, "The server's routes are not available.");
    const struct ein_server *server = found->vtable;
    r = server->openapi(found->impl, &ret->shared, err);
    if (r >= 0 && EIN_HAS(struct ein_server, server, openapi_for))
        r = server->openapi_for(found->impl, req, &ret->own, err);
    else if (r >= 0)
        ret->own = json_incref(ret->shared);
    host->release(service->ctx, found);
    return r;
}

static int reply_text(const struct ein_http *http, struct ein_req *req, const char *text,
                      const char *etag)
{
    if (http->set_header(req, "ETag", etag) < 0 ||
        http->set_header(req, "Cache-Control", "private, no-cache") < 0)
        return EIN_E_NO_MEMORY;
    return http->reply_bytes(req, 200, "application/json", text, strlen(text));
}

static int reply_shared(struct service *service, struct ein_req *req, json_t *document)
{
    struct rendered *rendered = &service->openapi;

    EIN_LOCKED(&rendered->lock);
    if (render(rendered, json_incref(document)) < 0)
        return EIN_E_NO_MEMORY;
    return reply_text(service->host->http, req, rendered->text, rendered->etag);
}

static int reply_own(const struct service *service, struct ein_req *req, const json_t *document)
{
    EIN_FREE char *text = json_dumps(document, JSON_COMPACT);
    char etag[ETAG_SIZE];

    if (!text)
        return EIN_E_NO_MEMORY;
    etag_of(text, etag);
    return reply_text(service->host->http, req, text, etag);
}

int openapi_get(struct ein_req *req, void *self)
{
    struct service *service = self;
    struct documents documents = { 0 };
    struct ein_error err;
    int r = read_documents(service, req, &documents, &err);

    if (r < 0)
        r = service->host->http->fail_error(req, &err);
    else if (documents.own == documents.shared)
        r = reply_shared(service, req, documents.shared);
    else
        r = reply_own(service, req, documents.own);
    json_decref(documents.own);
    json_decref(documents.shared);
    return r;
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
