/* SPDX-License-Identifier: Apache-2.0 */
#include "client_head.h"

#include "buf.h"
#include "cleanup.h"
#include "str.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

static json_t *text_of(const char *bytes, size_t len)
{
    json_t *json;
    struct buf out;

    if (str_is_utf8(bytes, len))
        return json_stringn_nocheck(bytes, len);
    buf_init(&out, 2 * len);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];

        if (c >= 0x80)
            (void)buf_char(&out, (char)(0xc0 | c >> 6));
        if (c != 0)
            (void)buf_char(&out, c >= 0x80 ? (char)(0x80 | (c & 0x3f)) : (char)c);
    }
    json = out.error ? NULL : json_stringn(buf_str(&out), out.len);
    buf_done(&out);
    return json;
}

static json_t *joined(const json_t *before, const char *between, const json_t *value)
{
    return json_sprintf("%s%s%s", json_string_value(before), between, json_string_value(value));
}

static int add(json_t *head, const char *name, json_t *take_value)
{
    EIN_JSON json_t *value = take_value;
    json_t *before = json_object_get(head, name);

    if (!value)
        return -1;
    if (str_eq(name, "set-cookie")) {
        if (!before) {
            before = json_array();
            if (json_object_set_new(head, name, before) < 0)
                return -1;
        }
        return json_array_append(before, value);
    }
    if (before)
        return json_object_set_new(head, name, joined(before, ", ", value));
    return json_object_set_nocheck(head, name, value);
}

/* A line that begins with white space goes on with the one before (RFC 9112, 5.2). */
static int continue_last(json_t *head, const char *name, json_t *take_value)
{
    EIN_JSON json_t *value = take_value;
    json_t *before = json_object_get(head, name);

    if (!value || !json_is_string(before))
        return value ? 0 : -1;
    return json_object_set_new(head, name, joined(before, " ", value));
}

/* "Name" of len bytes in lower case, into out; false: not a name. */
static bool name_of(const char *line, size_t len, char *out, size_t size)
{
    if (len == 0 || len >= size)
        return false;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)line[i] <= ' ' || (unsigned char)line[i] >= 0x7f)
            return false;
        out[i] = (char)tolower((unsigned char)line[i]);
    }
    out[len] = '\0';
    return true;
}

static int add_line(json_t *head, const char *line, size_t len, char *name, size_t name_size)
{
    const char *colon = memchr(line, ':', len), *value;

    if (line[0] == ' ' || line[0] == '\t') {
        line = str_trim(line, &len);
        return continue_last(head, name, text_of(line, len));
    }
    if (!colon || !name_of(line, (size_t)(colon - line), name, name_size)) {
        name[0] = '\0';
        return 0;
    }
    len -= (size_t)(colon + 1 - line);
    value = str_trim(colon + 1, &len);
    return add(head, name, text_of(value, len));
}

json_t *client_head_json(const char *lines, size_t len)
{
    EIN_JSON json_t *head = json_object();
    const char *end = lines + len;
    char name[128] = "";

    while (head && lines < end) {
        const char *newline = memchr(lines, '\n', (size_t)(end - lines));
        const char *next = newline ? newline + 1 : end;

        if (add_line(head, lines, (size_t)(next - lines), name, sizeof(name)) < 0)
            return NULL;
        lines = next;
    }
    return EIN_TAKE(head);
}

/* ---- requests ---- */

bool client_head_is_valid(const char *line)
{
    size_t name_len = str_token(line);

    if (name_len == 0 || line[name_len] != ':')
        return false;
    for (const char *at = line + name_len; *at; at++) {
        if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f)
            return false;
    }
    return true;
}

bool client_head_is_one_of(const char *line, const char *const *names)
{
    size_t len = strcspn(line, ":");

    for (; *names; names++) { /* mostly their first letters differ already */
        if ((**names | 0x20) == (*line | 0x20) && strncasecmp(line, *names, len) == 0 &&
            (*names)[len] == '\0')
            return true;
    }
    return false;
}

const char *client_head_value(const char *line)
{
    line += strcspn(line, ":");
    line += *line == ':';
    return line + strspn(line, " \t");
}
