/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc.h"

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <string.h>

static bool is_id(const json_t *id)
{
    return json_is_string(id) || json_is_integer(id);
}

enum rpc_kind rpc_kind(const json_t *message)
{
    const char *version = json_string_value(json_object_get(message, "jsonrpc"));
    const json_t *id = json_object_get(message, "id");
    const json_t *params = json_object_get(message, "params");

    if (!version || strcmp(version, "2.0") != 0)
        return RPC_INVALID;
    if (!json_is_string(json_object_get(message, "method"))) {
        bool answers = json_object_get(message, "result") || json_object_get(message, "error");
        return is_id(id) && answers ? RPC_ANSWER : RPC_INVALID;
    }
    if (params && !json_is_object(params))
        return RPC_INVALID;
    return !id ? RPC_NOTIFICATION : is_id(id) ? RPC_REQUEST : RPC_INVALID;
}

const char *rpc_version(const json_t *params)
{
    return json_string_value(
        json_object_get(json_object_get(params, "_meta"), MCP_META "protocolVersion"));
}

static json_t *id_of(const json_t *id)
{
    return id ? json_incref((json_t *)id) : json_null();
}

json_t *rpc_result(const json_t *id, json_t *take_result)
{
    return json_pack("{s:s, s:o, s:o}", "jsonrpc", "2.0", "id", id_of(id), "result", take_result);
}

json_t *rpc_error(const json_t *id, int code, const char *text, json_t *take_data)
{
    return json_pack("{s:s, s:o, s:{s:i, s:s, s:o*}}", "jsonrpc", "2.0", "id", id_of(id), "error",
                     "code", code, "message", text, "data", take_data);
}

/* "=?base64?...?=", where a name does not fit into a header as it is. */
char *rpc_header_text(const char *value)
{
    static const char before[] = "=?base64?", after[] = "?=";
    const size_t before_len = sizeof(before) - 1, after_len = sizeof(after) - 1;
    size_t len = strlen(value);
    gnutls_datum_t plain;
    char *text;

    if (len < before_len + after_len || strncmp(value, before, before_len) != 0 ||
        strcmp(value + len - after_len, after) != 0)
        return strdup(value);
    const gnutls_datum_t encoded = { (unsigned char *)value + before_len,
                                     (unsigned)(len - before_len - after_len) };
    if (gnutls_base64_decode2(&encoded, &plain) < 0)
        return NULL;
    text = memchr(plain.data, '\0', plain.size) ? NULL : strndup((char *)plain.data, plain.size);
    gnutls_free(plain.data);
    return text;
}
