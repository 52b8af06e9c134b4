/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"
#include "error.h"
#include "hex.h"
#include "ids.h"
#include "json_text.h"
#include "member.h"
#include "str.h"
#include "vendor.h"

#include <string.h>

/* ---- tables of another age ---- */

void vendor_read_call(const struct ein_llm_call *call, struct ein_llm_call *ret_call)
{
    size_t known = call->struct_size < sizeof(*ret_call) ? call->struct_size : sizeof(*ret_call);

    *ret_call = (struct ein_llm_call){ 0 };
    memcpy(ret_call, call, known);
}

void vendor_left(struct ein_llm_call *call, int64_t until_ms)
{
    int64_t left_ms = until_ms - clock_mono_ms();

    if (call->total_ms)
        call->total_ms = left_ms > 1 ? (uint32_t)left_ms : 1;
}

void vendor_give_outcome(const struct ein_llm_outcome *outcome, struct ein_llm_outcome *ret)
{
    uint32_t size = ret->struct_size;

    memcpy(ret, outcome, size < sizeof(*ret) ? size : sizeof(*ret));
    ret->struct_size = size;
}

const json_t *vendor_own_tool(const json_t *tool, const char *wire)
{
    const json_t *own = json_object_get(tool, "tool");
    const char *its = text_of(tool, "wire");

    if (its && own && strcmp(its, wire) == 0)
        return own;
    return its || json_object_get(tool, "web_search") ? NULL : tool;
}

json_t *vendor_location(const json_t *search)
{
    json_t *place = json_copy(json_object_get(search, "location"));

    if (place)
        (void)json_object_set_new(place, "type", json_string("approximate"));
    return place;
}

/* ---- headers and the key ---- */

static int add_line(struct vendor_headers *headers, const char *name, const char *between,
                    const char *value, struct ein_error *err)
{
    char *line;

    if (!value || !*value)
        return 0;
    if (str_has_control(value) || !*name || strpbrk(name, ": \t\r\n"))
        return error_set(err, EIN_E_INVALID, "the header %.40s cannot be sent", name);
    if (headers->count >= VENDOR_HEADERS_MAX)
        return error_set(err, EIN_E_TOO_LARGE, "more than %d headers", VENDOR_HEADERS_MAX);
    line = malloc(strlen(name) + strlen(between) + strlen(value) + 1);
    if (!line)
        return error_no_memory(err);
    stpcpy(stpcpy(stpcpy(line, name), between), value);
    headers->lines[headers->count++] = line;
    headers->lines[headers->count] = NULL;
    return 0;
}

int vendor_header(struct vendor_headers *headers, const char *name, const char *value,
                  struct ein_error *err)
{
    return add_line(headers, name, ": ", value, err);
}

int vendor_bearer(struct vendor_headers *headers, const char *token, struct ein_error *err)
{
    return add_line(headers, "Authorization", ": Bearer ", token, err);
}

void vendor_headers_done(struct vendor_headers *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        explicit_bzero(headers->lines[i], strlen(headers->lines[i]));
        free(headers->lines[i]);
    }
    headers->count = 0;
}

const char **vendor_headers_lend(const struct vendor_headers *headers, const char **at)
{
    return mempcpy(at, headers->lines, headers->count * sizeof(*at));
}

int vendor_key(const struct vendor *vendor, const struct ein_llm_call *call, const char **ret_key,
               struct ein_llm_outcome *outcome, struct ein_error *err)
{
    const char *key = call->api_key ? call->api_key : vendor->own_key;

    if (!key || !*key)
        return vendor_fault(outcome, EIN_LLM_FAULT_BAD_KEY, err,
                            "There is no key for %s: neither the caller nor this server has one",
                            vendor->title);
    if (str_has_control(key))
        return vendor_fault(outcome, EIN_LLM_FAULT_BAD_KEY, err,
                            "the key for %s has characters that no key has", vendor->title);
    *ret_key = key;
    return 0;
}

/* ---- pieces ---- */

int vendor_piece(const struct vendor_sink *sink, int kind, const char *text, const json_t *data,
                 struct ein_error *err)
{
    const struct ein_llm_piece piece = {
        .struct_size = sizeof(piece),
        .kind = kind,
        .text = text,
        .data = data,
    };

    if ((!text || !*text) && !data)
        return 0;
    if (sink->sink(&piece, sink->data) != 0)
        return error_set(err, EIN_E_CANCELLED, "the call was cancelled");
    return 0;
}

int vendor_note(json_t **told, const char *key, struct ein_error *err)
{
    if (json_object_get(*told, key) || json_object_size(*told) >= VENDOR_TOLD_MAX)
        return 0;
    if (!*told)
        *told = json_object();
    return json_object_set_new(*told, key, json_true()) < 0 ? error_no_memory(err) : 1;
}

int vendor_source(const struct vendor_sink *sink, json_t **told, json_t *take_source,
                  struct ein_error *err)
{
    EIN_JSON json_t *source = take_source;
    const char *url = text_or_empty(source, "url");
    int r = !source ? error_no_memory(err) : *url ? vendor_note(told, url, err) : 0;

    return r > 0 ? vendor_piece(sink, EIN_LLM_SOURCE, NULL, source, err) : r;
}

int vendor_replay(const struct vendor_sink *sink, const char *wire, const char *name,
                  const json_t *value, struct ein_error *err)
{
    EIN_JSON json_t *data = json_pack("{s:{s:s, s:O}}", "replay", "wire", wire, name, value);

    return data ? vendor_piece(sink, EIN_LLM_THOUGHT, NULL, data, err) : error_no_memory(err);
}

int vendor_tool_object(const struct vendor *vendor, const struct vendor_sink *sink, const char *id,
                       const char *name, json_t *arguments, const json_t *replay,
                       struct ein_llm_outcome *outcome, struct ein_error *err)
{
    EIN_JSON json_t *none = json_object(), *data = NULL;
    char made[UUID_SIZE];

    if (!name || (arguments && !json_is_object(arguments)))
        return vendor_fault(outcome, EIN_LLM_FAULT_OVERLOADED, err,
                            "%s sent a tool call that is not JSON", vendor->title);
    if (!id || !*id)
        uuid_make(made);
    data = json_pack("{s:s, s:s, s:O, s:O*}", "id", id && *id ? id : made, "name", name,
                     "arguments", arguments ? arguments : none, "replay", replay);
    return data ? vendor_piece(sink, EIN_LLM_TOOL_CALL, NULL, data, err) : error_no_memory(err);
}

int vendor_tool_call(const struct vendor *vendor, const struct vendor_sink *sink, const char *id,
                     const char *name, const char *arguments, struct ein_llm_outcome *outcome,
                     struct ein_error *err)
{
    EIN_JSON json_t *object = NULL;

    arguments += strspn(arguments, " \t\r\n");
    if (*arguments && strcmp(arguments, "null") != 0) { /* models say that of none */
        object = vendor_json(arguments, strlen(arguments));
        if (!object)
            object = json_true(); /* which is no object either */
    }
    return vendor_tool_object(vendor, sink, id, name, object, NULL, outcome, err);
}

int vendor_keep(const struct vendor *vendor, struct buf *block, const char *text,
                struct ein_llm_outcome *outcome, struct ein_error *err)
{
    int r = buf_text(block, text);

    if (r == EIN_E_TOO_LARGE)
        return vendor_fault(outcome, EIN_LLM_FAULT_OVERLOADED, err,
                            "%s sent a block of more than %zu bytes", vendor->title, block->max);
    return r < 0 ? error_no_memory(err) : 0;
}

/* ---- JSON ---- */

static unsigned hex4(const char *text, const char *end)
{
    unsigned value = 0;

    if (end - text < 4)
        return 0x10000;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(text[i]);

        if (digit < 0)
            return 0x10000;
        value = value * 16 + (unsigned)digit;
    }
    return value;
}

/* The length of the escape at `text`; *ret_bad where it stands for no character. */
static size_t escape_len(const char *text, const char *end, bool *ret_bad)
{
    unsigned unit, low;

    *ret_bad = false;
    if (end - text < 2 || text[1] != 'u')
        return end - text < 2 ? 1 : 2;
    unit = hex4(text + 2, end);
    if (unit >= 0xd800 && unit < 0xdc00) {
        low = end - text >= 8 && text[6] == '\\' && text[7] == 'u' ? hex4(text + 8, end) : 0;
        if (low >= 0xdc00 && low < 0xe000)
            return 12;
    }
    *ret_bad = unit == 0 || (unit >= 0xd800 && unit < 0xe000);
    return unit > 0xffff ? 2 : 6;
}

/* Replaces what no string may hold by U+FFFD, which is never longer than three times that. */
static char *repair(const char *text, size_t len, size_t *ret_len)
{
    const char *end = text + len;
    char *fixed = malloc(3 * len + 1), *to = fixed;

    while (fixed && text < end) {
        bool bad = false;
        size_t take =
            *text == '\\' ? escape_len(text, end, &bad) : str_utf8_len(text, (size_t)(end - text));

        if (bad || take == 0) {
            memcpy(to, "\xef\xbf\xbd", 3);
            to += 3;
        } else {
            memcpy(to, text, take);
            to += take;
        }
        text += take ? take : 1;
    }
    if (fixed)
        *ret_len = (size_t)(to - fixed);
    return fixed;
}

json_t *vendor_json(const char *text, size_t len)
{
    EIN_FREE char *fixed = NULL;
    json_t *json = json_text_parse(text, len, VENDOR_DEPTH_MAX, NULL);

    if (json || !(fixed = repair(text, len, &len)))
        return json;
    return json_text_parse(fixed, len, VENDOR_DEPTH_MAX, NULL);
}

uint64_t vendor_number(const json_t *value)
{
    double number = json_number_value(value);

    if (json_is_string(value))
        number = strtod(json_string_value(value), NULL);
    return number >= 1 && number < 1e15 ? (uint64_t)number : 0;
}

uint64_t vendor_count(const json_t *object, const char *name)
{
    return vendor_number(json_object_get(object, name));
}

void vendor_copy(char *to, size_t size, const char *text)
{
    if (text && *text)
        str_copy(to, size, text);
}
