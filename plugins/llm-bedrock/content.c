/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "request.h"
#include "turns.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 201 }; /* of a document, with the NUL */

/* A model that does not cache refuses the request.  Which one an ARN is of, nobody knows. */
void bedrock_writer_init(const struct ein_llm_call *call, struct bedrock_writer *writer)
{
    enum bedrock_family family = bedrock_family(call);

    *writer = (struct bedrock_writer){
        .caches = family == BEDROCK_CLAUDE ||
                  (family == BEDROCK_OTHER && strncmp(call->model, "arn:", 4) == 0),
    };
}

int bedrock_cache(const struct bedrock_writer *writer, const json_t *marked, json_t *blocks,
                  struct ein_error *err)
{
    const json_t *mark = json_object_get(marked, "cache");

    if (writer->caches && json_is_object(mark) &&
        json_array_append_new(blocks, json_pack("{s:{s:s, s:O*}}", "cachePoint", "type", "default",
                                                "ttl", json_object_get(mark, "ttl"))) < 0)
        return error_no_memory(err);
    return 0;
}

static int append(const struct bedrock_writer *writer, json_t *blocks, json_t *take_block,
                  const json_t *part, struct ein_error *err)
{
    if (json_array_append_new(blocks, take_block) < 0)
        return error_no_memory(err);
    return bedrock_cache(writer, part, blocks, err);
}

static int text(const json_t *part, json_t *blocks, struct bedrock_writer *writer,
                struct ein_error *err)
{
    if (turns_blank(text_or_empty(part, "text")))
        return 0;
    return append(writer, blocks, json_pack("{s:O}", "text", json_object_get(part, "text")), part,
                  err);
}

/* ---- images and documents ---- */

struct format {
    const char *media_type, *format;
};

static const struct format images[] = {
    { "image/png", "png" },
    { "image/jpeg", "jpeg" },
    { "image/gif", "gif" },
    { "image/webp", "webp" },
};

static const struct format documents_known[] = {
    { "application/pdf", "pdf" },
    { "text/csv", "csv" },
    { "application/msword", "doc" },
    { "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx" },
    { "application/vnd.ms-excel", "xls" },
    { "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx" },
    { "text/html", "html" },
    { "text/plain", "txt" },
    { "text/markdown", "md" },
};

static const char *format_of(const struct format *formats, size_t count, const char *media_type)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(formats[i].media_type, media_type) == 0)
            return formats[i].format;
    return NULL;
}

/* A name as the vendor takes it: letters, digits, single spaces, hyphens, parentheses, brackets;
 * no two documents of a request have the same. */
static void name_of(const char *given, unsigned number, char name[NAME_SIZE])
{
    size_t len = 0;

    for (; *given && len < NAME_SIZE - 20; given++) {
        char c = isalnum((unsigned char)*given) || strchr("-()[]", *given) ? *given : ' ';

        if (c != ' ' || (len > 0 && name[len - 1] != ' '))
            name[len++] = c;
    }
    while (len > 0 && name[len - 1] == ' ')
        len--;
    if (len == 0)
        len = (size_t)snprintf(name, NAME_SIZE, "Document");
    name[len] = '\0';
    if (number > 1)
        (void)snprintf(name + len, NAME_SIZE - len, " (%u)", number);
}

static int bytes_of(const json_t *part, json_t **ret_source, struct ein_error *err)
{
    json_t *data = json_object_get(part, "data");

    if (!json_is_string(data))
        return error_set(err, EIN_E_INVALID,
                         "Bedrock takes images and files by their bytes, not by their URL");
    *ret_source = json_pack("{s:O}", "bytes", data);
    return 0;
}

static int image(const json_t *part, json_t *blocks, struct bedrock_writer *writer,
                 struct ein_error *err)
{
    const char *type = turns_image_type(part);
    const char *format = format_of(images, sizeof(images) / sizeof(images[0]), type);
    json_t *source = NULL;
    int r = 0;

    if (!format)
        return error_set(err, EIN_E_INVALID, "Bedrock does not take images of the type '%.80s'",
                         type);
    r = bytes_of(part, &source, err);
    if (r < 0)
        return r;
    return append(writer, blocks,
                  json_pack("{s:{s:s, s:o}}", "image", "format", format, "source", source), part,
                  err);
}

static int document(const json_t *part, json_t *blocks, struct bedrock_writer *writer,
                    struct ein_error *err)
{
    const char *type = text_or_empty(part, "media_type");
    const char *format =
        format_of(documents_known, sizeof(documents_known) / sizeof(documents_known[0]), type);
    char name[NAME_SIZE];
    json_t *source = NULL;
    int r;

    if (strncmp(type, "image/", 6) == 0)
        return image(part, blocks, writer, err);
    if (!format)
        return error_set(err, EIN_E_INVALID, "Bedrock does not take files of the type '%.80s'",
                         type);
    r = bytes_of(part, &source, err);
    if (r < 0)
        return r;
    name_of(text_or_empty(part, "name"), ++writer->documents, name);
    return append(writer, blocks,
                  json_pack("{s:{s:s, s:s, s:o}}", "document", "format", format, "name", name,
                            "source", source),
                  part, err);
}

/* ---- thoughts ---- */

static int thought(const json_t *part, json_t *blocks, struct bedrock_writer *writer,
                   struct ein_error *err)
{
    const json_t *replay = turns_replay(part, BEDROCK_WIRE);
    const json_t *redacted = json_object_get(replay, "redacted");
    const json_t *signature = json_object_get(replay, "signature");
    json_t *block;

    if (json_is_string(redacted))
        block = json_pack("{s:{s:O}}", "reasoningContent", "redactedContent", redacted);
    else if (json_is_string(signature))
        block = json_pack("{s:{s:{s:s, s:O}}}", "reasoningContent", "reasoningText", "text",
                          text_or_empty(part, "text"), "signature", signature);
    else
        return 0; /* another vendor's, or one that needs no replay */
    return append(writer, blocks, block, NULL, err);
}

/* ---- tools ---- */

static int tool_call(const json_t *part, json_t *blocks, struct bedrock_writer *writer,
                     struct ein_error *err)
{
    char id[TURNS_ID_SIZE];
    json_t *input = json_object_get(part, "arguments");

    turns_tool_id(text_or_empty(part, "id"), id);
    return append(writer, blocks,
                  json_pack("{s:{s:s, s:s, s:o}}", "toolUse", "toolUseId", id, "name",
                            text_or_empty(part, "name"), "input",
                            json_is_object(input) ? json_incref(input) : json_object()),
                  part, err);
}

static int tool_result(const json_t *part, json_t *blocks, struct bedrock_writer *writer,
                       struct ein_error *err)
{
    const json_t *content = json_object_get(part, "content");
    const char *said = json_string_value(content);
    EIN_JSON json_t *made = json_array();
    bool caches = writer->caches;
    char id[TURNS_ID_SIZE];
    int r = made ? 0 : error_no_memory(err);

    writer->caches = false; /* not within a result */
    for (size_t i = 0; r >= 0 && i < json_array_size(content); i++)
        r = bedrock_part(json_array_get(content, i), made, writer, err);
    writer->caches = caches;
    if (r >= 0 && json_array_size(made) == 0 &&
        json_array_append_new(made, json_pack("{s:o}", "text",
                                              turns_blank(said ? said : "")
                                                  ? json_string("(empty)")
                                                  : json_incref((json_t *)content))) < 0)
        r = error_no_memory(err);
    if (r < 0)
        return r;
    turns_tool_id(text_or_empty(part, "id"), id);
    return append(writer, blocks,
                  json_pack("{s:{s:s, s:O, s:s*}}", "toolResult", "toolUseId", id, "content", made,
                            "status",
                            json_is_true(json_object_get(part, "is_error")) ? "error" : NULL),
                  part, err);
}

int bedrock_part(const json_t *part, json_t *blocks, void *data, struct ein_error *err)
{
    static const struct {
        const char *type;
        int (*append)(const json_t *part, json_t *blocks, struct bedrock_writer *writer,
                      struct ein_error *err);
    } kinds[] = {
        { "text", text },       { "image", image },         { "file", document },
        { "thought", thought }, { "tool_call", tool_call }, { "tool_result", tool_result },
    };
    const char *type = text_or_empty(part, "type");

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].type, type) == 0)
            return kinds[i].append(part, blocks, data, err);
    return error_set(err, EIN_E_INVALID, "Bedrock does not take parts of the type '%.40s'", type);
}
