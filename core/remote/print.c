/* SPDX-License-Identifier: Apache-2.0 */
#include "print.h"

#include "buf.h"
#include "cleanup.h"
#include "json_text.h"
#include "member.h"
#include "str.h"
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 12, CELL_MAX = 60 };

/* Controls (C0, DEL, C1), line separators, and what turns the direction of writing. */
static bool is_harmful(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        { 0, 0x1f },        { 0x7f, 0x9f },     { 0x61c, 0x61c },   { 0x200e, 0x200f },
        { 0x2028, 0x202e }, { 0x2066, 0x2069 }, { 0xfff9, 0xfffb },
    };

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

char *print_clean(const char *text, int lines)
{
    struct buf out;

    buf_init(&out, SIZE_MAX / 2);
    for (size_t left = strlen(text), len; left; text += len, left -= len) {
        len = str_utf8_len(text, left);
        if (lines && (*text == '\n' || *text == '\t'))
            (void)buf_char(&out, *text);
        else if (len == 0 || is_harmful(str_utf8_read(text, len)))
            (void)buf_char(&out, '?');
        else
            (void)buf_add(&out, text, len);
        len = len ? len : 1;
    }
    return buf_take(&out, NULL);
}

static void say(FILE *out, const char *before, const char *fmt, va_list args)
{
    EIN_FREE char *text = str_vprint(fmt, args);
    EIN_FREE char *clean = text ? print_clean(text, 0) : NULL;

    (void)fprintf(out, "%s%s\n", before, clean ? clean : "no memory");
}

int print_failure(int status, const char *fmt, ...)
{
    va_list args;

    (void)fflush(stdout);
    va_start(args, fmt);
    say(stderr, "einion: ", fmt, args);
    va_end(args);
    return status;
}

void print_line(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say(stdout, "", fmt, args);
    va_end(args);
}

int print_end(int status)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    return errno == EPIPE ? EXIT_FAILURE
                          : print_failure(EXIT_FAILURE, "the output cannot be written: %s",
                                          strerrordesc_np(errno ? errno : EIO));
}

/* Numbers as people write them, without exponents; dollars have nine decimals at most. */
static char *value_text(const json_t *value)
{
    enum { DECIMALS = 9 };
    static const double exact_max = 1e15;
    double real = json_real_value(value);
    char *text;

    if (json_is_string(value))
        return strdup(json_string_value(value));
    if (!json_is_real(value) || real >= exact_max || real <= -exact_max)
        return json_text_dump(value, NULL);
    text = str_print("%.*f", DECIMALS, real);
    if (!text)
        return NULL;
    size_t len = strlen(text);
    while (text[len - 1] == '0')
        text[--len] = '\0';
    if (text[len - 1] == '.')
        text[len - 1] = '\0';
    return text;
}

char *print_value(const json_t *value, int lines)
{
    EIN_FREE char *text = NULL;

    if (!value || json_is_null(value))
        return strdup("-");
    text = value_text(value);
    return text ? print_clean(text, lines) : NULL;
}

/* ---- JSON ---- */

static void add_line(struct buf *out, size_t depth)
{
    (void)buf_char(out, '\n');
    for (size_t i = 0; i < depth; i++)
        (void)buf_text(out, "  ");
}

/* Where the string that begins at AT ends, in JSON that is well-formed. */
static const char *string_end(const char *at)
{
    for (at++; *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at + 1;
}

/* Numbers stay as json_text_dump() writes them: the shortest that read back the same. */
char *print_pretty(const json_t *json)
{
    EIN_FREE char *compact = json_text_dump(json, NULL);
    struct buf out;
    size_t depth = 0;

    buf_init(&out, SIZE_MAX / 2);
    for (const char *at = compact; at && *at; at++) {
        if (*at == '"') {
            const char *end = string_end(at);

            (void)buf_add(&out, at, (size_t)(end - at));
            at = end - 1;
        } else if ((*at == '{' || *at == '[') && at[1] != '}' && at[1] != ']') {
            (void)buf_char(&out, *at);
            add_line(&out, ++depth);
        } else if ((*at == '}' || *at == ']') && at[-1] != '{' && at[-1] != '[') {
            add_line(&out, --depth);
            (void)buf_char(&out, *at);
        } else if (*at == ',') {
            (void)buf_char(&out, ',');
            add_line(&out, depth);
        } else {
            (void)buf_text(&out, *at == ':' ? ": " : (const char[]){ *at, '\0' });
        }
    }
    (void)buf_char(&out, '\n');
    if (!compact) {
        buf_done(&out);
        return NULL;
    }
    return buf_take(&out, NULL);
}

static void write_escaped(FILE *out, const char *text)
{
    const char *from = text;

    for (size_t left = strlen(text), len; left; text += len, left -= len) {
        len = str_utf8_len(text, left);
        len = len ? len : 1;
        if (*text == '\n' || !is_harmful(str_utf8_read(text, len)))
            continue;
        (void)fwrite(from, 1, (size_t)(text - from), out);
        (void)fprintf(out, "\\u%04x", str_utf8_read(text, len));
        from = text + len;
    }
    (void)fwrite(from, 1, (size_t)(text - from), out);
}

void print_json(FILE *out, const json_t *json)
{
    EIN_FREE char *text = json_text_dump(json, NULL);

    if (text) {
        write_escaped(out, text);
        (void)fputc('\n', out);
    }
}

void print_json_pretty(FILE *out, const json_t *json)
{
    EIN_FREE char *text = print_pretty(json);

    if (text)
        write_escaped(out, text);
}

/* ---- tables ---- */

/* At most CELL_MAX characters of it. */
static void cut(char *text)
{
    size_t count = 0;

    for (char *at = text; *at; at++) {
        count += (*at & 0xc0) != 0x80;
        if (count > CELL_MAX) {
            *at = '\0';
            return;
        }
    }
}

static char *cell(const json_t *row, const char *member)
{
    char *text = print_value(member_at(row, member), 0);

    if (text)
        cut(text);
    return text;
}

static void write_cell(FILE *out, const char *text, size_t width, bool is_last)
{
    (void)fputs(text, out);
    for (size_t i = str_count(text, strlen(text)); !is_last && i < width + 2; i++)
        (void)fputc(' ', out);
    if (is_last)
        (void)fputc('\n', out);
}

static void write_table(FILE *out, const json_t *rows, const struct print_column *columns)
{
    size_t widths[COLUMNS_MAX] = { 0 }, i;
    const json_t *row;

    for (size_t c = 0; columns[c].title; c++)
        widths[c] = strlen(columns[c].title);
    json_array_foreach(rows, i, row)
    {
        for (size_t c = 0; columns[c].title; c++) {
            EIN_FREE char *text = cell(row, columns[c].member);
            size_t width = text ? str_count(text, strlen(text)) : 0;

            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
    for (size_t c = 0; columns[c].title; c++)
        write_cell(out, columns[c].title, widths[c], !columns[c + 1].title);
    json_array_foreach(rows, i, row)
    {
        for (size_t c = 0; columns[c].title; c++) {
            EIN_FREE char *text = cell(row, columns[c].member);

            write_cell(out, text ? text : "", widths[c], !columns[c + 1].title);
        }
    }
}

void print_list(FILE *out, bool json, const json_t *rows, const struct print_column *columns)
{
    if (json)
        print_json(out, rows);
    else
        write_table(out, rows, columns);
}

void print_counts(const char *what, const char *says, const json_t *counts)
{
    EIN_BUF struct buf line = BUF_INIT;
    const char *name, *between = "";
    const json_t *count;

    json_object_foreach((json_t *)counts, name, count)
    {
        (void)buf_printf(&line, "%s%" JSON_INTEGER_FORMAT " %s", between, json_integer_value(count),
                         name);
        between = ", ";
    }
    print_line("%s%s%s", what, says, buf_str(&line));
}
