/* SPDX-License-Identifier: Apache-2.0 */
/* old-host PLUGIN.so...: a host of ABI 1.0, compiled with the frozen headers.  It says of each
 * plugin "NAME: accepted" or "NAME: refused: WHY"; it runs the one called echo. */
#include <dlfcn.h>
#include <einion/plugin.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { HOST_MINOR = 0 };

struct ein_req {
    json_t *body, *reply;
};

static const struct ein_route *added;
static void *added_self;

static int add_routes(struct ein_ctx *ctx, const struct ein_route *routes, size_t count,
                      size_t stride, void *self, struct ein_error *err)
{
    (void)ctx, (void)count, (void)stride, (void)err;
    added = routes;
    added_self = self;
    return 0;
}

static const struct json_t *body(const struct ein_req *req)
{
    return req->body;
}

static int reply(struct ein_req *req, int status, struct json_t *take_body)
{
    req->reply = take_body;
    return status;
}

static const struct ein_http http = {
    .struct_size = sizeof http, .add_routes = add_routes, .body = body, .reply = reply
};
static const struct ein_host host = { .struct_size = sizeof host,
                                      .abi_major = EIN_ABI_MAJOR,
                                      .abi_minor = HOST_MINOR,
                                      .version = "0.1.0",
                                      .http = &http };

static int run_echo(const struct ein_plugin *plugin)
{
    json_t *config = json_pack("{s: s}", "prefix", "old ");
    struct ein_req req = { .body = json_pack("{s: s}", "text", "anvil") };
    const char *answer;
    void *self;
    int status;

    if (plugin->init(&host, NULL, config, &self, NULL) < 0)
        return 1;
    status = added->handle(&req, added_self);
    answer = json_string_value(json_object_get(req.reply, "text"));
    printf("%s: answered %d %s\n", plugin->name, status, answer);
    plugin->fini(self);
    json_decref(req.body);
    json_decref(req.reply);
    json_decref(config);
    return 0;
}

static int load(const char *path)
{
    struct ein_plugin plugin = { 0 };
    const struct ein_plugin *theirs, *(*entry)(void);
    void *file = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (!file || !(*(void **)&entry = dlsym(file, "ein_plugin_v1"))) {
        printf("%s: %s\n", path, dlerror());
        return 1;
    }
    theirs = entry();
    memcpy(&plugin, theirs,
           theirs->struct_size < sizeof plugin ? theirs->struct_size : sizeof plugin);
    if (plugin.magic != EIN_ABI_MAGIC || plugin.abi_major != EIN_ABI_MAJOR)
        printf("%s: refused: not for ABI %d\n", plugin.name, EIN_ABI_MAJOR);
    else if (plugin.min_host_minor > HOST_MINOR)
        printf("%s: refused: needs ABI 1.%u\n", plugin.name, plugin.min_host_minor);
    else
        printf("%s: accepted\n", plugin.name);
    return strcmp(plugin.name, "echo") == 0 ? run_echo(&plugin) : 0;
}

int main(int argc, char **argv)
{
    int failed = 0;

    for (int i = 1; i < argc; i++)
        failed |= load(argv[i]);
    return failed;
}
