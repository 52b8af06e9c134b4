// SPDX-License-Identifier: Apache-2.0
// The template plugin again, in C++11: a whole plugin, not only an include.
#include <einion/plugin.h>
#include <einion/services.h>
#include <jansson.h>
#include <new>
#include <string>

namespace
{

struct Echo {
    const ein_host *host;
    std::string prefix;

    int post(ein_req *req) const
    {
        const char *text = json_string_value(json_object_get(host->http->body(req), "text"));

        if (*text == '\0')
            return host->http->fail(req, 400, "There is nothing to echo.");
        return host->http->reply(req, 200, json_pack("{s: s}", "text", (prefix + text).c_str()));
    }
};

int echo_post(ein_req *req, void *self)
{
    return static_cast<const Echo *>(self)->post(req);
}

const char schema[] = "{\"type\":\"object\",\"required\":[\"text\"],"
                      "\"properties\":{\"text\":{\"type\":\"string\"}}}";

ein_route echo_route()
{
    ein_route route = ein_route();

    route.method = "POST";
    route.path = "/echo-cpp";
    route.operation_id = "echo_cpp";
    route.summary = "Send a text back, from C++";
    route.auth = EIN_AUTH_USER;
    route.body_schema = schema;
    route.reply_schema = schema;
    route.status = 200;
    route.handle = echo_post;
    return route;
}

const ein_route routes[] = { echo_route() };

int echo_init(const ein_host *host, ein_ctx *ctx, const json_t *config, void **ret_self,
              ein_error *err)
{
    Echo *echo =
        new (std::nothrow) Echo{ host, json_string_value(json_object_get(config, "prefix")) };
    int r;

    if (!echo)
        return EIN_E_NO_MEMORY;
    r = EIN_ADD_ROUTES(host, ctx, routes, echo, err);
    if (r < 0) {
        delete echo;
        return r;
    }
    *ret_self = echo;
    return 0;
}

void echo_fini(void *self)
{
    delete static_cast<Echo *>(self);
}

const ein_plugin echo_plugin = {
    EIN_PLUGIN_HEADER,
    0,                  // flags
    0,                  // min_host_minor
    0,                  // reserved
    "echo-cpp",         // name
    "1.0",              // version
    "Sends texts back", // summary
    "{\"type\":\"object\",\"properties\":{\"prefix\":{\"type\":\"string\",\"default\":\"\"}}}",
    nullptr, // needs
    echo_init,
    nullptr, // start
    nullptr, // stop
    echo_fini,
    nullptr, // check
};

} // namespace

EIN_PLUGIN_EXPORT(echo_plugin)
