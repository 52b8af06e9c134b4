/* SPDX-License-Identifier: Apache-2.0 */
#include "written.h"
#include "buf.h"
#include "cleanup.h"
#include "json_depth.h"

#include <ctype.h>
#include <einion/plugin.h>
#include <stdbool.h>
#include <string.h>

enum { DEPTH_MAX = 16 };

static const char nameless[] = "composed_agent";

/* Imports that agents use, for code that uses a name and does not say where it comes from. */
static const struct {
    const char *name, *line;
} imports[] = {
    { "RemoteMCPClient", "from agent_factory.remote_mcp_client import RemoteMCPClient" },
    { "call_llm", "from services.llm_service import call_llm" },
    { "asyncio", "import asyncio" },
    { "httpx", "import httpx" },
    { "json", "import json" },
    { "re", "import re" },
};

/* ---- pieces of text ---- */

struct span {
    const char *at; /* NULL: there is none */
    size_t len;
};

static struct span trimmed(const char *at, size_t len)
{
    while (len && isspace((unsigned char)*at)) {
        at++;
        len--;
    }
    while (len && isspace((unsigned char)at[len - 1]))
        len--;
    return (struct span){ at, len };
}

static const char *line_end(const char *at)
{
    return at + strcspn(at, "\n");
}

static const char *next_line(const char *at)
{
    const char *end = line_end(at);

    return *end ? end + 1 : end;
}

static bool is_fence(const char *line)
{
    return strncmp(line, "```", 3) == 0;
}

/* A fence and nothing else: it ends a block. */
static bool is_end_fence(const char *line)
{
    return is_fence(line) && trimmed(line + 3, (size_t)(line_end(line) - line - 3)).len == 0;
}

/* The rest of the line behind "NAME:", which may be set off as Markdown does; NULL: it is another.
 */
static const char *behind(const char *line, const char *marker)
{
    line += strspn(line, "#* \t");
    if (strncasecmp(line, marker, strlen(marker)) != 0)
        return NULL;
    line += strlen(marker);
    line += strspn(line, "* \t");
    if (*line != ':')
        return NULL;
    return line + 1 + strspn(line + 1, "*");
}

/* ---- where its parts are ---- */

struct parts {
    struct span name, docstring, code;
};

/* The block that begins at FENCE: to the last line that ends one, or the first, or the end. */
static struct span block_at(const char *fence, bool to_last)
{
    const char *from = next_line(fence), *end = NULL;

    for (const char *line = from; *line && (!end || to_last); line = next_line(line))
        if (is_end_fence(line))
            end = line;
    if (!end)
        end = from + strlen(from);
    return (struct span){ from, (size_t)(end - from) };
}

/* Without a marker: the longest block, or the whole text if it looks like code. */
static struct span find_code(const char *answer)
{
    struct span best = { NULL, 0 };

    for (const char *line = answer; *line; line = next_line(line)) {
        struct span block;

        if (!is_fence(line))
            continue;
        block = block_at(line, false);
        if (block.len > best.len)
            best = block;
        line = block.at + block.len;
        if (!*line)
            break;
    }
    if (!best.at && (strstr(answer, "def run") || strstr(answer, "return ")))
        best = (struct span){ answer, strlen(answer) };
    return best;
}

static struct span code_behind(const char *marked, const char *line)
{
    if (trimmed(marked, (size_t)(line_end(line) - marked)).len)
        return (struct span){ marked, strlen(marked) };
    for (line = next_line(line); *line && isspace((unsigned char)*line);)
        line++;
    return is_fence(line) ? block_at(line, true) : (struct span){ line, strlen(line) };
}

static struct parts find_parts(const char *answer)
{
    struct parts parts = { { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };

    for (const char *line = answer; *line; line = next_line(line)) {
        const char *name = behind(line, "NAME"), *docstring = behind(line, "DOCSTRING");
        const char *code = behind(line, "CODE");
        bool ends = code || is_fence(line);

        if (parts.docstring.at && (ends || name))
            parts.docstring.len =
                parts.docstring.len ? parts.docstring.len : (size_t)(line - parts.docstring.at);
        if (name && !parts.name.at)
            parts.name = trimmed(name, (size_t)(line_end(line) - name));
        if (docstring && !parts.docstring.at)
            parts.docstring.at = docstring;
        if (code)
            parts.code = code_behind(code, line);
        if (ends)
            break;
    }
    if (parts.docstring.at && !parts.docstring.len)
        parts.docstring.at = NULL;
    if (!parts.code.at)
        parts.code = find_code(answer);
    return parts;
}

/* ---- the name ---- */

static char *name_of(const char *text, size_t len)
{
    char name[WRITTEN_NAME_MAX + 1];
    size_t made = 0;

    for (size_t i = 0; i < len && made < WRITTEN_NAME_MAX; i++) {
        unsigned char c = (unsigned char)text[i];
        if (isascii(c) && isalnum(c))
            name[made++] = (char)tolower(c);
        else if (made && name[made - 1] != '_')
            name[made++] = '_';
    }
    while (made && name[made - 1] == '_')
        made--;
    name[made] = '\0';
    return strdup(made ? name : nameless);
}

/* The first words of a description. */
static char *name_from(const char *description)
{
    size_t len = 0, words = 0;

    while (description[len] && words < 4) {
        len += strcspn(description + len, " \t\n.,;:");
        words++;
        if (words < 4)
            len += strspn(description + len, " \t\n.,;:");
    }
    return name_of(description, len);
}

/* ---- the code ---- */

/* A line of `code` at the left margin that begins so; NULL: none does. */
static const char *line_with(const char *code, const char *start)
{
    for (const char *line = code; *line; line = next_line(line))
        if (strncmp(line, start, strlen(start)) == 0)
            return line;
    return NULL;
}

static bool is_word(const char *at, size_t len, const char *code)
{
    bool before = at > code && (isalnum((unsigned char)at[-1]) || strchr("_.", at[-1]));

    return !before && !isalnum((unsigned char)at[len]) && at[len] != '_';
}

static bool uses(const char *code, const char *name)
{
    for (const char *at = strstr(code, name); at; at = strstr(at + 1, name))
        if (is_word(at, strlen(name), code))
            return true;
    return false;
}

static void write_imports(struct buf *out, const char *code)
{
    bool any = false;

    if (line_with(code, "from __future__")) /* has to be first; all names are given anyway */
        return;
    for (size_t i = 0; i < sizeof(imports) / sizeof(imports[0]); i++) {
        if (!uses(code, imports[i].name) || line_with(code, imports[i].line))
            continue;
        (void)buf_printf(out, "%s\n", imports[i].line);
        any = true;
    }
    if (any)
        (void)buf_text(out, strncmp(code, "import ", 7) && strncmp(code, "from ", 5) ? "\n\n" : "");
}

/* The body of run() alone. */
static void write_body(struct buf *out, const char *code)
{
    (void)buf_text(out, "async def run(input_dict, tools):\n");
    for (const char *line = code; *line; line = next_line(line)) {
        size_t len = (size_t)(line_end(line) - line);
        (void)buf_printf(out, "%s%.*s\n", len ? "    " : "", (int)len, line);
    }
}

static char *wrap(const char *code)
{
    const char *plain = line_with(code, "def run(");
    struct buf out;

    buf_init(&out, SIZE_MAX);
    write_imports(&out, code);
    if (line_with(code, "async def run("))
        (void)buf_text(&out, code);
    else if (plain)
        (void)buf_printf(&out, "%.*sasync %s", (int)(plain - code), code, plain);
    else
        write_body(&out, code);
    return buf_take(&out, NULL);
}

/* The lines of a span, without CR and without blanks at the end.  NULL: no memory. */
static char *copy_lines(struct span span)
{
    char *code = calloc(span.len + 2, 1), *to = code;

    for (size_t i = 0; code && i < span.len; i++)
        if (span.at[i] != '\r')
            *to++ = span.at[i];
    while (to > code && isspace((unsigned char)to[-1]))
        *--to = '\0';
    return code;
}

/* Blanks that all lines begin with; SIZE_MAX: there is nothing but blanks. */
static size_t margin_of(const char *code)
{
    size_t margin = SIZE_MAX;

    for (const char *line = code; *line; line = next_line(line)) {
        size_t here = strspn(line, " ");
        if (line + here < line_end(line) && here < margin)
            margin = here;
    }
    return margin;
}

/* Code as it was written, without empty lines around it and a margin that all lines have. */
static char *clean(struct span span)
{
    char *code = copy_lines(span), *to = code;
    size_t margin = code ? margin_of(code) : SIZE_MAX;
    bool begun = false;
    const char *next, *rest;

    if (margin == SIZE_MAX)
        return code;
    rest = code + strlen(code);
    for (const char *line = code; line < rest; line = next) { /* what is written is never ahead */
        const char *end = line_end(line);
        size_t len = (size_t)(end - line), off = len < margin ? len : margin;

        next = next_line(line);
        begun = begun || trimmed(line, len).len > 0;
        if (!begun)
            continue;
        memmove(to, line + off, len - off);
        to += len - off;
        *to++ = '\n';
    }
    *to = '\0';
    return code;
}

/* ---- the whole ---- */

static int take(struct written *written, struct span name, struct span docstring, struct span code,
                const char *description)
{
    EIN_FREE char *bare = code.at ? clean(code) : NULL;
    struct span text = docstring.at ? trimmed(docstring.at, docstring.len) : docstring;
    bool has_code = bare && *bare;

    written->name = name.len ? name_of(name.at, name.len) : name_from(description);
    written->docstring = strndup(text.at ? text.at : "", text.len);
    if (has_code)
        written->code = wrap(bare);
    if (!written->name || !written->docstring || (code.at && !bare) || (has_code && !written->code))
        return EIN_E_NO_MEMORY;
    return 0;
}

static struct span member(const json_t *json, const char *name)
{
    const json_t *text = json_object_get(json, name);

    return (struct span){ json_string_value(text), json_string_length(text) };
}

/* Some models answer in JSON, whatever they were asked for. */
static int read_json(struct written *written, const json_t *json, const char *description)
{
    struct span name = member(json, "friendlyName"), code = member(json, "code");

    if (!name.at)
        name = member(json, "name");
    if (code.at && memchr(code.at, '\0', code.len))
        code.len = strlen(code.at);
    return take(written, name, member(json, "docstring"), code, description);
}

int written_read(const char *answer, const char *description, struct written *ret_written)
{
    struct span whole = trimmed(answer, strlen(answer));
    EIN_JSON json_t *json = NULL;
    struct parts parts;

    *ret_written = (struct written){ NULL, NULL, NULL };
    if (whole.len && is_fence(whole.at)) {
        struct span block = block_at(whole.at, true);
        whole = trimmed(block.at, block.len);
    }
    if (whole.len && *whole.at == '{')
        json = json_object_read(whole.at, whole.len, DEPTH_MAX);
    if (json_is_string(json_object_get(json, "code")))
        return read_json(ret_written, json, description);
    parts = find_parts(answer);
    return take(ret_written, parts.name, parts.docstring, parts.code, description);
}

void written_done(struct written *written)
{
    free(written->name);
    free(written->docstring);
    free(written->code);
    *written = (struct written){ NULL, NULL, NULL };
}
