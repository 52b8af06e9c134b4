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
    if (strcmp(what, "cancel") == 0)
        return cancel_of_nobody() ? http->reply(req, 204, NULL) : EIN_E_INTERNAL;
    if (strcmp(what, "texts") == 0)
        return texts_of_nobody(req) ? http->reply(req, 204, NULL) : EIN_E_INTERNAL;
    if (strcmp(what, "jobs") == 0)
        return clumsy.host->submit(clumsy.ctx, NULL, NULL, NULL) == EIN_E_INVALID &&
                       clumsy.host->every(clumsy.ctx, 1, NULL, NULL) == EIN_E_INVALID
                   ? http->reply(req, 204, NULL)
                   : EIN_E_INTERNAL;
    return http->fail(req, 404, "There is no such mistake.");
}

static const struct ein_route good[] = {
    { .method = "GET", .path = "/clumsy/{what}", .operation_id = "clumsy", .handle = answer },
};
static const struct ein_route twice[] = { BAD_ROUTE("GET", "/clumsy/{a}/{a}", "clumsy") };
static const struct ein_llm_provider silent = { .struct_size = sizeof silent };
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
