/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include "base64url.h"
#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "str.h"

#include <stdio.h>
#include <string.h>

enum { TTL_MAX_MS = 24 * 60 * 60 * 1000 };

static json_t *client_info(void)
{
    return json_pack("{s:s, s:s}", "name", "einion", "version", "0.1.0");
}

/* ---- what is sent ---- */

static int add_meta(json_t *params)
{
    json_t *meta = json_object_get(params, "_meta");

    if (!meta) {
        meta = json_object();
        if (json_object_set_new(params, "_meta", meta) < 0)
            return -1;
    }
    if (json_object_set_new(meta, MCP_META "protocolVersion", json_string(MCP_MODERN)) < 0 ||
        json_object_set_new(meta, MCP_META "clientCapabilities", json_object()) < 0)
        return -1;
    return json_object_set_new(meta, MCP_META "clientInfo", client_info());
}

json_t *wire_request(json_int_t id, const char *method, json_t *take_params, bool modern)
{
    EIN_JSON json_t *params = take_params ? take_params : json_object();

    if (!params || (modern && add_meta(params) < 0))
        return NULL;
    return json_pack("{s:s, s:I, s:s, s:O}", "jsonrpc", "2.0", "id", id, "method", method, "params",
                     params);
}

json_t *wire_initialize(json_int_t id)
{
    json_t *params = json_pack("{s:s, s:{}, s:o}", "protocolVersion", MCP_LEGACY_LATEST,
                               "capabilities", "clientInfo", client_info());

    return params ? wire_request(id, "initialize", params, false) : NULL;
}

json_t *wire_answer(const json_t *request)
{
    json_t *id = json_object_get(request, "id");

    if (!strcmp(wire_method(request), "ping"))
        return json_pack("{s:s, s:O, s:{}}", "jsonrpc", "2.0", "id", id, "result");
    return json_pack("{s:s, s:O, s:{s:i, s:s}}", "jsonrpc", "2.0", "id", id, "error", "code",
                     MCP_UNKNOWN_METHOD, "message", "Method not found");
}

/* ---- headers ---- */

static bool is_plain(const char *value)
{
    size_t len = strlen(value);

    for (size_t i = 0; i < len; i++) {
        if (value[i] < ' ' || value[i] > '~')
            return false;
    }
    if (len > 0 && (value[0] == ' ' || value[len - 1] == ' '))
        return false;
    return strncmp(value, "=?", 2) != 0;
}

char *wire_header_value(const char *value)
{
    EIN_FREE char *base64 = NULL;
    char *header;

    if (is_plain(value))
        return strdup(value);
    base64 = base64_encode(value, strlen(value));
    return base64 && asprintf(&header, "=?base64?%s?=", base64) >= 0 ? header : NULL;
}

static bool is_token(const char *text)
{
    size_t len = str_token(text);

    return len > 0 && len < 64 && !text[len];
}

/* What a walk through the properties of a schema is for. */
struct walk {
    json_t *seen; /* names of headers in lower case; NULL: nothing is checked */
    int (*each)(void *data, const char *name, const char *value);
    void *data;
};

static bool is_simple(const json_t *property)
{
    const char *type = json_string_value(json_object_get(property, "type"));

    return type &&
           (!strcmp(type, "string") || !strcmp(type, "integer") || !strcmp(type, "boolean"));
}

static int check_header(const struct walk *walk, const json_t *property, const json_t *header)
{
    const char *name = json_string_value(header);
    char lower[64];
    size_t len;

    if (!name || !is_token(name) || !is_simple(property))
        return -1;
    len = strlen(name);
    for (size_t i = 0; i <= len; i++)
        lower[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] | 0x20) : name[i];
    if (json_object_get(walk->seen, lower))
        return -1;
    return json_object_set_new(walk->seen, lower, json_true());
}

static int give_header(const struct walk *walk, const char *name, const json_t *value)
{
    char number[32];

    if (json_is_string(value))
        return walk->each(walk->data, name, json_string_value(value));
    if (json_is_boolean(value))
        return walk->each(walk->data, name, json_is_true(value) ? "true" : "false");
    if (!json_is_integer(value))
        return 0;
    (void)snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return walk->each(walk->data, name, number);
}

/* Schemas are as deep as what was read may be. */
static int walk_properties(const struct walk *walk, const json_t *schema, const json_t *arguments)
{
    const char *name;
    json_t *property;

    json_object_foreach(json_object_get(schema, "properties"), name, property)
    {
        const json_t *header = json_object_get(property, "x-mcp-header");
        const json_t *value = json_object_get(arguments, name);
        int r = 0;

        if (header && walk->seen)
            r = check_header(walk, property, header);
        else if (json_is_string(header) && value)
            r = give_header(walk, json_string_value(header), value);
        if (r == 0)
            r = walk_properties(walk, property, value);
        if (r != 0)
            return r;
    }
    return 0;
}

bool wire_tool_is_valid(const json_t *tool)
{
    EIN_JSON json_t *seen = json_object();
    const struct walk walk = { .seen = seen };
    const json_t *schema = json_object_get(tool, "inputSchema");

    return seen && json_is_object(schema) && walk_properties(&walk, schema, NULL) == 0;
}

int wire_tool_headers(const json_t *tool, const json_t *arguments,
                      int (*each)(void *data, const char *name, const char *value), void *data)
{
    const struct walk walk = { .each = each, .data = data };

    return walk_properties(&walk, json_object_get(tool, "inputSchema"), arguments);
}

/* ---- what comes ---- */

/* Servers that could not read a request answer null. */
static bool is_ours(const json_t *message, json_int_t id)
{
    const json_t *theirs = json_object_get(message, "id");

    return json_is_integer(theirs) && json_integer_value(theirs) == id;
}

static bool names_nobody(const json_t *message)
{
    const json_t *id = json_object_get(message, "id");

    return !id || json_is_null(id);
}

enum wire_kind wire_kind(const json_t *message, json_int_t id)
{
    bool named = !names_nobody(message);

    if (json_is_array(message))
        return WIRE_BATCH;
    if (!json_is_object(message))
        return WIRE_OTHER;
    if (json_is_string(json_object_get(message, "method")))
        return named ? WIRE_REQUEST : WIRE_NOTIFICATION;
    if (json_is_object(json_object_get(message, "error")) && (!named || is_ours(message, id)))
        return WIRE_ERROR;
    if (json_is_object(json_object_get(message, "result")) && is_ours(message, id))
        return WIRE_RESULT;
    return WIRE_OTHER;
}

json_int_t wire_code(const json_t *message)
{
    return integer_of(json_object_get(message, "error"), "code");
}

const char *wire_words(const json_t *message)
{
    return text_or_empty(json_object_get(message, "error"), "message");
}

const char *wire_method(const json_t *message)
{
    return text_or_empty(message, "method");
}

int wire_take_tools(const json_t *result, json_t *tools, const char **ret_cursor)
{
    const json_t *page = json_object_get(result, "tools");
    const char *cursor = json_string_value(json_object_get(result, "nextCursor"));
    json_t *tool;
    size_t i;

    if (!json_is_array(page))
        return -1;
    json_array_foreach(page, i, tool)
    {
        if (!json_is_string(json_object_get(tool, "name")) || json_array_append(tools, tool) < 0)
            return -1;
    }
    *ret_cursor = cursor;
    return 0;
}

json_int_t wire_ttl_ms(const json_t *result)
{
    json_int_t ttl = json_integer_value(json_object_get(result, "ttlMs"));

    return ttl < 0 ? 0 : ttl > TTL_MAX_MS ? TTL_MAX_MS : ttl;
}

bool wire_take_result(json_t *result)
{
    const json_t *content = json_object_get(result, "content");
    const json_t *failed = json_object_get(result, "isError");

    if (content ? !json_is_array(content) : !json_object_get(result, "structuredContent"))
        return false;
    if (failed && !json_is_boolean(failed))
        return false;
    if (!content && json_object_set_new(result, "content", json_array()) < 0)
        return false;
    return failed || json_object_set_new(result, "isError", json_false()) == 0;
}

int wire_unknown_version(const char *version, struct ein_error *err)
{
    return error_set(err, EIN_E_UNSUPPORTED,
                     "the MCP server speaks a version that einion does not: %.40s",
                     version ? version : "none that it names");
}
