/* SPDX-License-Identifier: Apache-2.0 */
/* What clients of /mcp send: messages, names in headers, names of agents that become tools. */
#include "cleanup.h"
#include "json_depth.h"
#include "rpc.h"
#include "tool.h"

#include <stdint.h>
#include <string.h>

enum { DEPTH = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever an agent is called, its tool is called what every model can say, and known again. */
static void name_it(const char *name)
{
    char tool[TOOL_NAME_SIZE];
    size_t len;

    tool_name(name, tool);
    len = strlen(tool);
    if (len == 0 || len >= TOOL_NAME_SIZE ||
        strspn(tool, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != len)
        abort();
    if (strcmp(tool, name) != 0 && !tool_name_is_made(tool))
        abort();
}

static void take_message(const json_t *message)
{
    EIN_JSON json_t *answer = NULL;
    const json_t *id = json_object_get(message, "id");

    if (rpc_kind(message) != RPC_REQUEST)
        return;
    (void)rpc_version(json_object_get(message, "params"));
    answer = rpc_result(id, json_object());
    if (!answer || !json_equal(json_object_get(answer, "id"), id))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    EIN_JSON json_t *message = json_outer_read((const char *)data, size, DEPTH);
    EIN_FREE char *text = calloc(1, size + 1);
    EIN_FREE char *header = NULL;
    EIN_JSON json_t *brief = NULL;

    if (!text)
        return 0;
    memcpy(text, data, size);
    header = rpc_header_text(text);
    brief = tool_short_text(text, size / 2);
    name_it(text);
    if (json_is_object(message))
        take_message(message);
    return 0;
}
