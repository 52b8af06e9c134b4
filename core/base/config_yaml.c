/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "config_source.h"
#include "member.h"
#include "yaml_scalar.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void source_fault(struct source *source, const char *origin, const char *path, const char *fmt, ...)
{
    va_list args;

    source->fault_count++;
    (void)buf_printf(source->faults, "%s: ", origin ? origin : source->name);
    if (*path)
        (void)buf_printf(source->faults, "%s: ", path);
    va_start(args, fmt);
    (void)buf_vprintf(source->faults, fmt, args);
    va_end(args);
    (void)buf_char(source->faults, '\n');
}

static void origin_at(const struct source *source, size_t line, char out[CONFIG_PATH_MAX])
{
    (void)snprintf(out, CONFIG_PATH_MAX, "%s:%zu", source->name, line);
}

static void on_fault(void *data, size_t line, const char *path, const char *text)
{
    struct source *source = data;
    char origin[CONFIG_PATH_MAX];

    origin_at(source, line, origin);
    source_fault(source, origin, path, "%s", text);
}

static void on_member(void *data, size_t line, const char *path, bool again)
{
    struct source *source = data;
    char origin[CONFIG_PATH_MAX];

    origin_at(source, line, origin);
    if (again)
        source_fault(source, origin, path, "appears twice, first at %s",
                     text_of(source->origins, path));
    else
        (void)json_object_set_new(source->origins, path, json_string(origin));
}

static json_t *scalar(const char *text, size_t len, bool plain, char ret_why[YAML_WHY_MAX])
{
    EIN_FREE char *expanded = NULL;

    if (plain && !strchr(text, '$'))
        return yaml_scalar(text);
    /* What the environment gives is text, whatever it looks like; the schema decides. */
    expanded = expand(text, len, ret_why);
    return expanded ? json_string(expanded) : NULL;
}

json_t *yaml_read(struct source *source, const char *path, const char *text, size_t len)
{
    const struct yaml_how how = { .depth_max = CONFIG_DEPTH_MAX,
                                  .scalar = scalar,
                                  .fault = on_fault,
                                  .member = on_member,
                                  .data = source };

    return yaml_tree(&how, path, text, len);
}
