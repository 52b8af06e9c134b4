/* SPDX-License-Identifier: Apache-2.0 */
#include "log_line.h"
#include "redact.h"
#include "str.h"
#include <string.h>

/* Formatted by hand: an access line is written for every request. */

enum {
    MESSAGE_SHOWN = 6000, /* bytes after escaping */
    PATH_SHOWN = 1024,
    SAID_SHOWN = 600,
    VALUE_SHOWN = 160
};

struct line {
    char *at, *end;
    bool is_json;
    bool is_full; /* something did not fit: nothing more is put */
};

static size_t room(const struct line *line)
{
    return line->is_full ? 0 : (size_t)(line->end - line->at);
}

static void put(struct line *line, const char *text, size_t len)
{
    if (room(line) < len) {
        line->is_full = true;
        return;
    }
    memcpy(line->at, text, len);
    line->at += len;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

static void put_number(struct line *line, uint64_t value)
{
    char digits[20], *at = digits + sizeof(digits);

    do
        *--at = (char)('0' + value % 10);
    while (value /= 10);
    put(line, at, (size_t)(digits + sizeof(digits) - at));
}

/* ---- escaping ---- */

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void put_hex(struct line *line, const char *prefix, unsigned value, int digits)
{
    char text[8];

    for (int i = digits; i-- > 0; value >>= 4)
        text[i] = "0123456789abcdef"[value & 15];
    put_text(line, prefix);
    put(line, text, (size_t)digits);
}

/* Control characters of Unicode too: a terminal obeys U+009B, a viewer breaks the line at U+2028
 * and turns it round at U+202E. */
static bool is_harmless(const unsigned char *s, size_t len)
{
    if (len == 2)
        return s[0] != 0xc2 || s[1] >= 0xa0;
    if (len == 3 && s[0] == 0xe2)
        return !(s[1] == 0x80 && s[2] >= 0xa8 && s[2] <= 0xae) && !(s[1] == 0x81 && s[2] >= 0xa6);
    return true;
}

/* The character at `text` that cannot be shown as it is.  Its length. */
static size_t put_escaped(struct line *line, const char *text, size_t len, bool is_quoted)
{
    unsigned char c = (unsigned char)*text;
    size_t step = c ? str_utf8_len(text, len) : 1;

    if (c == '"' && !is_quoted) {
        put(line, "\"", 1);
    } else if (c == '"' || c == '\\') {
        put(line, (char[]){ '\\', (char)c }, 2);
    } else if (c == '\n') {
        put(line, "\\n", 2);
    } else if (step > 1 && is_harmless((const unsigned char *)text, step)) {
        put(line, text, step);
    } else if (line->is_json) {
        if (step == 1)
            put_hex(line, "\\u", c, 4);
        else
            put_text(line, "\\ufffd");
    } else {
        for (size_t i = 0; i < (step ? step : 1); i++)
            put_hex(line, "\\x", (unsigned char)text[i], 2);
    }
    return step ? step : 1;
}

static void put_piece(struct line *line, const char *text, size_t len, bool is_quoted)
{
    for (size_t at = 0; at < len && !line->is_full;) {
        size_t start = at;

        while (at < len && is_plain((unsigned char)text[at]))
            at++;
        if (at - start > room(line)) {
            put(line, text + start, room(line));
            line->is_full = true;
        } else {
            put(line, text + start, at - start);
        }
        if (at < len)
            at += put_escaped(line, text + at, len - at, is_quoted);
    }
}

/* At most `most` bytes, and "..." if that is not all. */
static void put_clean(struct line *line, const char *text, size_t len, size_t most, bool is_quoted)
{
    char *end = line->end;
    struct secret secret;
    size_t at = 0;
    bool is_cut;

    if (room(line) > most)
        line->end = line->at + most;
    while (!line->is_full && redact_find(text, len, at, &secret)) {
        put_piece(line, text + at, secret.start - at, is_quoted);
        put_text(line, "[REDACTED:");
        put_text(line, secret.kind);
        put(line, "]", 1);
        at = secret.end;
    }
    put_piece(line, text + at, len - at, is_quoted);

    is_cut = line->is_full;
    line->end = end;
    line->is_full = false;
    if (is_cut)
        put_text(line, "...");
}

/* ---- fields ---- */

static void put_name(struct line *line, const char *name)
{
    if (line->is_json)
        put_text(line, ",\"");
    else
        put(line, " ", 1);
    put_text(line, name);
    put_text(line, line->is_json ? "\":" : "=");
}

/* Nothing for a value that is not there; quotes where a reader could mistake its end. */
static void put_shown(struct line *line, const char *name, const char *value, size_t most)
{
    bool is_quoted = line->is_json;

    if (!value)
        return;
    for (const char *p = value; *p && !is_quoted; p++)
        is_quoted = *p == ' ' || *p == '=' || *p == '"';

    put_name(line, name);
    if (is_quoted || !*value)
        put(line, "\"", 1);
    put_clean(line, value, strlen(value), most, is_quoted);
    if (is_quoted || !*value)
        put(line, "\"", 1);
}

static void put_field(struct line *line, const char *name, const char *value)
{
    put_shown(line, name, value, VALUE_SHOWN);
}

/* A value of the server's own, which needs no escaping and is no secret. */
static void put_own(struct line *line, const char *name, const char *value)
{
    if (!value)
        return;
    put_name(line, name);
    if (line->is_json)
        put(line, "\"", 1);
    put_text(line, value);
    if (line->is_json)
        put(line, "\"", 1);
}

static void put_count(struct line *line, const char *name, uint64_t value)
{
    put_name(line, name);
    put_number(line, value);
}

static void put_head(struct line *line, const char *stamp, int level, const char *source)
{
    static const char *const text_names[] = { "DEBUG", "INFO ", "WARN ", "ERROR" };
    static const char *const json_names[] = { "debug", "info", "warn", "error" };
    static const char *const priorities[] = { "<7>", "<6>", "<4>", "<3>" };
    int row = level < EIN_INFO ? 0 : level < EIN_WARN ? 1 : level < EIN_ERROR ? 2 : 3;

    if (!line->is_json) {
        put(line, stamp ? stamp : priorities[row], stamp ? LOG_STAMP_SIZE - 1 : LOG_PRIORITY_LEN);
        if (stamp) {
            put(line, " ", 1);
            put(line, text_names[row], 5);
            put(line, " ", 1);
        }
        put_clean(line, source, strlen(source), VALUE_SHOWN, false);
        put_text(line, ": ");
        return;
    }
    put_text(line, "{\"time\":\"");
    put(line, stamp, LOG_STAMP_SIZE - 1);
    put_text(line, "\",\"level\":\"");
    put_text(line, json_names[row]);
    put_text(line, "\",\"source\":\"");
    put_clean(line, source, strlen(source), VALUE_SHOWN, true);
    put_text(line, "\",\"message\":\"");
}

/* All lines end in this, whatever did not fit. */
static size_t finish(struct line *line, const char *start)
{
    if (line->is_json)
        *line->at++ = '}';
    *line->at++ = '\n';
    return (size_t)(line->at - start);
}

static struct line begin(char *start, bool is_json)
{
    return (struct line){ start, start + LOG_LINE_MAX - 2, is_json, false };
}

size_t log_line_entry(char start[LOG_LINE_MAX], bool is_json, const char *stamp,
                      const struct log_entry *entry)
{
    struct line line = begin(start, is_json);

    put_head(&line, stamp, entry->level, entry->source);
    put_clean(&line, entry->message, entry->message_len, MESSAGE_SHOWN, is_json);
    if (is_json)
        put(&line, "\"", 1);
    put_field(&line, "request", entry->request_id);
    return finish(&line, start);
}

size_t log_line_access(char start[LOG_LINE_MAX], bool is_json, const char *stamp,
                       const struct log_access *access)
{
    struct line line = begin(start, is_json);

    put_head(&line, stamp, EIN_INFO, "access");
    put_clean(&line, access->method, strlen(access->method), VALUE_SHOWN, is_json);
    put(&line, " ", 1);
    put_clean(&line, access->path, strlen(access->path), PATH_SHOWN, is_json);
    if (is_json)
        put(&line, "\"", 1);
    put_count(&line, "status", (uint64_t)access->status);
    put_count(&line, "bytes", access->reply_len);
    put_count(&line, "us", access->duration_us);
    put_own(&line, "operation", access->operation_id);
    (access->own_id ? put_own : put_field)(&line, "request", access->request_id);
    put_own(&line, "trace", access->trace_id);
    put_own(&line, "client", access->client_addr);
    put_field(&line, "uid", access->uid);
    put_own(&line, "key", access->key_id);
    put_shown(&line, "said", access->said, SAID_SHOWN);
    return finish(&line, start);
}
