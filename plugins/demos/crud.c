/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "demo_document.h"
#include "demos.h"
#include "disk_room.h"
#include "document.h"
#include "http_json.h"
#include "ids.h"
#include "member.h"
#include "ownership.h"
#include "provider_config.h"

/* ---- what is asked for ---- */

static size_t code_size(const json_t *code)
{
    return json_string_length(json_object_get(code, "html")) +
           json_string_length(json_object_get(code, "css")) +
           json_string_length(json_object_get(code, "js"));
}

static int check_model(const struct demos *demos, struct ein_req *req, const json_t *config)
{
    EIN_JSON json_t *loc = json_pack("[s, s]", "body", "modelConfig");
    json_t *fault = loc ? provider_config_fault(config, loc, config) : NULL;

    if (!loc)
        return EIN_E_NO_MEMORY;
    return fault ? demos->host->http->fail_json(req, 422, json_pack("[o]", fault)) : 0;
}

int demos_check_body(const struct demos *demos, struct ein_req *req, const json_t *body)
{
    const struct ein_http *http = demos->host->http;
    size_t code = code_size(json_object_get(body, "generatedCode"));
    size_t apis = json_array_size(json_object_get(body, "selectedApis"));
    const struct text_max texts[] = { { "name", "name", demos->name_max },
                                      { "description", "description", demos->prompt_max },
                                      { "userPrompt", "prompt", demos->prompt_max } };
    int r;

    if (code > demos->code_max)
        return http->fail(req, 413, "The code has %zu bytes; %zu is the most that a demo may have.",
                          code, demos->code_max);
    if (apis > demos->apis_max)
        return http->fail(req, 413, "%zu APIs are selected; %zu is the most that a demo may have.",
                          apis, demos->apis_max);
    r = check_texts(http, req, body, texts, sizeof(texts) / sizeof(texts[0]));
    return r ? r : check_model(demos, req, json_object_get(body, "modelConfig"));
}

/* ---- reading ---- */

int demo_get(const struct demos *demos, const struct ein_req *req, const char *id,
             json_t **ret_demo, struct ein_error *err)
{
    return get_visible(demos->host, demos->ctx, req, DEMO_SET, id, ret_demo, err);
}

static int reply_demo(const struct demos *demos, struct ein_req *req, int status,
                      const json_t *demo, const char *rev)
{
    return reply_with_rev(demos->host->http, req, status, rev, document_show(demo, rev));
}

int demos_get(struct ein_req *req, void *self)
{
    const struct demos *demos = self;
    const struct ein_http *http = demos->host->http;
    EIN_JSON json_t *demo = NULL;
    struct ein_error err;
    int r = demo_get(demos, req, http->path_param(req, "demo_id"), &demo, &err);

    return r < 0 ? http->fail_error(req, &err) : reply_demo(demos, req, 200, demo, doc_rev(demo));
}

static json_t *show(const json_t *demo)
{
    return document_show(demo, NULL);
}

int demos_list(struct ein_req *req, void *self)
{
    const struct demos *demos = self;

    return reply_visible(demos->host, demos->ctx, req, DEMO_SET, show);
}

/* ---- writing ---- */

/* Makes the demo ID, and answers it.  EIN_E_CONFLICT: there is one by now. */
static int make(const struct demos *demos, struct ein_req *req, const char *id, int status,
                struct ein_error *err)
{
    const struct ein_host *host = demos->host;
    EIN_JSON json_t *demo = document_new(host->http->body(req), id, host->http->identity(req)->uid);
    char rev[EIN_REV_SIZE];
    int r = demo ? ownership_check_new(host->http, req, demo) : EIN_E_NO_MEMORY;

    if (r)
        return r;
    r = disk_take_doc(host, demos->ctx, text_of(demo, "owner"), demo, NULL, err);
    if (r >= 0)
        r = host->store->put(demos->ctx, DEMO_SET, id, EIN_REV_NEW, demo, rev, err);
    if (r == EIN_E_CONFLICT)
        return r;
    return r < 0 ? host->http->fail_error(req, err) : reply_demo(demos, req, status, demo, rev);
}

int demos_create(struct ein_req *req, void *self)
{
    const struct demos *demos = self;
    const struct ein_http *http = demos->host->http;
    struct ein_error err;
    char id[UUID_SIZE];
    int r = demos_check_body(demos, req, http->body(req));

    if (r)
        return r;
    uuid_make(id);
    r = make(demos, req, id, 201, &err);
    return r == EIN_E_CONFLICT ? http->fail_error(req, &err) : r;
}

static int replace(const struct demos *demos, struct ein_req *req, const json_t *demo,
                   struct ein_error *err)
{
    const struct ein_host *host = demos->host;
    const json_t *body = host->http->body(req);
    EIN_JSON json_t *changed = NULL;
    char rev[EIN_REV_SIZE];
    int r = check_rev(host->http, req, doc_rev(demo));

    if (r == 0 && ownership_moves(demo, body))
        r = ownership_check_move(host->http, req, demo, ownership_workspace(body));
    if (r)
        return r;
    changed = document_replace(demo, body);
    if (!changed)
        return EIN_E_NO_MEMORY;
    r = disk_take_doc(host, demos->ctx, text_of(changed, "owner"), changed,
                      ownership_moves(demo, body) ? NULL : demo, err);
    if (r >= 0)
        r = host->store->put(demos->ctx, DEMO_SET, text_of(demo, "_id"), doc_rev(demo), changed,
                             rev, err);
    if (r == EIN_E_CONFLICT)
        return r;
    return r < 0 ? host->http->fail_error(req, err) : reply_demo(demos, req, 200, changed, rev);
}

static int try_put(struct ein_req *req, void *self, struct ein_error *err)
{
    const struct demos *demos = self;
    const struct ein_host *host = demos->host;
    const char *id = host->http->path_param(req, "demo_id");
    EIN_JSON json_t *demo = NULL;
    int r = demo_get(demos, req, id, &demo, err);

    if (r == EIN_E_NOT_FOUND) {
        r = check_rev(host->http, req, NULL);
        if (r == 0)
            r = make(demos, req, id, 200, err);
        if (r == EIN_E_CONFLICT) /* somebody's demo has this id, which the caller is not to know */
            (void)doc_not_found(DEMO_SET, id, err);
        return r;
    }
    return r < 0 ? host->http->fail_error(req, err) : replace(demos, req, demo, err);
}

int demos_put(struct ein_req *req, void *self)
{
    const struct demos *demos = self;
    const struct ein_http *http = demos->host->http;
    int r = demos_check_body(demos, req, http->body(req));

    return r ? r : change_until_done(http, req, self, try_put);
}

static int try_delete(struct ein_req *req, void *self, struct ein_error *err)
{
    const struct demos *demos = self;
    const struct ein_host *host = demos->host;
    const char *id = host->http->path_param(req, "demo_id");
    EIN_JSON json_t *demo = NULL;
    int r = demo_get(demos, req, id, &demo, err);

    if (r >= 0) {
        r = check_rev(host->http, req, doc_rev(demo));
        if (r)
            return r;
        r = host->store->del(demos->ctx, DEMO_SET, id, doc_rev(demo), err);
        if (r == EIN_E_CONFLICT)
            return r;
    }
    if (r >= 0)
        disk_give_doc(host, demos->ctx, text_of(demo, "owner"), demo);
    if (r == EIN_E_NOT_FOUND)
        return host->http->fail(req, 404, "Document '%s' not found for deletion.", id);
    return r < 0 ? host->http->fail_error(req, err) : host->http->reply(req, 204, NULL);
}

int demos_delete(struct ein_req *req, void *self)
{
    const struct demos *demos = self;

    return change_until_done(demos->host->http, req, self, try_delete);
}
