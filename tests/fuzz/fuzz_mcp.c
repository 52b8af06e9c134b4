/* SPDX-License-Identifier: Apache-2.0 */
/* What MCP servers send, and what of it becomes headers of the next request. */
#include "json_fits.h"
#include "vendor.h"
#include "wire.h"

#include <string.h>

enum { ID = 7 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int each(void *data, const char *name, const char *value)
{
    EIN_VENDOR_HEADERS struct vendor_headers headers = { .count = 0 };
    EIN_FREE char *encoded = wire_header_value(value);
    size_t *count = data;

    /* Whatever a server calls its headers and a caller its arguments: one line of plain text. */
    if (!encoded || (vendor_header(&headers, name, encoded, NULL) == 0 && headers.count == 1 &&
                     strpbrk(headers.lines[0], "\r\n")))
        abort();
    for (const char *at = encoded; *at; at++) {
        if (*at < ' ' || *at > '~')
            abort();
    }
    return ++*count > 1000;
}

static void take_tools(const json_t *result)
{
    EIN_JSON json_t *tools = json_array();
    const char *cursor = NULL;
    json_t *tool;
    size_t i, count = 0;

    if (wire_take_tools(result, tools, &cursor) < 0)
        return;
    json_array_foreach(tools, i, tool)
    {
        if (!json_is_string(json_object_get(tool, "name")))
            abort();
        (void)wire_tool_is_valid(tool);
        (void)json_fits(json_object_get(tool, "outputSchema"), json_object_get(tool, "arguments"));
        (void)wire_tool_headers(tool, json_object_get(tool, "arguments"), each, &count);
    }
}

static void take_result(json_t *result)
{
    if (wire_take_result(result) && (!json_is_array(json_object_get(result, "content")) ||
                                     !json_is_boolean(json_object_get(result, "isError"))))
        abort();
}

static void take(json_t *message)
{
    EIN_JSON json_t *answer = NULL;
    json_t *result = json_object_get(message, "result");

    switch (wire_kind(message, ID)) {
    case WIRE_RESULT:
        take_tools(result);
        if (wire_ttl_ms(result) < 0)
            abort();
        take_result(result);
        break;
    case WIRE_ERROR:
        (void)wire_code(message);
        if (!wire_words(message))
            abort();
        break;
    case WIRE_REQUEST:
        answer = wire_answer(message);
        if (!answer || !json_equal(json_object_get(answer, "id"), json_object_get(message, "id")))
            abort();
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    EIN_JSON json_t *message = vendor_json((const char *)data, size);
    json_t *one;
    size_t i;

    take(message);
    json_array_foreach(message, i, one) take(one);
    return 0;
}
