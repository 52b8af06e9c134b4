/* SPDX-License-Identifier: Apache-2.0 */
#include "tool.h"

#include "cleanup.h"
#include "field_schema.h"
#include "schemas.h"
#include "str.h"
#include "token.h"

#include <string.h>

enum { HASH_DIGITS = 8, SLUG_MAX = TOOL_NAME_SIZE - 2 - HASH_DIGITS };

/* ---- names ---- */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

bool tool_name_is_own(const char *tool)
{
    size_t len = 0;

    while (is_plain(tool[len]))
        len++;
    return !tool[len] && len > 0 && len < TOOL_NAME_SIZE && strcmp(tool, TOOL_SEARCH) != 0 &&
           strcmp(tool, TOOL_RUN) != 0;
}

bool tool_name_is_made(const char *tool)
{
    size_t len = strlen(tool);

    return len > HASH_DIGITS && len < TOOL_NAME_SIZE && tool[len - HASH_DIGITS - 1] == '_' &&
           strspn(tool + len - HASH_DIGITS, "0123456789abcdef") == HASH_DIGITS;
}

void tool_name(const char *name, char ret_tool[TOOL_NAME_SIZE])
{
    char hash[TOKEN_HASH_SIZE];
    size_t len = 0;

    if (tool_name_is_own(name)) {
        (void)strcpy(ret_tool, name);
        return;
    }
    for (const char *at = name; *at && len < SLUG_MAX; at++) {
        if (((unsigned char)*at & 0xc0) != 0x80) /* one for each character */
            ret_tool[len++] = is_plain(*at) ? *at : '_';
    }
    token_hash(name, hash);
    ret_tool[len++] = '_';
    memcpy(ret_tool + len, hash, HASH_DIGITS);
    ret_tool[len + HASH_DIGITS] = '\0';
}

/* ---- what is told of one ---- */

json_t *tool_short_text(const char *text, size_t bytes)
{
    size_t len = text ? strcspn(text, "\r\n") : 0;

    if (len <= bytes)
        return json_stringn(text ? text : "", len);
    return json_sprintf("%.*s…", str_cut(text, (int)bytes), text);
}

json_t *tool_of(const json_t *entry, size_t short_bytes)
{
    const char *name = json_string_value(json_object_get(entry, "name"));
    const json_t *agent = json_object_get(entry, "agent");
    const char *title = json_string_value(json_object_get(agent, "name"));
    const char *text = json_string_value(json_object_get(agent, "description"));
    const json_t *output = json_object_get(agent, "outputSchema");
    bool whole = short_bytes == 0;
    char tool[TOOL_NAME_SIZE];

    tool_name(name, tool);
    return json_pack(
        "{s:s, s:s, s:o, s:o, s:o*}", "name", tool, "title", title ? title : name, "description",
        whole ? json_string(text ? text : "") : tool_short_text(text, short_bytes), "inputSchema",
        field_schema(json_object_get(agent, "inputSchema"), false), "outputSchema",
        whole && json_object_size(output) > 0 ? field_schema(output, false) : NULL);
}

/* ---- the two that stand for all ---- */

/* clang-format off */
static const char search_input[] = SCHEMA({
    "type": "object",
    "properties": {
        "query": {"type": "string",
                  "description": "Words of what is to be done; without any, agents are listed as they were deployed"},
        "limit": {"type": "integer", "minimum": 1, "description": "How many to name at most"}
    }
});
static const char search_output[] = SCHEMA({
    "type": "object",
    "required": ["agents", "total"],
    "properties": {
        "agents": {"type": "array", "items": {
            "type": "object", "required": ["name", "description", "inputSchema"],
            "properties": {"name": {"type": "string"}, "title": {"type": "string"},
                           "description": {"type": "string"}, "inputSchema": {"type": "object"}}}},
        "total": {"type": "integer"}
    }
});
static const char run_input[] = SCHEMA({
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "description": "As search_agents has it"},
        "arguments": {"type": "object", "description": "As the inputSchema of the agent says"}
    }
});
/* clang-format on */

static json_t *schema(const char *text)
{
    return json_loads(text, 0, NULL);
}

/* The names in PAGE, joined, as far as they fit. */
static json_t *names_of(const json_t *page, size_t bytes)
{
    EIN_FREE char *text = calloc(1, bytes + 1);
    size_t i, len = 0;
    const json_t *entry;

    if (!text)
        return NULL;
    json_array_foreach(page, i, entry)
    {
        char tool[TOOL_NAME_SIZE];

        tool_name(json_string_value(json_object_get(entry, "name")), tool);
        if (len + strlen(tool) + 2 > bytes)
            break;
        len = (size_t)(stpcpy(stpcpy(text + len, len ? ", " : ""), tool) - text);
    }
    return json_string(text);
}

json_t *tool_search(size_t count, const json_t *page, size_t names_bytes)
{
    EIN_JSON json_t *names = names_of(page, names_bytes);
    const char *some = json_string_value(names);
    EIN_JSON json_t *text = json_sprintf(
        "Finds those of the %zu agents of this server that fit a task, with what each of them "
        "takes. Call them with " TOOL_RUN ", or as tools of their names.%s%s",
        count, some && *some ? " Among them are: " : "", some ? some : "");

    return json_pack("{s:s, s:s, s:O, s:o, s:o}", "name", TOOL_SEARCH, "title", "Search agents",
                     "description", text, "inputSchema", schema(search_input), "outputSchema",
                     schema(search_output));
}

json_t *tool_run(void)
{
    return json_pack("{s:s, s:s, s:s, s:o}", "name", TOOL_RUN, "title", "Run an agent",
                     "description", "Runs an agent that " TOOL_SEARCH " has found.", "inputSchema",
                     schema(run_input));
}
