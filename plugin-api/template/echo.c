/* SPDX-License-Identifier: Apache-2.0 */
/* echo - the smallest useful plugin: copy this folder, rename it, and begin.
 *
 * It offers POST /echo {"text": ...}, which sends the text back behind a prefix.
 *
 * Build, with the package einion-plugin-dev (or an installed einion) and jansson:
 *
 *     make && sudo make install
 *
 * Then tell the server of it in einion.yaml, and restart it or send it SIGHUP:
 *
 *     plugins:
 *       echo:
 *         enabled: true
 *         prefix: "you said: "
 *
 * The manual page einion-plugin(3) says what else a plugin may do. */
#include <einion/plugin.h>
#include <jansson.h>
#include <stdlib.h>

struct echo {
    const struct ein_host *host;
    const char *prefix; /* lent by the config */
};

static int echo_post(struct ein_req *req, void *self)
{
    const struct echo *echo = self;
    const struct ein_http *http = echo->host->http;
    const char *text = json_string_value(json_object_get(http->body(req), "text"));

    if (*text == '\0')
        return http->fail(req, 400, "There is nothing to echo.");
    return http->reply(req, 200, json_pack("{s: s+}", "text", echo->prefix, text));
}

static const struct ein_route routes[] = {
    { .method = "POST",
      .path = "/echo",
      .operation_id = "echo",
      .summary = "Send a text back",
      .auth = EIN_AUTH_USER,
      .body_schema = "{\"type\":\"object\",\"required\":[\"text\"],"
                     "\"properties\":{\"text\":{\"type\":\"string\"}}}",
      .reply_schema = "{\"type\":\"object\",\"required\":[\"text\"],"
                      "\"properties\":{\"text\":{\"type\":\"string\"}}}",
      .status = 200,
      .handle = echo_post },
};

static int echo_init(const struct ein_host *host, struct ein_ctx *ctx, const struct json_t *config,
                     void **ret_self, struct ein_error *err)
{
    struct echo *echo = calloc(1, sizeof *echo);
    int r;

    if (!echo)
        return EIN_E_NO_MEMORY;
    echo->host = host;
    echo->prefix = json_string_value(json_object_get(config, "prefix"));

    r = EIN_ADD_ROUTES(host, ctx, routes, echo, err);
    if (r < 0) {
        free(echo);
        return r;
    }
    *ret_self = echo;
    return 0;
}

static const struct ein_plugin echo_plugin = {
    EIN_PLUGIN_HEADER,
    .name = "echo",
    .version = "1.0",
    .summary = "Sends texts back",
    .config_schema = "{\"type\":\"object\",\"properties\":"
                     "{\"prefix\":{\"type\":\"string\",\"default\":\"\"}}}",
    .init = echo_init,
    .fini = free,
};

EIN_PLUGIN_EXPORT(echo_plugin)
