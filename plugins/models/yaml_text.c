/* SPDX-License-Identifier: Apache-2.0 */
#include "yaml_text.h"

#include "cleanup.h"
#include "error.h"

/* The first fault counts: a file is taken as a whole or not at all. */
struct reading {
    const char *name;
    json_t *lines;
    struct ein_error *err;
    int r; /* 0, or what went wrong first */
};

static void on_fault(void *data, size_t line, const char *place, const char *text)
{
    struct reading *reading = data;

    if (reading->r == 0)
        reading->r = error_set(reading->err, EIN_E_INVALID, "%s:%zu: %s%s%s", reading->name, line,
                               place, *place ? ": " : "", text);
}

static void on_member(void *data, size_t line, const char *place, bool again)
{
    struct reading *reading = data;
    char text[64];

    (void)snprintf(text, sizeof(text), "appears twice, first in line %lld",
                   (long long)yaml_line_of(reading->lines, place));
    if (again)
        on_fault(data, line, place, text);
    else
        (void)json_object_set_new(reading->lines, place, json_integer((json_int_t)line));
}

int yaml_parse(const char *name, const char *text, size_t len, json_t **ret_json,
               json_t **ret_lines, struct ein_error *err)
{
    EIN_JSON json_t *lines = json_object();
    struct reading reading = { .name = name, .lines = lines, .err = err };
    const struct yaml_how how = {
        .depth_max = YAML_DEPTH_MAX, .fault = on_fault, .member = on_member, .data = &reading
    };
    EIN_JSON json_t *json = yaml_tree(&how, "", text, len);

    if (reading.r < 0)
        return reading.r;
    if (!json || !lines)
        return error_no_memory(err);
    *ret_json = EIN_TAKE(json);
    *ret_lines = EIN_TAKE(lines);
    return 0;
}

int64_t yaml_line_of(const json_t *lines, const char *place)
{
    return json_integer_value(yaml_nearest(lines, place));
}
