/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as Gemini wants them: the system's apart, roles that take turns, answers of tools in
 * the name of the user, and signatures on the parts that they came with. */
#include "bytes.h"
#include "error.h"
#include "gemini.h"

#include <string.h>

/* Stands for the signature of a call that Gemini has not made, as its documentation has it. */
#define UNSIGNED "skip_thought_signature_validator"

struct writer {
    json_t *contents, *system;
    json_t *calls; /* {id: {"name", "id": the vendor's own}} */
    bool signs;    /* calls of tools without a signature are refused */
};

/* Appends `take_part`; NULL: there was no memory for it. */
static int append(json_t *parts, json_t *take_part, struct ein_error *err)
{
    return json_array_append_new(parts, take_part) < 0 ? vendor_no_memory(err) : 0;
}

static const json_t *replay_of(const json_t *part)
{
    const json_t *replay = json_object_get(part, "replay");
    const char *wire = vendor_text(replay, "wire");

    return wire && strcmp(wire, GEMINI_WIRE) == 0 ? replay : NULL;
}

/* ---- text, thoughts ------------------------------------------------------------------ */

static int add_text(struct writer *writer, json_t *parts, const json_t *part, struct ein_error *err)
{
    json_t *text = json_object_get(part, "text");

    (void)writer;
    if (json_string_length(text) == 0)
        return 0;
    return append(parts, json_pack("{s:O}", "text", text), err);
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
        return json_object_set(last, "thoughtSignature", signature) < 0 ? vendor_no_memory(err) : 0;
    if (!fits)
        return append(parts, json_pack("{s:s, s:O}", "text", "", "thoughtSignature", signature),
                      err);
    EIN_JSON json_t *signed_part =
        json_pack("{s:s%, s:O}", "text", bytes + all - len, len, "thoughtSignature", signature);
    int r = json_object_set_new(last, "text", json_stringn(bytes, all - len));
    return r < 0 ? vendor_no_memory(err) : append(parts, EIN_TAKE(signed_part), err);
}

/* Thoughts go back only with a signature of their own, or of the text before them. */
static int add_thought(struct writer *writer, json_t *parts, const json_t *part,
                       struct ein_error *err)
{
    const json_t *replay = replay_of(part), *of_text = json_object_get(replay, "text_bytes");
    json_t *signature = json_object_get(replay, "thoughtSignature");
    const char *text = vendor_text(part, "text");

    (void)writer;
    if (!json_is_string(signature))
        return 0;
    if (json_is_integer(of_text))
        return sign_text(parts, signature, (size_t)json_integer_value(of_text), err);
    return append(parts,
                  json_pack("{s:s, s:b, s:O}", "text", text ? text : "", "thought", 1,
                            "thoughtSignature", signature),
                  err);
}

/* ---- images, files --------------------------------------------------------------------- */

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
    if (!vendor_text(part, "data") && !vendor_text(part, "url"))
        return error_set(err, EIN_E_INVALID, "an image or a file has neither data nor a URL");
    return append(parts, blob_of(part), err);
}

/* ---- tools --------------------------------------------------------------------------- */

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

/* Only the first of the calls that were made together bears a signature. */
static json_t *signature_of_call(const struct writer *writer, const json_t *parts,
                                 const json_t *replay)
{
    json_t *signature = json_object_get(replay, "thoughtSignature");

    if (json_is_string(signature))
        return json_incref(signature);
    return writer->signs && !has_call(parts) ? json_string(UNSIGNED) : NULL;
}

static int add_call(struct writer *writer, json_t *parts, const json_t *part, struct ein_error *err)
{
    const json_t *replay = replay_of(part);
    json_t *name = json_object_get(part, "name"), *arguments = json_object_get(part, "arguments");
    json_t *own_id = json_object_get(replay, "id");
    const char *id = vendor_text(part, "id");
    EIN_JSON json_t *signature = signature_of_call(writer, parts, replay);

    if (!json_is_string(name))
        return error_set(err, EIN_E_INVALID, "a call of a tool has no name");
    if (id && json_object_set_new(writer->calls, id,
                                  json_pack("{s:O, s:O*}", "name", name, "id", own_id)) < 0)
        return vendor_no_memory(err);
    EIN_JSON json_t *none = json_object();
    return append(parts,
                  json_pack("{s:{s:O*, s:O, s:O}, s:O*}", "functionCall", "id", own_id, "name",
                            name, "args", json_is_object(arguments) ? arguments : none,
                            "thoughtSignature", signature),
                  err);
}

/* The text of a tool's answer, *ret_text, and what else is in it: appended to `blobs`. */
static int read_result(const json_t *content, json_t **ret_text, json_t *blobs,
                       struct ein_error *err)
{
    struct bytes text;
    const json_t *part;
    size_t at;
    int r = 0;

    if (!json_is_array(content)) {
        *ret_text = json_is_string(content) ? json_incref((json_t *)content) : json_string("");
        return *ret_text ? 0 : vendor_no_memory(err);
    }
    bytes_init(&text, SIZE_MAX / 2);
    json_array_foreach(content, at, part)
    {
        const json_t *more = json_object_get(part, "text");

        if (r == 0 && !more)
            r = add_blob(NULL, blobs, part, err);
        else if (r == 0 && text.len > 0 && bytes_add(&text, "\n", 1) < 0)
            r = vendor_no_memory(err);
        if (r == 0 && bytes_add(&text, json_string_value(more), json_string_length(more)) < 0)
            r = vendor_no_memory(err);
    }
    if (r == 0 && !(*ret_text = json_stringn(bytes_str(&text), text.len)))
        r = vendor_no_memory(err);
    bytes_done(&text);
    return r;
}

static int add_result(struct writer *writer, json_t *parts, const json_t *part,
                      struct ein_error *err)
{
    const char *id = vendor_text(part, "id");
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
        r = vendor_no_memory(err);
    return r;
}

/* ---- messages ----------------------------------------------------------------------------- */

static const struct {
    const char *type;
    int (*add)(struct writer *writer, json_t *parts, const json_t *part, struct ein_error *err);
} part_types[] = {
    { "text", add_text }, { "thought", add_thought }, { "image", add_blob },
    { "file", add_blob }, { "tool_call", add_call },  { "tool_result", add_result },
};

static int add_part(struct writer *writer, json_t *parts, const json_t *part, struct ein_error *err)
{
    const char *type = vendor_text(part, "type");

    for (size_t i = 0; type && i < sizeof(part_types) / sizeof(part_types[0]); i++) {
        if (strcmp(part_types[i].type, type) == 0)
            return part_types[i].add(writer, parts, part, err);
    }
    return error_set(err, EIN_E_INVALID, "Gemini takes no part of the type %.40s",
                     type ? type : "null");
}

static int add_content(struct writer *writer, json_t *parts, json_t *content, struct ein_error *err)
{
    const json_t *part;
    size_t at;
    int r = 0;

    if (json_is_string(content))
        return json_string_length(content) ? append(parts, json_pack("{s:O}", "text", content), err)
                                           : 0;
    json_array_foreach(content, at, part)
    {
        if (r == 0)
            r = add_part(writer, parts, part, err);
    }
    return r;
}

/* The parts of the last content, if it is this role's: they take turns.  Else of a new one, which
 * is left out again if nothing comes into it. */
static json_t *parts_for(struct writer *writer, const char *role)
{
    size_t count = json_array_size(writer->contents);
    const json_t *last = count ? json_array_get(writer->contents, count - 1) : NULL;
    json_t *parts = json_object_get(last, "parts");

    if (last && strcmp(vendor_text(last, "role"), role) == 0)
        return parts;
    if (last && json_array_size(parts) == 0)
        (void)json_array_remove(writer->contents, count - 1);
    parts = json_array();
    if (json_array_append_new(writer->contents,
                              json_pack("{s:s, s:o}", "role", role, "parts", parts)) < 0)
        return NULL;
    return parts;
}

static int add_message(struct writer *writer, const json_t *message, struct ein_error *err)
{
    const char *role = vendor_text(message, "role");
    json_t *content = json_object_get(message, "content"), *parts;

    if (role && strcmp(role, "system") == 0)
        return add_content(writer, writer->system, content, err);
    parts = parts_for(writer, role && strcmp(role, "assistant") == 0 ? "model" : "user");
    return parts ? add_content(writer, parts, content, err) : vendor_no_memory(err);
}

/* A last content without parts is none. */
static void drop_empty(json_t *contents)
{
    size_t count = json_array_size(contents);

    if (count &&
        json_array_size(json_object_get(json_array_get(contents, count - 1), "parts")) == 0)
        (void)json_array_remove(contents, count - 1);
}

int gemini_contents(const struct ein_llm_call *call, json_t **ret_contents, json_t **ret_system,
                    struct ein_error *err)
{
    EIN_JSON json_t *contents = json_array(), *system = json_array(), *calls = json_object();
    struct writer writer = { contents, system, calls, gemini_thinks_by_level(call) };
    const json_t *message;
    size_t at;
    int r = contents && system && calls ? 0 : vendor_no_memory(err);

    json_array_foreach(call->messages, at, message)
    {
        if (r == 0)
            r = add_message(&writer, message, err);
    }
    if (r < 0)
        return r;
    drop_empty(contents);
    if (json_array_size(contents) == 0)
        return error_set(err, EIN_E_INVALID, "Gemini needs a message that is not the system's");
    *ret_contents = EIN_TAKE(contents);
    *ret_system = json_array_size(system) ? EIN_TAKE(system) : NULL;
    return 0;
}
