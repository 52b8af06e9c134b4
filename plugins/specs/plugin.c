/* SPDX-License-Identifier: Apache-2.0 */
/* specs: OpenAPI documents, for agents that call what they describe.
 *
 *   POST /specs/fetch        the document at a URL
 *   POST /specs/operations   what the operations of a document are, each with whole schemas
 *
 * Publishes specs/1.  Reads OpenAPI 2.0, 3.0 and 3.1, JSON and YAML.  A $ref is followed inside the
 * document only; nothing is ever fetched for one.  A schema that is inside itself ends where it
 * would begin anew.  What URLs may be fetched is the server's `egress`.
 *
 * Settings
 *   total_ms        to fetch a document (30000)
 *   max_redirects   how many are followed, each checked like the first (3)
 *   text_bytes      of a document (10485760)
 *   nodes           values in it, those behind YAML aliases counted each time (2000000)
 *   depth           of arrays and objects in it (64)
 *   operations      that are read of one document (2000)
 *   schema_bytes    of one schema, $refs followed; what lies deepest is left out (16384)
 *   schema_depth    schemas inside each other (32)
 *   total_bytes     of all that is read of one document (16777216)
 *   recalled        documents that are not read again when an agent runs again (64)
 *   recalled_bytes  what they may take of memory, about (67108864)
 *
 * Example
 *   plugins:
 *     specs:
 *       text_bytes: 52428800
 */
#include "init.h"
#include "member.h"
#include "schemas.h"
#include "specs.h"

/* clang-format off */
static const char config_schema[] = SCHEMA({
    "type": "object",
    "properties": {
        "total_ms": {
            "type": "integer", "minimum": 1, "maximum": 3600000, "default": 30000,
            "description": "To fetch a document."
        },
        "max_redirects": {
            "type": "integer", "minimum": 0, "maximum": 10, "default": 3,
            "description": "How many are followed, each checked like the first."
        },
        "text_bytes": {
            "type": "integer", "minimum": 1024, "maximum": 1073741824, "default": 10485760,
            "description": "Of a document."
        },
        "nodes": {
            "type": "integer", "minimum": 100, "maximum": 100000000, "default": 2000000,
            "description": "Values in a document, those behind YAML aliases counted each time."
        },
        "depth": {
            "type": "integer", "minimum": 8, "maximum": 64, "default": 64,
            "description": "Of arrays and objects in a document."
        },
        "operations": {
            "type": "integer", "minimum": 1, "maximum": 1000000, "default": 2000,
            "description": "That are read of one document."
        },
        "schema_bytes": {
            "type": "integer", "minimum": 256, "maximum": 16777216, "default": 16384,
            "description": "Of one schema, $refs followed; what lies deepest is left out."
        },
        "schema_depth": {
            "type": "integer", "minimum": 1, "maximum": 64, "default": 32,
            "description": "Schemas inside each other."
        },
        "total_bytes": {
            "type": "integer", "minimum": 1024, "maximum": 1073741824, "default": 16777216,
            "description": "Of all that is read of one document."
        },
        "recalled": {
            "type": "integer", "minimum": 0, "maximum": 10000, "default": 64,
            "description": "Documents that are not read again when an agent runs again."
        },
        "recalled_bytes": {
            "type": "integer", "minimum": 0, "maximum": 1099511627776, "default": 67108864,
            "description": "What they may take of memory, about."
        }
    }
});

#define FETCH_BODY SCHEMA({                                                                        \
    "type": "object", "required": ["url"],                                                         \
    "properties": {                                                                                \
        "url": {"type": "string", "maxLength": 8192, "description": "Where the document is"}       \
    }                                                                                              \
})
#define FETCH_REPLY SCHEMA({                                                                       \
    "type": "object", "required": ["name", "content"],                                             \
    "properties": {                                                                                \
        "name": {"type": "string", "description": "The last segment of the URL's path"},           \
        "content": {"type": "string", "description": "The document as it came"}                    \
    }                                                                                              \
})
#define OPERATIONS_BODY SCHEMA({                                                                   \
    "type": "object", "required": ["content"],                                                     \
    "properties": {                                                                                \
        "content": {"type": "string", "description": "An OpenAPI document, JSON or YAML"},         \
        "baseUrl": {"type": ["string", "null"], "maxLength": 4096,                                 \
                    "description": "Where it came from, for servers that it names by half"}        \
    }                                                                                              \
})
#define OPERATION SCHEMA({                                                                         \
    "type": "object", "additionalProperties": true,                                                \
    "required": ["operationId", "method", "path", "server", "parameters", "body", "response"],     \
    "properties": {                                                                                \
        "operationId": {"type": "string"},                                                         \
        "method": {"type": "string"},                                                              \
        "path": {"type": "string"},                                                                \
        "server": {"type": ["string", "null"]},                                                    \
        "parameters": {"type": "object", "additionalProperties": true},                            \
        "body": {"type": ["object", "null"], "additionalProperties": true},                        \
        "response": {"type": ["object", "null"], "additionalProperties": true}                     \
    }                                                                                              \
})
#define OPERATIONS_REPLY                                                                           \
    "{\"type\":\"object\",\"required\":[\"title\",\"version\",\"description\",\"openapi\","        \
    "\"servers\",\"operations\",\"notes\"],\"properties\":{"                                       \
    "\"title\":{\"type\":\"string\"},\"version\":{\"type\":\"string\"},"                           \
    "\"description\":{\"type\":\"string\"},\"openapi\":{\"type\":\"string\"},"                     \
    "\"servers\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"                            \
    "\"operations\":{\"type\":\"array\",\"items\":" OPERATION "},"                                 \
    "\"notes\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"                               \
    "\"description\":\"What was left out\"}}}"
/* clang-format on */

static const struct ein_route routes[] = {
    { .method = "POST",
      .path = "/specs/fetch",
      .operation_id = "fetch_spec",
      .summary = "An OpenAPI document from a URL",
      .auth = EIN_AUTH_USER,
      .body_schema = FETCH_BODY,
      .reply_schema = FETCH_REPLY,
      .scope = "agents:write",
      .handle = specs_fetch_post },
    { .method = "POST",
      .path = "/specs/operations",
      .operation_id = "read_spec",
      .summary = "What an OpenAPI document says can be called",
      .auth = EIN_AUTH_USER,
      .body_schema = OPERATIONS_BODY,
      .reply_schema = OPERATIONS_REPLY,
      .scope = "agents:write",
      .handle = specs_operations_post },
};

static const struct ein_specs service = { .struct_size = sizeof(service), .read = specs_read };

static void read_settings(struct specs *specs, const json_t *config)
{
    specs->total_ms = setting_of(config, "total_ms");
    specs->redirects_max = setting_of(config, "max_redirects");
    specs->limits = (struct spec_limits){
        .text_bytes = (size_t)integer_of(config, "text_bytes"),
        .nodes = (size_t)integer_of(config, "nodes"),
        .depth = (unsigned)integer_of(config, "depth"),
        .operations = (unsigned)integer_of(config, "operations"),
        .schema_bytes = (size_t)integer_of(config, "schema_bytes"),
        .total_bytes = (size_t)integer_of(config, "total_bytes"),
        .schema_depth = (unsigned)integer_of(config, "schema_depth"),
    };
}

static void fini(void *self)
{
    struct specs *specs = self;

    recall_done(&specs->recall);
    free(specs);
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct specs *specs = calloc(1, sizeof(*specs));
    int r;

    if (!specs)
        return error_no_memory(err);
    specs->host = host;
    specs->ctx = ctx;
    read_settings(specs, config);
    r = recall_init(&specs->recall, (size_t)integer_of(config, "recalled"),
                    (size_t)integer_of(config, "recalled_bytes"));
    if (r < 0)
        (void)error_set(err, r, "documents cannot be remembered: no memory or no random bytes");
    if (r >= 0)
        r = EIN_ADD_ROUTES(host, ctx, routes, specs, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_SPECS, NULL, &service, specs, err);
    return init_done(r, specs, fini, ret_self);
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "specs",
    .version = "0.1.0",
    .summary = "OpenAPI documents: fetched, and read as what can be called",
    .config_schema = config_schema,
    .init = init,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
