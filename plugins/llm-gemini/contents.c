/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as Gemini wants them: the system's apart, roles that take turns, answers of tools in
 * the name of the user, and signatures on the parts that they came with. */
#include "buf.h"
#include "error.h"
#include "gemini.h"
#include "member.h"
#include "turns.h"

#include <string.h>

/* Stands for the signature of a call that Gemini has not made, as its documentation has it. */
#define UNSIGNED "skip_thought_signature_validator"

/* In a replay: the signature is of the last so many bytes of the text before it.  In a part here:
 * the same, until all of them are there. */
#define TEXT_BYTES "text_bytes"

struct writer {
    json_t *calls; /* {id: {"name", "id": the vendor's own}} */
    bool signs;    /* calls of tools without a signature are refused */
};

/* Appends `take_part`; NULL: there was no memory for it. */
static int append(json_t *parts, json_t *take_part, struct ein_error *err)
{
    return json_array_append_new(parts, take_part) < 0 ? error_no_memory(err) : 0;
}

/* ---- text, thoughts ---- */

static int add_text(struct writer *writer, json_t *parts, const json_t *part, struct ein_error *err)
{
    json_t *text = json_object_get(part, "text");

    (void)writer;
    if (json_string_length(text) == 0)
        return 0;
    return append(parts, json_pack("{s:O}", "text", text), err);
}

/* Thoughts go back only with a signature of their own, or of the text before them. */
static int add_thought(struct writer *writer, json_t *parts, const json_t *part,
                       struct ein_error *err)
{
    const json_t *replay = turns_replay(part, GEMINI_WIRE);
    json_t *of_text = json_object_get(replay, TEXT_BYTES);
    json_t *signature = json_object_get(replay, "thoughtSignature");
    const char *text = text_of(part, "text");

    (void)writer;
    if (!json_is_string(signature))
        return 0;
    if (json_is_integer(of_text))
        return append(parts,
                      json_pack("{s:s, s:O, s:O}", "text", "", "thoughtSignature", signature,
                                TEXT_BYTES, of_text),
                      err);
    return append(parts,
                  json_pack("{s:s, s:b, s:O}", "text", text ? text : "", "thought", 1,
                            "thoughtSignature", signature),
                  err);
}

/* ---- images, files ---- */

static json_t *blob_of(const json_t *part)
{
    json_t *type = json_object_get(part, "media_type"), *data = json_object_get(part, "data");
    json_t *url = json_object_get(part, "url");

    if (json_is_string(data))
        return json_pack("{s:{s:O*, s:O}}", "inlineData", "mimeType", type, "data", data);
    return json_pack("{s:{s:O*, s:O}}", "fileData", "mimeType", type, "fileUri", url);
}

static int add_blob(struct writer *writer, json_t *parts, const json_t *part, struct ein_error *err)
{
    (void)writer;
    if (!text_of(part, "data") && !text_of(part, "url"))
        return error_set(err, EIN_E_INVALID, "an image or a file has neither data nor a URL");
    return append(parts, blob_of(part), err);
}

/* ---- tools ---- */

static int add_call(struct writer *writer, json_t *parts, const json_t *part, struct ein_error *err)
{
    const json_t *replay = turns_replay(part, GEMINI_WIRE);
    json_t *name = json_object_get(part, "name"), *arguments = json_object_get(part, "arguments");
    json_t *own_id = json_object_get(replay, "id");
    const char *id = text_of(part, "id");
    json_t *signature = json_object_get(replay, "thoughtSignature");

    if (!json_is_string(name))
        return error_set(err, EIN_E_INVALID, "a call of a tool has no name");
    if (id && json_object_set_new(writer->calls, id,
                                  json_pack("{s:O, s:O*}", "name", name, "id", own_id)) < 0)
        return error_no_memory(err);
    EIN_JSON json_t *none = json_object();
    return append(parts,
                  json_pack("{s:{s:O*, s:O, s:O}, s:O*}", "functionCall", "id", own_id, "name",
                            name, "args", json_is_object(arguments) ? arguments : none,
                            "thoughtSignature", json_is_string(signature) ? signature : NULL),
                  err);
}

/* The text of a tool's answer, *ret_text, and what else is in it: appended to `blobs`. */
static int read_result(const json_t *content, json_t **ret_text, json_t *blobs,
                       struct ein_error *err)
{
    struct buf text;
    const json_t *part;
    size_t at;
    int r = 0;

    if (!json_is_array(content)) {
        *ret_text = json_is_string(content) ? json_incref((json_t *)content) : json_string("");
        return *ret_text ? 0 : error_no_memory(err);
    }
    buf_init(&text, SIZE_MAX / 2);
    json_array_foreach(content, at, part)
    {
        const json_t *more = json_object_get(part, "text");

        if (r == 0 && !more)
            r = add_blob(NULL, blobs, part, err);
        else if (r == 0 && text.len > 0 && buf_add(&text, "\n", 1) < 0)
            r = error_no_memory(err);
        if (r == 0 && buf_add(&text, json_string_value(more), json_string_length(more)) < 0)
            r = error_no_memory(err);
    }
    if (r == 0 && !(*ret_text = json_stringn(buf_str(&text), text.len)))
        r = error_no_memory(err);
    buf_done(&text);
    return r;
}

static int add_result(struct writer *writer, json_t *parts, const json_t *part,
                      struct ein_error *err)
{
    const char *id = text_of(part, "id");
    const json_t *call = id ? json_object_get(writer->calls, id) : NULL;
    json_t *name = json_object_get(call ? call : part, "name");
    bool failed = json_is_true(json_object_get(part, "is_error"));
    EIN_JSON json_t *text = NULL, *blobs = json_array();
    int r = read_result(json_object_get(part, "content"), &text, blobs, err);

    if (r < 0)
        return r;
    if (!json_is_string(name))
        return error_set(err, EIN_E_INVALID, "the answer of a tool is to no call and has no name");
    /* Only the newer models take what is not text within the answer. */
    bool within = writer->signs && json_array_size(blobs) > 0;
    r = append(parts,
               json_pack("{s:{s:O*, s:O, s:{s:O}, s:O*}}", "functionResponse", "id",
                         json_object_get(call, "id"), "name", name, "response",
                         failed ? "error" : "output", text, "parts", within ? blobs : NULL),
               err);
    if (r == 0 && !within && json_array_extend(parts, blobs) < 0)
        r = error_no_memory(err);
    return r;
}

/* ---- turns ---- */

static const struct {
    const char *type;
    int (*add)(struct writer *writer, json_t *parts, const json_t *part, struct ein_error *err);
} part_types[] = {
    { "text", add_text }, { "thought", add_thought }, { "image", add_blob },
    { "file", add_blob }, { "tool_call", add_call },  { "tool_result", add_result },
};

static int add_part(const json_t *part, json_t *parts, void *data, struct ein_error *err)
{
    const char *type = text_of(part, "type");

    for (size_t i = 0; type && i < sizeof(part_types) / sizeof(part_types[0]); i++) {
        if (strcmp(part_types[i].type, type) == 0)
            return part_types[i].add(data, parts, part, err);
    }
    return error_set(err, EIN_E_INVALID, "Gemini takes no part of the type %.40s",
                     type ? type : "null");
}

/* Is it text to which no signature belongs yet? */
static bool is_plain(const json_t *part)
{
    return json_object_size(part) == 1 && json_object_get(part, "text");
}

/* The signature belongs to the last `len` bytes of the text before it. */
static int sign_text(json_t *parts, json_t *signature, size_t len, struct ein_error *err)
{
    size_t count = json_array_size(parts);
    json_t *last = count ? json_array_get(parts, count - 1) : NULL;
    const json_t *text = json_object_get(last, "text");
    size_t all = json_string_length(text);
    const char *bytes = json_string_value(text);
    bool fits =
        is_plain(last) && len > 0 && len <= all && ((unsigned char)bytes[all - len] & 0xc0) != 0x80;

    if (fits && len == all)
        return json_object_set(last, "thoughtSignature", signature) < 0 ? error_no_memory(err) : 0;
    if (!fits)
        return append(parts, json_pack("{s:s, s:O}", "text", "", "thoughtSignature", signature),
                      err);
    EIN_JSON json_t *signed_part =
        json_pack("{s:s%, s:O}", "text", bytes + all - len, len, "thoughtSignature", signature);
    int r = json_object_set_new(last, "text", json_stringn(bytes, all - len));
    return r < 0 ? error_no_memory(err) : append(parts, EIN_TAKE(signed_part), err);
}

static bool has_call(const json_t *parts)
{
    const json_t *part;
    size_t at;

    json_array_foreach(parts, at, part)
    {
        if (json_object_get(part, "functionCall"))
            return true;
    }
    return false;
}

/* Only the first of the calls that were made together has to bear a signature. */
static int sign_call(const struct writer *writer, const json_t *parts, json_t *part)
{
    if (!writer->signs || !json_object_get(part, "functionCall") ||
        json_object_get(part, "thoughtSignature") || has_call(parts))
        return 0;
    return json_object_set_new(part, "thoughtSignature", json_string(UNSIGNED));
}

/* Puts signatures where they belong. */
static int sign_parts(const struct writer *writer, const json_t *blocks, json_t *parts,
                      struct ein_error *err)
{
    json_t *part;
    size_t at;
    int r = 0;

    json_array_foreach((json_t *)blocks, at, part)
    {
        const json_t *bytes = json_object_get(part, TEXT_BYTES);

        if (r == 0 && bytes)
            r = sign_text(parts, json_object_get(part, "thoughtSignature"),
                          (size_t)json_integer_value(bytes), err);
        else if (r == 0 &&
                 (sign_call(writer, parts, part) < 0 || json_array_append(parts, part) < 0))
            r = error_no_memory(err);
    }
    return r;
}

static int add_content(const struct writer *writer, const json_t *turn, json_t *contents,
                       struct ein_error *err)
{
    bool model = strcmp(text_of(turn, "role"), "assistant") == 0;
    EIN_JSON json_t *parts = json_array();
    int r = sign_parts(writer, json_object_get(turn, "content"), parts, err);

    if (r < 0)
        return r;
    return append(contents,
                  json_pack("{s:s, s:O}", "role", model ? "model" : "user", "parts", parts), err);
}

static int read_turns(const struct ein_llm_call *call, struct writer *writer, json_t *contents,
                      json_t **ret_system, struct ein_error *err)
{
    EIN_JSON json_t *system = json_array();
    struct turns turns;
    const json_t *turn;
    size_t at;
    int r = turns_read(call->messages, add_part, writer, &turns, err);

    if (r < 0)
        return r;
    json_array_foreach(turns.messages, at, turn)
    {
        if (r == 0)
            r = add_content(writer, turn, contents, err);
    }
    if (r == 0 && at == 0)
        r = error_set(err, EIN_E_INVALID, "Gemini needs a message that is not the system's");
    if (r == 0)
        r = sign_parts(writer, turns.system, system, err);
    if (r == 0)
        *ret_system = json_array_size(system) ? EIN_TAKE(system) : NULL;
    turns_done(&turns);
    return r;
}

int gemini_contents(const struct ein_llm_call *call, json_t **ret_contents, json_t **ret_system,
                    struct ein_error *err)
{
    EIN_JSON json_t *contents = json_array(), *calls = json_object();
    struct writer writer = { calls, gemini_thinks_by_level(call) };
    int r = contents && calls ? read_turns(call, &writer, contents, ret_system, err)
                              : error_no_memory(err);

    if (r == 0)
        *ret_contents = EIN_TAKE(contents);
    return r;
}
