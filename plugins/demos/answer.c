/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include "cleanup.h"
#include <einion/plugin.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct part {
    const char *name;
    bool may_be_empty;
} parts[] = { { "html", false }, { "css", true }, { "js", true } };
enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

struct span {
    const char *at;
    size_t len;
};

__attribute__((format(printf, 2, 3))) static int refuse(char *fault, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(fault, ANSWER_FAULT_SIZE, fmt, args);
    va_end(args);
    for (char *c = fault; *c; c++) /* the model's own words may be in it, cut anywhere */
        if ((unsigned char)*c >= 0x7f || (unsigned char)*c < ' ')
            *c = '?';
    return EIN_E_INVALID;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span trimmed(struct span text)
{
    while (text.len > 0 && is_space(*text.at)) {
        text.at++;
        text.len--;
    }
    while (text.len > 0 && is_space(text.at[text.len - 1]))
        text.len--;
    return text;
}

/* One fence round the whole is the only thing that is forgiven: models put it there unasked. */
static struct span without_fence(struct span text)
{
    static const char fence[] = "```";
    const size_t size = sizeof(fence) - 1;
    const char *line;

    if (text.len < 2 * size || memcmp(text.at, fence, size) != 0 ||
        memcmp(text.at + text.len - size, fence, size) != 0)
        return text;
    line = memchr(text.at, '\n', text.len - size);
    if (!line)
        return text;
    line++;
    return trimmed((struct span){ line, text.len - size - (size_t)(line - text.at) });
}

static int read_object(struct span text, json_t **ret_object, char *fault)
{
    json_error_t at;

    if (text.len == 0)
        return refuse(fault, "It is empty.");
    if (*text.at != '{')
        return refuse(fault, "It does not begin with the { of a JSON object.");
    /* Three texts need no depth; what nests is looked at by a parser that calls itself. */
    for (size_t i = 1, in_text = 0; i < text.len; i++) {
        if (text.at[i] == '\\' && in_text)
            i++;
        else if (text.at[i] == '"')
            in_text = !in_text;
        else if (!in_text && (text.at[i] == '{' || text.at[i] == '['))
            return refuse(fault, "A member holds an object or a list; each has to be a text.");
    }
    *ret_object = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, &at);
    if (!*ret_object)
        return refuse(fault, "It is not JSON: line %d, column %d: %.120s.", at.line, at.column,
                      at.text);
    return 0;
}

static bool is_part(const char *name)
{
    for (size_t i = 0; i < PARTS; i++)
        if (strcmp(parts[i].name, name) == 0)
            return true;
    return false;
}

static int check(const json_t *object, size_t max, char *fault)
{
    const char *name;
    json_t *value;
    size_t size = 0;

    json_object_foreach((json_t *)object, name, value)
    {
        if (!is_part(name))
            return refuse(fault, "It has a member that was not asked for: \"%.60s\".", name);
        if (!json_is_string(value))
            return refuse(fault, "\"%s\" is not a text.", name);
        size += json_string_length(value);
    }
    for (size_t i = 0; i < PARTS; i++) {
        value = json_object_get(object, parts[i].name);
        if (!value)
            return refuse(fault, "The member \"%s\" is missing.", parts[i].name);
        if (!parts[i].may_be_empty && json_string_length(value) == 0)
            return refuse(fault, "\"%s\" is empty.", parts[i].name);
    }
    if (size > max)
        return refuse(fault, "It is longer than %zu bytes.", max);
    return 0;
}

/* ---- html that would not work ---- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* An attribute onNAME= begins here. */
static bool is_handler(const char *at)
{
    if (strncasecmp(at, "on", 2) != 0 || !is_letter(at[2]))
        return false;
    for (at += 2; is_letter(*at); at++)
        ;
    while (is_space(*at))
        at++;
    return *at == '=';
}

/* The end of the tag that begins at AT; *ret_handler: it has an attribute that is one. */
static const char *skip_tag(const char *at, bool *ret_handler)
{
    char quote = '\0';

    for (; *at && (quote || *at != '>'); at++) {
        if (quote)
            quote = *at == quote ? '\0' : quote;
        else if (*at == '"' || *at == '\'')
            quote = *at;
        else if ((is_space(*at) || *at == '/') && is_handler(at + 1))
            *ret_handler = true;
    }
    return at;
}

/* The page's policy runs the one script, and nothing that stands in the html. */
static int check_html(const char *html, char *fault)
{
    bool has_handler = false;

    while ((html = strchr(html, '<'))) {
        html++;
        if (strncasecmp(html, "script", 6) == 0)
            return refuse(fault, "\"html\" has a <script>; the one script is \"js\".");
        if (is_letter(*html))
            html = skip_tag(html, &has_handler);
    }
    if (has_handler)
        return refuse(fault, "\"html\" has a handler as an attribute, which does not run; \"js\" "
                             "adds it with addEventListener().");
    return 0;
}

int answer_parse(const char *text, size_t len, size_t max, json_t **ret_code,
                 char ret_fault[ANSWER_FAULT_SIZE])
{
    EIN_JSON json_t *object = NULL;
    int r = read_object(without_fence(trimmed((struct span){ text, len })), &object, ret_fault);

    if (r == 0)
        r = check(object, max, ret_fault);
    if (r == 0)
        r = check_html(json_string_value(json_object_get(object, "html")), ret_fault);
    if (r == 0)
        *ret_code = EIN_TAKE(object);
    return r;
}
