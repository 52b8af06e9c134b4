/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#include "cleanup.h"
#include "json_text.h"
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

static void write_value(FILE *out, const json_t *value)
{
    EIN_FREE char *text = json_is_string(value) ? NULL : json_text_dump(value, NULL);
    EIN_FREE char *clean = NULL;

    if (!value || json_is_null(value)) {
        (void)fputc('-', out);
        return;
    }
    clean = print_clean(text ? text : json_string_value(value), 1);
    (void)fputs(clean ? clean : "", out);
}

static void write_line(FILE *out, const char *format, const json_t *event)
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
        write_value(out, json_object_get(event, member));
        at += len + 1;
    }
    (void)fputc('\n', out);
}

void trace_print(FILE *out, const json_t *event)
{
    const char *type = json_string_value(json_object_get(event, "type"));
    json_int_t depth = json_integer_value(json_object_get(event, "depth"));
    const char *format = NULL;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (str_eq(kinds[i].type, type))
            format = kinds[i].format;
    if (!format) {
        print_json(out, event);
        return;
    }
    for (json_int_t i = 0; i < depth && i < DEPTH_MAX; i++)
        (void)fputs("  ", out);
    write_line(out, format, event);
    (void)fflush(out);
}
