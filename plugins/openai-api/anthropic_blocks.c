/* SPDX-License-Identifier: Apache-2.0 */
#include "anthropic.h"

#include "cleanup.h"
#include "member.h"

#include <stdio.h>
#include <string.h>

/* Appends what a block is to `parts`; several, or nothing. */
typedef int read_block(struct asking *asking, json_t *block, const char *place, json_t *parts);

static int append(json_t *parts, json_t *take_part, const json_t *block)
{
    EIN_JSON json_t *cache = ask_cache(block);

    if (take_part && cache && json_object_set(take_part, "cache", cache) < 0) {
        json_decref(take_part);
        return EIN_E_NO_MEMORY;
    }
    return ask_append(parts, take_part);
}

static int text(struct asking *asking, json_t *block, const char *place, json_t *parts)
{
    json_t *text = json_object_get(block, "text");

    if (!json_is_string(text))
        return ask_refuse_message(asking, place, "A text block has no 'text'.");
    if (ask_is_pair(block, "type", "text"))
        return ask_append(parts, json_incref(block));
    return append(parts, json_pack("{s:s, s:O}", "type", "text", "text", text), block);
}

/* ---- images and documents ---- */

/* `part` with what a source of the type base64 or url says. */
static int from_source(struct asking *asking, const json_t *source, json_t *part, const char *place)
{
    const char *type = json_string_value(json_object_get(source, "type"));
    json_t *data = json_object_get(source, "data"), *url = json_object_get(source, "url");
    json_t *media = json_object_get(source, "media_type");
    bool done;

    if (type && strcmp(type, "base64") == 0 && json_is_string(data) && json_is_string(media))
        done = json_object_set(part, "media_type", media) == 0 &&
               json_object_set(part, "data", data) == 0;
    else if (type && strcmp(type, "url") == 0 && json_is_string(url))
        done = json_object_set(part, "url", url) == 0;
    else
        return ask_refuse_message(asking, place,
                                  "A source of the type '%.40s' is not taken here: base64, with "
                                  "media_type and data, and url are.",
                                  type ? type : "");
    return done ? 0 : EIN_E_NO_MEMORY;
}

static int medium(struct asking *asking, json_t *block, const char *kind, const char *place,
                  json_t *parts)
{
    EIN_JSON json_t *part =
        json_pack("{s:s, s:O*}", "type", kind, "name", json_object_get(block, "title"));
    int r =
        part ? from_source(asking, json_object_get(block, "source"), part, place) : EIN_E_NO_MEMORY;

    return r < 0 ? r : append(parts, EIN_TAKE(part), block);
}

static int image(struct asking *asking, json_t *block, const char *place, json_t *parts)
{
    return medium(asking, block, "image", place, parts);
}

/* Text with a heading, as the other vendors know no documents of text. */
static int document_of_text(json_t *block, const json_t *data, json_t *parts)
{
    const char *title = json_string_value(json_object_get(block, "title"));

    return append(parts,
                  json_pack("{s:s, s:o}", "type", "text", "text",
                            json_sprintf("%s%s%s", title ? title : "", title ? "\n\n" : "",
                                         json_string_value(data))),
                  block);
}

static int note_citations(struct asking *asking, const json_t *block)
{
    if (!json_is_true(json_object_get(json_object_get(block, "citations"), "enabled")))
        return 0;
    return ask_note(asking->ask, "'citations' of documents were left out.");
}

static int document(struct asking *asking, json_t *block, const char *place, json_t *parts)
{
    const json_t *source = json_object_get(block, "source");
    const char *type = json_string_value(json_object_get(source, "type"));
    json_t *content = json_object_get(source, "content"), *data = json_object_get(source, "data");
    EIN_JSON json_t *inside = NULL;
    int r = note_citations(asking, block);

    if (r < 0)
        return r;
    if (type && strcmp(type, "text") == 0 && json_is_string(data))
        return document_of_text(block, data, parts);
    if (!type || strcmp(type, "content") != 0)
        return medium(asking, block, "file", place, parts);
    if (json_is_string(content))
        return document_of_text(block, content, parts);
    r = anthropic_content(asking, content, place, &inside);
    return r < 0 ? r : json_array_extend(parts, inside) < 0 ? EIN_E_NO_MEMORY : 0;
}

static int search_result(struct asking *asking, json_t *block, const char *place, json_t *parts)
{
    const char *title = json_string_value(json_object_get(block, "title"));
    const char *source = json_string_value(json_object_get(block, "source"));
    EIN_JSON json_t *inside = NULL;
    int r = anthropic_content(asking, json_object_get(block, "content"), place, &inside);

    if (r >= 0)
        r = note_citations(asking, block);
    if (r < 0)
        return r;
    r = ask_append(parts,
                   json_pack("{s:s, s:o}", "type", "text", "text",
                             json_sprintf("%s (%s)", title ? title : "", source ? source : "")));
    if (r < 0 || !json_is_array(inside))
        return r;
    return json_array_extend(parts, inside) < 0 ? EIN_E_NO_MEMORY : 0;
}

/* ---- thoughts ---- */

static int thinking(struct asking *asking, json_t *block, const char *place, json_t *parts)
{
    json_t *text = json_object_get(block, "thinking");
    EIN_JSON json_t *replay = ask_replay(asking, json_object_get(block, "signature"));

    if (!json_is_string(text))
        return ask_refuse_message(asking, place, "A thinking block has no 'thinking'.");
    if (!replay && json_string_length(text) == 0)
        return 0;
    return ask_append(
        parts, json_pack("{s:s, s:O, s:O*}", "type", "thought", "text", text, "replay", replay));
}

static int redacted_thinking(struct asking *asking, json_t *block, const char *place, json_t *parts)
{
    json_t *data = json_object_get(block, "data");

    if (!json_is_string(data))
        return ask_refuse_message(asking, place, "A redacted_thinking block has no 'data'.");
    return ask_append(parts, json_pack("{s:s, s:{s:s, s:O}}", "type", "thought", "replay", "wire",
                                       "anthropic", "redacted", data));
}

/* ---- tools ---- */

static int tool_use(struct asking *asking, json_t *block, const char *place, json_t *parts)
{
    json_t *id = json_object_get(block, "id"), *name = json_object_get(block, "name");
    json_t *input = json_object_get(block, "input");
    int r;

    if (!json_is_string(id) || !json_is_string(name) || !json_is_object(input))
        return ask_refuse_message(asking, place, "A tool_use block needs 'id', 'name', 'input'.");
    r = append(parts,
               json_pack("{s:s, s:O, s:O, s:O, s:O*}", "type", "tool_call", "id", id, "name", name,
                         "arguments", input, "replay", ask_replay_of(asking, id)),
               block);
    return r < 0 ? r : ask_remember(asking, id, name);
}

static int tool_result(struct asking *asking, json_t *block, const char *place, json_t *parts)
{
    json_t *id = json_object_get(block, "tool_use_id"), *given = json_object_get(block, "content");
    EIN_JSON json_t *content = NULL;
    int r = 0;

    if (!json_is_string(id))
        return ask_refuse_message(asking, place, "A tool_result block has no 'tool_use_id'.");
    if (!given || json_is_null(given))
        content = json_string("");
    else
        r = anthropic_content(asking, given, place, &content);
    if (r < 0)
        return r;
    return append(parts,
                  json_pack("{s:s, s:O, s:O*, s:O, s:o*}", "type", "tool_result", "id", id, "name",
                            json_object_get(asking->names, json_string_value(id)), "content",
                            content, "is_error",
                            json_is_true(json_object_get(block, "is_error")) ? json_true() : NULL),
                  block);
}

/* A tool that the client has looked for, and given with the others. */
static int tool_reference(struct asking *asking, json_t *block, const char *place, json_t *parts)
{
    json_t *name = json_object_get(block, "tool_name");

    if (!json_is_string(name))
        return ask_refuse_message(asking, place, "A tool_reference block has no 'tool_name'.");
    return append(parts, json_pack("{s:s, s:O}", "type", "text", "text", name), block);
}

/* What was said before, in short. */
static int compaction(struct asking *asking, json_t *block, const char *place, json_t *parts)
{
    json_t *content = json_object_get(block, "content");

    if (!json_is_string(content))
        return ask_refuse_message(asking, place,
                                  "A compaction block without its 'content' cannot be read here.");
    return append(parts, json_pack("{s:s, s:O}", "type", "text", "text", content), block);
}

/* What the vendor's own tools did is told again by the answer that came of it. */
static int server_tool(struct asking *asking, json_t *block, const char *place, json_t *parts)
{
    (void)place;
    (void)parts;
    return ask_note(asking->ask, "Blocks of the type '%.40s' were left out.",
                    json_string_value(json_object_get(block, "type")));
}

static int server_tool_use(struct asking *asking, json_t *block, const char *place, json_t *parts)
{
    json_t *id = json_object_get(block, "id");
    json_t *query = json_object_get(json_object_get(block, "input"), "query");

    if (strcmp(text_or_empty(block, "name"), "web_search") != 0 || !json_is_string(id) ||
        !json_is_string(query))
        return server_tool(asking, block, place, parts);
    return ask_remember(asking, id, query);
}

/* NULL: nothing in it that its vendor would know again. */
static json_t *page_of(const json_t *block)
{
    json_t *url = json_object_get(block, "url"), *title = json_object_get(block, "title");
    json_t *age = json_object_get(block, "page_age");
    json_t *sealed = json_object_get(block, "encrypted_content");

    if (!json_is_string(url) || !json_is_string(title) ||
        !*text_or_empty(block, "encrypted_content"))
        return NULL;
    return json_pack("{s:O, s:O, s:O, s:O*}", "url", url, "title", title, "sealed", sealed, "age",
                     json_is_string(age) ? age : NULL);
}

/* A search goes back to the vendor that made it, which told it so: services.h. */
static int search_of(struct asking *asking, const json_t *block, json_t **ret_search)
{
    const char *id = text_or_empty(block, "tool_use_id");
    json_t *content = json_object_get(block, "content"),
           *query = json_object_get(asking->names, id);
    json_t *error = json_object_get(content, "error_code");
    EIN_JSON json_t *pages = json_array();

    for (size_t i = 0; i < json_array_size(content); i++) {
        json_t *page = page_of(json_array_get(content, i));

        if (!page)
            return 0;
        if (json_array_append_new(pages, page) < 0)
            return EIN_E_NO_MEMORY;
    }
    if (!query || !(json_is_array(content) || json_is_string(error)))
        return 0;
    *ret_search = json_pack("{s:s, s:O, s:O, s:O*}", "id", id, "query", query, "results", pages,
                            "error", error);
    return *ret_search ? 1 : EIN_E_NO_MEMORY;
}

static int web_search_result(struct asking *asking, json_t *block, const char *place, json_t *parts)
{
    EIN_JSON json_t *search = NULL;
    int r = search_of(asking, block, &search);

    if (r == 0)
        return server_tool(asking, block, place, parts);
    return r < 0 ? r
                 : ask_append(parts, json_pack("{s:s, s:{s:s, s:O}}", "type", "thought", "replay",
                                               "wire", "anthropic", "search", search));
}

/* ---- all of them ---- */

static int read_one(struct asking *asking, json_t *block, const char *place, json_t *parts)
{
    static const struct {
        const char *type;
        read_block *read;
    } kinds[] = {
        { "text", text },
        { "image", image },
        { "document", document },
        { "search_result", search_result },
        { "thinking", thinking },
        { "redacted_thinking", redacted_thinking },
        { "tool_use", tool_use },
        { "tool_result", tool_result },
        { "server_tool_use", server_tool_use },
        { "web_search_tool_result", web_search_result },
        { "web_fetch_tool_result", server_tool },
        { "code_execution_tool_result", server_tool },
        { "bash_code_execution_tool_result", server_tool },
        { "text_editor_code_execution_tool_result", server_tool },
        { "mcp_tool_use", server_tool },
        { "mcp_tool_result", server_tool },
        { "mcp_tool_listing", server_tool },
        { "tool_search_tool_result", server_tool },
        { "advisor_tool_result", server_tool },
        { "container_upload", server_tool },
        { "browser_state", server_tool },
        { "tool_addition", server_tool },
        { "tool_removal", server_tool },
        { "fallback", server_tool },
        { "tool_reference", tool_reference },
        { "compaction", compaction },
    };
    const char *type = json_string_value(json_object_get(block, "type"));

    for (size_t i = 0; type && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].type, type) == 0)
            return kinds[i].read(asking, block, place, parts);
    return ask_refuse_message(asking, place, "A block of the type '%.40s' is not taken here.",
                              type ? type : "");
}

int anthropic_content(struct asking *asking, json_t *content, const char *place,
                      json_t **ret_content)
{
    EIN_JSON json_t *parts = NULL;
    char where[96];
    json_t *block;
    size_t i;

    if (json_is_string(content)) {
        *ret_content = json_incref(content);
        return 0;
    }
    if (!json_is_array(content))
        return ask_refuse_message(asking, place, "It is neither a text nor an array of blocks.");
    if (json_array_size(content) > asking->limits->parts)
        return ask_refuse_message(asking, place, "It has %zu blocks; %u are allowed.",
                                  json_array_size(content), asking->limits->parts);
    parts = json_array();
    json_array_foreach(content, i, block)
    {
        int r;

        (void)snprintf(where, sizeof(where), "%.64s[%zu]", place, i);
        r = parts ? read_one(asking, block, where, parts) : EIN_E_NO_MEMORY;
        if (r < 0)
            return r;
    }
    *ret_content = EIN_TAKE(parts);
    return 0;
}
