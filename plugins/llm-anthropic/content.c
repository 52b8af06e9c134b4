/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "request.h"
#include "turns.h"

#include <gnutls/gnutls.h>
#include <string.h>

json_t *anthropic_cache(const json_t *marked)
{
    const json_t *mark = json_object_get(marked, "cache");

    if (!json_is_object(mark))
        return NULL;
    return json_pack("{s:s, s:O*}", "type", "ephemeral", "ttl", json_object_get(mark, "ttl"));
}

static int append(json_t *blocks, json_t *take_block, const json_t *part, struct ein_error *err)
{
    EIN_JSON json_t *cache = anthropic_cache(part);

    if (json_array_append_new(blocks, take_block) < 0 ||
        (cache && json_object_set(take_block, "cache_control", cache) < 0))
        return error_no_memory(err);
    return 0;
}

static int text(const json_t *part, json_t *blocks, struct ein_error *err)
{
    if (turns_blank(text_or_empty(part, "text")))
        return 0;
    return append(blocks,
                  json_pack("{s:s, s:O}", "type", "text", "text", json_object_get(part, "text")),
                  part, err);
}

/* ---- images and documents ---- */

static json_t *source_of(const json_t *part, const char *type)
{
    const json_t *url = json_object_get(part, "url");

    if (json_is_string(url))
        return json_pack("{s:s, s:O}", "type", "url", "url", url);
    return json_pack("{s:s, s:s, s:O}", "type", "base64", "media_type", type, "data",
                     json_object_get(part, "data"));
}

static int image(const json_t *part, json_t *blocks, struct ein_error *err)
{
    return append(
        blocks,
        json_pack("{s:s, s:o}", "type", "image", "source", source_of(part, turns_image_type(part))),
        part, err);
}

/* Documents of text are not taken in base64. */
static int text_source(const json_t *part, json_t **ret_source, struct ein_error *err)
{
    const char *data = text_or_empty(part, "data");
    gnutls_datum_t encoded = { (unsigned char *)data, (unsigned)strlen(data) }, bytes;

    if (gnutls_base64_decode2(&encoded, &bytes) < 0)
        return error_set(err, EIN_E_INVALID, "a file is not in base64");
    *ret_source = json_pack("{s:s, s:s, s:s%}", "type", "text", "media_type", "text/plain", "data",
                            (const char *)bytes.data, (size_t)bytes.size);
    gnutls_free(bytes.data);
    return *ret_source ? 0 : error_set(err, EIN_E_INVALID, "a file of text is not in UTF-8");
}

static int document(const json_t *part, json_t *blocks, struct ein_error *err)
{
    const char *type = text_or_empty(part, "media_type");
    bool by_url = json_is_string(json_object_get(part, "url"));
    json_t *source = NULL;
    int r = 0;

    if (strncmp(type, "image/", 6) == 0)
        return image(part, blocks, err);
    if (by_url || strcmp(type, "application/pdf") == 0)
        source = source_of(part, type);
    else if (strncmp(type, "text/", 5) == 0 || strcmp(type, "application/json") == 0)
        r = text_source(part, &source, err);
    else
        r = error_set(err, EIN_E_INVALID, "Anthropic does not take files of the type '%.80s'",
                      type);
    if (r < 0)
        return r;
    return append(blocks,
                  json_pack("{s:s, s:o, s:O*}", "type", "document", "source", source, "title",
                            json_object_get(part, "name")),
                  part, err);
}

/* ---- thoughts ---- */

static int thought(const json_t *part, json_t *blocks, struct ein_error *err)
{
    const json_t *replay = turns_replay(part, ANTHROPIC_WIRE);
    const json_t *redacted = json_object_get(replay, "redacted");
    const json_t *signature = json_object_get(replay, "signature");
    json_t *block;

    if (json_is_string(redacted))
        block = json_pack("{s:s, s:O}", "type", "redacted_thinking", "data", redacted);
    else if (json_is_string(signature))
        block = json_pack("{s:s, s:s, s:O}", "type", "thinking", "thinking",
                          text_or_empty(part, "text"), "signature", signature);
    else
        return 0; /* another vendor's, whose thoughts this one cannot check */
    /* These blocks take no cache_control. */
    return append(blocks, block, NULL, err);
}

/* ---- searches of the vendor's ---- */

static json_t *page_of(const json_t *page)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s?}", "type", "web_search_result", "url",
                     text_or_empty(page, "url"), "title", text_or_empty(page, "title"),
                     "encrypted_content", text_or_empty(page, "sealed"), "page_age",
                     text_of(page, "age"));
}

/* As the vendor has told it: only it can open what is sealed. */
static int search(const json_t *search, json_t *blocks, struct ein_error *err)
{
    const json_t *results = json_object_get(search, "results");
    const char *id = text_or_empty(search, "id"), *error = text_of(search, "error");
    EIN_JSON json_t *found =
        error ? json_pack("{s:s, s:s}", "type", "web_search_tool_result_error", "error_code", error)
              : json_array();
    int r =
        append(blocks,
               json_pack("{s:s, s:s, s:s, s:{s:s}}", "type", "server_tool_use", "id", id, "name",
                         "web_search", "input", "query", text_or_empty(search, "query")),
               NULL, err);

    for (size_t i = 0; r >= 0 && !error && i < json_array_size(results); i++)
        r = append(found, page_of(json_array_get(results, i)), NULL, err);
    if (r < 0)
        return r;
    return append(blocks,
                  json_pack("{s:s, s:s, s:O}", "type", "web_search_tool_result", "tool_use_id", id,
                            "content", found),
                  NULL, err);
}

/* ---- tools ---- */

static int tool_call(const json_t *part, json_t *blocks, struct ein_error *err)
{
    char id[TURNS_ID_SIZE];
    json_t *input = json_object_get(part, "arguments");

    turns_tool_id(text_or_empty(part, "id"), id);
    return append(blocks,
                  json_pack("{s:s, s:s, s:s, s:o}", "type", "tool_use", "id", id, "name",
                            text_or_empty(part, "name"), "input",
                            json_is_object(input) ? json_incref(input) : json_object()),
                  part, err);
}

/* An error must have some, and text that is blank is none. */
static int result_content(const json_t *part, bool failed, json_t **ret_content,
                          struct ein_error *err)
{
    json_t *content = json_object_get(part, "content");
    const char *said = json_string_value(content);
    EIN_JSON json_t *blocks = json_array();
    int r = blocks ? 0 : error_no_memory(err);

    for (size_t i = 0; r >= 0 && i < json_array_size(content); i++)
        r = anthropic_part(json_array_get(content, i), blocks, NULL, err);
    if (r < 0)
        return r;
    if (said && !turns_blank(said))
        *ret_content = json_incref(content);
    else if (failed && json_array_size(blocks) == 0)
        *ret_content = json_string("(empty)");
    else
        *ret_content = said ? json_string("") : EIN_TAKE(blocks);
    return *ret_content ? 0 : error_no_memory(err);
}

static int tool_result(const json_t *part, json_t *blocks, struct ein_error *err)
{
    char id[TURNS_ID_SIZE];
    bool failed = json_is_true(json_object_get(part, "is_error"));
    json_t *content = NULL;
    int r = result_content(part, failed, &content, err);

    if (r < 0)
        return r;
    turns_tool_id(text_or_empty(part, "id"), id);
    return append(blocks,
                  json_pack("{s:s, s:s, s:o, s:o*}", "type", "tool_result", "tool_use_id", id,
                            "content", content, "is_error", failed ? json_true() : NULL),
                  part, err);
}

int anthropic_part(const json_t *part, json_t *blocks, void *data, struct ein_error *err)
{
    static const struct {
        const char *type;
        int (*append)(const json_t *part, json_t *blocks, struct ein_error *err);
    } kinds[] = {
        { "text", text },       { "image", image },         { "file", document },
        { "thought", thought }, { "tool_call", tool_call }, { "tool_result", tool_result },
    };
    const json_t *searched = json_object_get(turns_replay(part, ANTHROPIC_WIRE), "search");
    const char *type = text_or_empty(part, "type");

    if (searched)
        return data ? search(searched, blocks, err) : 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].type, type) == 0)
            return kinds[i].append(part, blocks, err);
    return error_set(err, EIN_E_INVALID, "Anthropic does not take parts of the type '%.40s'", type);
}
