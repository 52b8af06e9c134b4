/* SPDX-License-Identifier: Apache-2.0 */
/* auth-dev-stub: login by picking one of the users that are configured.  For development only:
 * whoever reaches the server may be any of them.
 *
 *   GET /auth/dev-stub-picker   a page with a link for each user
 *
 * Publishes auth_provider/1 as "dev_stub", for auth-session to log people in with.  The server
 * refuses to start with it where other machines can reach it.
 *
 * Settings
 *   display_name   what the button of a front end says (Dev stub login)
 *   users          who may be picked: uid, display_name, email, workspaces (none)
 *   anybody_on_the_network_may_log_in_as_anybody
 *                  true: start although other machines can reach the server (false)
 *   type, name     set by the section auth
 *
 * Example
 *   auth:
 *     providers:
 *       - type: dev_stub
 *         config:
 *           users:
 *             - {uid: alice, display_name: Alice Dev, email: alice@dev.local,
 *                workspaces: [{id: "project:tomcat", role: admin, display_name: Apache Tomcat}]}
 */
#include "dev_stub.h"
#include "init.h"
#include "schemas.h"

#include <stdlib.h>

/* clang-format off */
static const char config_schema[] = SCHEMA({
    "type": "object",
    "properties": {
        "display_name": {
            "type": "string", "minLength": 1, "default": "Dev stub login",
            "description": "What the button of a front end says."
        },
        "users": {
            "type": "array", "maxItems": 200, "default": [],
            "description": "Who may be picked: a list of {uid, display_name, email, workspaces}.",
            "items": {
                "type": "object", "required": ["uid"],
                "properties": {
                    "uid": {"type": "string", "pattern": "^[^,]{1,100}$"},
                    "display_name": {"type": "string"},
                    "email": {"type": "string"},
                    "workspaces": {
                        "type": "array", "maxItems": 1000, "default": [],
                        "items": {
                            "type": "object", "required": ["id"],
                            "properties": {
                                "id": {"type": "string", "minLength": 1, "maxLength": 200},
                                "role": {
                                    "type": "string", "enum": ["admin", "member"],
                                    "default": "member"
                                },
                                "display_name": {"type": "string"},
                                "description": {"type": "string"}
                            }
                        }
                    }
                }
            }
        },
        "anybody_on_the_network_may_log_in_as_anybody": {
            "type": "boolean", "default": false,
            "description": "Start although other machines can reach the server."
        },
        "type": {
            "type": "string", "enum": ["dev_stub"], "default": "dev_stub",
            "description": "Set by the section auth."
        },
        "name": {
            "type": "string", "pattern": "^[a-z][a-z0-9_]{0,56}$", "default": "dev_stub",
            "description": "What it is published as, and what a uid begins with."
        }
    }
});
/* clang-format on */

static const struct ein_route routes[] = {
    { .method = "GET",
      .path = "/auth/dev-stub-picker",
      .operation_id = "dev_stub_picker",
      .summary = "A page to pick a user from, for development",
      .auth = EIN_AUTH_NONE,
      .reply_type = "text/html",
      .handle = picker_show },
};

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct dev_stub *stub = calloc(1, sizeof(*stub));
    int r;

    if (!stub)
        return error_no_memory(err);
    stub->host = host;
    stub->ctx = ctx;
    stub->config = config;
    stub->name = json_string_value(json_object_get(config, "name"));
    stub->users = json_object_get(config, "users");

    r = host->publish(ctx, EIN_AUTH_PROVIDER, stub->name, &dev_stub_provider, stub, err);
    if (r >= 0)
        r = EIN_ADD_ROUTES(host, ctx, routes, stub, err);
    return init_done(r, stub, free, ret_self);
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "auth-dev-stub",
    .version = "0.1.0",
    .summary = "Login by picking a configured user, for development",
    .config_schema = config_schema,
    .init = init,
    .fini = free,
};
EIN_PLUGIN_EXPORT(plugin)
