/* SPDX-License-Identifier: Apache-2.0 */
/* It makes the mistake that its settings name: in init(), or where GET /clumsy/{what} asks for it.
 */
#include "bad.h"
#include <einion/services.h>
#include <string.h>

struct clumsy {
    const struct ein_host *host;
    struct ein_ctx *ctx;
};

static struct clumsy clumsy;
static const uint32_t size;

static int cancel_of_nobody(void)
{
    const struct ein_cancels *cancel = clumsy.host->cancel;

    cancel->fire(NULL);
    return cancel->fired(NULL) == 0 && cancel->wait_fd(NULL) < 0;
}

static int texts_of_nobody(struct ein_req *req)
{
    const struct ein_host *host = clumsy.host;

    return !host->redact(NULL) && !host->text_dup(NULL) && !host->secret(clumsy.ctx, NULL) &&
           !host->json_text(NULL, NULL) && !host->http->header(req, NULL) &&
           !host->http->cookie(req, NULL);
}

static int each(const json_t *doc, void *data)
{
    (void)doc, (void)data;
    return 0;
}

/* NULL where it may not be: how many are not refused, and the last words. */
static int nulls(char words[256])
{
    const struct ein_host *host = clumsy.host;
    const struct ein_store *store = host->store;
    struct ein_fetched fetched = { .struct_size = sizeof fetched };
    struct ein_doc_op op = { .kind = EIN_DOC_PUT, .set = "nulls", .id = "i", .doc = json_object() };
    struct ein_error err = { 0 };
    int bad = store->batch(clumsy.ctx, &op, 1, sizeof op, &err) < 0;

    json_decref((json_t *)op.doc);
    host->tracing->where(NULL);
#define REFUSED(call)                                                                              \
    do {                                                                                           \
        err.text[0] = '\0';                                                                        \
        bad += (call) != EIN_E_INVALID || !err.text[0];                                            \
    } while (0)
    REFUSED(store->get(clumsy.ctx, NULL, "i", NULL, &err));
    REFUSED(store->get(clumsy.ctx, "nulls", "i", NULL, &err));
    REFUSED(store->put(clumsy.ctx, "nulls", "i", NULL, NULL, NULL, &err));
    REFUSED(store->batch(clumsy.ctx, NULL, 1, sizeof op, &err));
    REFUSED(store->find(clumsy.ctx, "nulls", NULL, NULL, NULL, NULL, &err));
    REFUSED(store->tally(clumsy.ctx, "nulls", NULL, NULL, &err));
    REFUSED(store->index(clumsy.ctx, "nulls", NULL, &err));
    REFUSED(store->claim(clumsy.ctx, "nulls", "a", 1, 1, NULL, &err));
    REFUSED(store->sets(clumsy.ctx, NULL, &err));
    REFUSED(host->client->fetch(clumsy.ctx, NULL, &fetched, &err));
#undef REFUSED
    memcpy(words, err.text, sizeof err.text);
    bad += store->find(clumsy.ctx, "nulls", NULL, each, NULL, NULL, NULL) != 0;
    bad += host->acquire(clumsy.ctx, EIN_STORAGE_BACKEND, NULL, NULL) != EIN_E_INVALID;
    bad += host->each_service(clumsy.ctx, EIN_STORAGE_BACKEND, NULL, NULL) != EIN_E_INVALID;
    return bad;
}

static int answer_nulls(struct ein_req *req)
{
    const struct ein_http *http = clumsy.host->http;
    char words[256] = "";
    int bad = nulls(words);

    (void)http->raw_body(req, NULL);
    if (http->reply_header(req, NULL) || strcmp(words, "fetch(): what is NULL") != 0)
        bad++;
    return bad ? http->fail(req, 409, "%d: %s", bad, words) : http->fail_error(req, NULL);
}

static int answer(struct ein_req *req, void *self)
{
    const struct ein_http *http = clumsy.host->http;
    const char *what = http->path_param(req, "what");

    (void)self;
    if (strcmp(what, "status") == 0)
        return http->reply(req, 999, json_object());
    if (strcmp(what, "redirect") == 0)
        return http->redirect(req, 302, "/there\r\nSet-Cookie: a=b");
    if (strcmp(what, "bytes") == 0)
        return http->reply_bytes(req, 200, "text/plain", NULL, 5);
    if (strcmp(what, "length") == 0)
        return http->reply_bytes(req, 200, "text/plain", "x", (size_t)-1);
    if (strcmp(what, "type") == 0)
        return http->reply_bytes(req, 200, "text/plain\r\nSet-Cookie: a=b", "x", 1);
    if (strcmp(what, "no failure") == 0)
        return http->fail(req, 200, "All is well.");
    if (strcmp(what, "unknown") == 0)
        return -777;
    if (strcmp(what, "stream") == 0)
        return http->send_bytes(req, "x", 1);
    if (strcmp(what, "token") == 0) {
        clumsy.host->cancel->drop(http->cancel(req));
        return http->reply(req, 204, NULL);
    }
    if (strcmp(what, "release") == 0) {
        const struct ein_service *service = NULL;

        (void)clumsy.host->acquire(clumsy.ctx, EIN_STORAGE_BACKEND, NULL, &service);
        for (int i = 0; i < 3; i++)
            clumsy.host->release(clumsy.ctx, service);
        return http->reply(req, 204, NULL);
    }
    if (strcmp(what, "unready") == 0) {
        clumsy.host->unready(clumsy.ctx, "the kettle is \377 cold");
        return http->reply(req, 204, NULL);
    }
    if (strcmp(what, "cancel") == 0)
        return cancel_of_nobody() ? http->reply(req, 204, NULL) : EIN_E_INTERNAL;
    if (strcmp(what, "texts") == 0)
        return texts_of_nobody(req) ? http->reply(req, 204, NULL) : EIN_E_INTERNAL;
    if (strcmp(what, "jobs") == 0)
        return clumsy.host->submit(clumsy.ctx, NULL, NULL, NULL) == EIN_E_INVALID &&
                       clumsy.host->every(clumsy.ctx, 1, NULL, NULL) == EIN_E_INVALID
                   ? http->reply(req, 204, NULL)
                   : EIN_E_INTERNAL;
    if (strcmp(what, "nulls") == 0)
        return answer_nulls(req);
    return http->fail(req, 404, "There is no such mistake.");
}

static int stream(struct ein_req *req, void *self)
{
    const struct ein_http *http = clumsy.host->http;
    const char *what = http->path_param(req, "what");

    (void)self;
    if (strcmp(what, "no bytes") == 0)
        return http->send_bytes(req, NULL, 5);
    return http->send_event(req, NULL, what, json_object());
}

static const struct ein_route good[] = {
    { .method = "GET", .path = "/clumsy/{what}", .operation_id = "clumsy", .handle = answer },
    { .method = "GET",
      .path = "/clumsy-stream/{what}",
      .operation_id = "clumsy_stream",
      .flags = EIN_ROUTE_EVENTS,
      .handle = stream },
};
static const struct ein_route no_letters[] = {
    { .method = "GET",
      .path = "/clumsy",
      .operation_id = "clumsy",
      .summary = "\377",
      .handle = answer },
};
static const struct ein_route twice[] = { BAD_ROUTE("GET", "/clumsy/{a}/{a}", "clumsy") };
static const struct ein_llm_provider silent = { .struct_size = sizeof silent };
static int refuse(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink, void *data,
                  struct ein_llm_outcome *ret_outcome, struct ein_error *err)
{
    (void)impl, (void)call, (void)sink, (void)data, (void)ret_outcome, (void)err;
    return EIN_E_UNAVAILABLE;
}

static const struct ein_llm_provider answers = { .struct_size = sizeof answers,
                                                 .complete = refuse };
static const char *const ownerless[] = { "things", "owner", "others", NULL };
static const char *const nameless[] = { "Things", "owner", NULL };
static const struct ein_keeps no_sets = { .struct_size = sizeof no_sets };
static const struct ein_keeps no_owner = { .struct_size = sizeof no_owner, .sets = ownerless };
static const struct ein_keeps no_set = { .struct_size = sizeof no_set, .sets = nameless };

static json_t *fail_again(void *impl, struct ein_req *req, int *status, const json_t *detail)
{
    (void)impl, (void)status, (void)detail;
    (void)clumsy.host->http->fail(req, 400, "and again");
    return NULL;
}

static int no_operation(void *impl, struct ein_req *req, json_t **ret_paths, struct ein_error *err)
{
    (void)impl, (void)req, (void)err;
    *ret_paths = json_pack("{s:{s:i}}", "/clumsy", "get", 1);
    return 0;
}

static const struct ein_error_shape failing = { .struct_size = sizeof failing,
                                                .path = "/clumsy",
                                                .shape = fail_again };
static const struct ein_openapi_source odd_paths = { .struct_size = sizeof odd_paths,
                                                     .paths = no_operation };
static const struct ein_error_shape nowhere = { .struct_size = sizeof nowhere };

static int mistake(const char *name, const struct ein_host *host, struct ein_ctx *ctx,
                   struct ein_error *err)
{
    if (strcmp(name, "no complete") == 0)
        return host->publish(ctx, EIN_LLM_PROVIDER, "mine", &silent, NULL, err);
    if (strcmp(name, "no path") == 0)
        return host->publish(ctx, EIN_ERROR_SHAPE, NULL, &nowhere, NULL, err);
    if (strcmp(name, "no size") == 0)
        return host->publish(ctx, EIN_AGENT_RUNTIME, "mine", &size, NULL, err);
    if (strcmp(name, "no methods") == 0)
        return host->publish(ctx, EIN_AGENT_RUNTIME, "mine", NULL, NULL, err);
    if (strcmp(name, "no routes") == 0)
        return host->http->add_routes(ctx, NULL, 1, sizeof(struct ein_route), NULL, err);
    if (strcmp(name, "a parameter twice") == 0)
        return EIN_ADD_ROUTES(host, ctx, twice, NULL, err);
    if (strcmp(name, "two lines") == 0)
        return host->publish(ctx, EIN_LLM_PROVIDER, "two\nlines", &answers, NULL, err);
    if (strcmp(name, "no text") == 0)
        return host->publish(ctx, EIN_LLM_PROVIDER, "\377", &answers, NULL, err);
    if (strcmp(name, "twice") == 0)
        return host->publish(ctx, EIN_LLM_PROVIDER, NULL, &answers, NULL, err) < 0
                   ? EIN_E_INTERNAL
                   : host->publish(ctx, EIN_LLM_PROVIDER, NULL, &answers, NULL, err);
    if (strcmp(name, "odd words") == 0)
        return host->set_error(err, EIN_E_INVALID, "the \377 kettle");
    if (strcmp(name, "no sets") == 0)
        return host->publish(ctx, EIN_KEEPS, NULL, &no_sets, NULL, err);
    if (strcmp(name, "no owner") == 0)
        return host->publish(ctx, EIN_KEEPS, NULL, &no_owner, NULL, err);
    if (strcmp(name, "no set") == 0)
        return host->publish(ctx, EIN_KEEPS, NULL, &no_set, NULL, err);
    if (strcmp(name, "wrong shapes") == 0) {
        int r = EIN_ADD_ROUTES(host, ctx, good, NULL, err);
        r = r < 0 ? r : host->publish(ctx, EIN_ERROR_SHAPE, NULL, &failing, NULL, err);
        return r < 0 ? r : host->publish(ctx, EIN_OPENAPI_SOURCE, NULL, &odd_paths, NULL, err);
    }
    if (strcmp(name, "no letters") == 0)
        return EIN_ADD_ROUTES(host, ctx, no_letters, NULL, err);
    if (strcmp(name, "no listener") == 0)
        return host->subscribe(ctx, "topic", NULL, NULL);
    if (strcmp(name, "no watcher") == 0)
        return host->tracing->watch(ctx, 1, NULL, NULL);
    return EIN_ADD_ROUTES(host, ctx, good, NULL, err);
}

static int clumsy_init(const struct ein_host *host, struct ein_ctx *ctx,
                       const struct json_t *config, void **ret_self, struct ein_error *err)
{
    clumsy = (struct clumsy){ host, ctx };
    *ret_self = &clumsy;
    return mistake(json_string_value(json_object_get(config, "mistake")), host, ctx, err);
}

static const struct ein_plugin plugin = {
    BAD_PLUGIN("clumsy"), .init = clumsy_init,
    .config_schema = "{\"properties\":{\"mistake\":{\"type\":\"string\",\"default\":\"none\"}}}"
};

EIN_PLUGIN_EXPORT(plugin)
