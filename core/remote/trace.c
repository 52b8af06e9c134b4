/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#include "cleanup.h"
#include "member.h"
#include "print.h"
#include "str.h"
#include <string.h>

enum { DEPTH_MAX = 20 };

/* How each kind of event is shown: {member} is its value there.  A kind that is not here is shown
 * as JSON. */
static const struct {
    const char *type, *format;
} kinds[] = {
    { "agent_start", "[{agent_name}]" },
    { "agent_end", "[{agent_name}] {outcome}, {duration_ms} ms" },
    { "stdout", "{message}" },
    { "log", "{level}: {message}" },
    { "llm_call", "{provider}/{model}: {input_tokens} in, {output_tokens} out, {duration_ms} ms, "
                  "USD {cost_usd}" },
    { "data_store", "data store: {operation} {namespace} {key}" },
    { "error", "{exception_type}: {message}" },
};

static void indent(FILE *out, json_int_t depth)
{
    for (json_int_t i = 0; i < depth && i < DEPTH_MAX; i++)
        (void)fputs("  ", out);
}

/* Of several lines each is as far in as the first. */
static void write_value(FILE *out, const json_t *value, json_int_t depth)
{
    EIN_FREE char *text = print_value(value, 1);
    size_t len = text ? strlen(text) : 0;

    if (len && text[len - 1] == '\n')
        text[len - 1] = '\0';
    for (const char *at = text ? text : ""; *at; at++) {
        (void)fputc(*at, out);
        if (*at == '\n')
            indent(out, depth);
    }
}

static void write_line(FILE *out, const char *format, const json_t *event, json_int_t depth)
{
    char member[32];

    for (const char *at = format; *at; at++) {
        size_t len = *at == '{' ? strcspn(at + 1, "}") : 0;

        if (len == 0 || len >= sizeof(member)) {
            (void)fputc(*at, out);
            continue;
        }
        memcpy(member, at + 1, len);
        member[len] = '\0';
        write_value(out, json_object_get(event, member), depth);
        at += len + 1;
    }
    (void)fputc('\n', out);
}

void trace_print(FILE *out, const json_t *event)
{
    const char *type = text_of(event, "type");
    json_int_t depth = integer_of(event, "depth");
    const char *format = NULL;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (str_eq(kinds[i].type, type))
            format = kinds[i].format;
    if (str_eq(type, "error") && *text_or_empty(event, "traceback"))
        format = "{traceback}";
    if (!format) {
        print_json(out, event);
        return;
    }
    indent(out, depth);
    write_line(out, format, event, depth);
    (void)fflush(out);
}
