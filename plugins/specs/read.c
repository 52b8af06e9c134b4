/* SPDX-License-Identifier: Apache-2.0 */
#include "read.h"

#include "error.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ID_MAX = 64 };

const char *text_member(const json_t *object, const char *name)
{
    const json_t *text = json_object_get(object, name);

    return json_is_string(text) && json_string_length(text) <= WORD_MAX ? json_string_value(text)
                                                                        : "";
}

void note(struct reading *reading, const char *fmt, ...)
{
    EIN_JSON json_t *sentence = NULL;
    const json_t *there;
    va_list args;
    size_t i;

    va_start(args, fmt);
    sentence = json_vsprintf(fmt, args);
    va_end(args);
    if (!sentence || json_array_size(reading->notes) >= NOTES_MAX)
        return;
    json_array_foreach(reading->notes, i, there)
    {
        if (json_equal(there, sentence))
            return;
    }
    (void)json_array_append(reading->notes, sentence);
}

const char *text_kept(struct reading *reading, const json_t *object, const char *name)
{
    const json_t *text = json_object_get(object, name);

    return json_is_string(text) && fits(reading, json_string_length(text)) ? json_string_value(text)
                                                                           : "";
}

bool fits(struct reading *reading, size_t bytes)
{
    if (bytes > reading->total_left) {
        reading->total_left = 0;
        return false;
    }
    reading->total_left -= bytes;
    return true;
}

void steps(struct reading *reading, size_t count)
{
    if (count <= reading->steps_left) {
        reading->steps_left -= count;
        return;
    }
    reading->steps_left = reading->total_left = 0;
}

/* ---- names ---- */

/* What models and languages take for a name. */
static void clean_name(const char *text, char name[ID_MAX + 1])
{
    size_t len = 0;

    for (; *text && len < ID_MAX; text++) {
        bool fits = isalnum((unsigned char)*text) || *text == '_' || *text == '-';

        if (fits)
            name[len++] = *text;
        else if (len > 0 && name[len - 1] != '_')
            name[len++] = '_';
    }
    while (len > 0 && name[len - 1] == '_')
        len--;
    name[len] = '\0';
}

static void name_operation(const json_t *operation, const char *method, const char *path,
                           char name[ID_MAX + 1])
{
    char made[512];

    clean_name(text_member(operation, "operationId"), name);
    if (!*name) {
        (void)snprintf(made, sizeof(made), "%s_%s", method, path);
        clean_name(made, name);
    }
}

/* The name, or the name with the first number that makes it another. */
static json_t *unique_name(struct reading *reading, const char *name)
{
    unsigned count = (unsigned)json_integer_value(json_object_get(reading->names, name));
    char other[ID_MAX + 1];
    json_t *id;

    if (count == 0) {
        (void)json_object_set_new(reading->names, name, json_integer(1));
        return json_string(name);
    }
    do {
        count++;
        (void)snprintf(other, sizeof(other), "%.52s_%u", name, count);
    } while (json_object_get(reading->names, other));
    id = json_string(other);
    (void)json_object_set_new(reading->names, name, json_integer(count));
    (void)json_object_set_new(reading->names, other, json_integer(1));
    return id;
}

/* ---- operations ---- */

static const struct method {
    const char *member, *name;
} methods[] = {
    { "get", "GET" },         { "put", "PUT" },   { "post", "POST" },   { "delete", "DELETE" },
    { "options", "OPTIONS" }, { "head", "HEAD" }, { "patch", "PATCH" }, { "trace", "TRACE" },
};

static json_t *read_operation(struct reading *reading, json_t *item, json_t *operation,
                              const struct method *method, const char *path)
{
    EIN_JSON json_t *parameters = parameters_merge(reading, item, operation);
    EIN_JSON json_t *servers = servers_of(reading, item, operation, 1);
    const char *server = json_string_value(json_array_get(servers, 0));
    const char *summary = text_kept(reading, operation, "summary");
    char name[ID_MAX + 1];

    name_operation(operation, method->member, path, name);
    return json_pack("{s:o, s:s, s:s, s:s?, s:s, s:s, s:b, s:o, s:o, s:o, s:o}", "operationId",
                     unique_name(reading, name), "method", method->name, "path", path, "server",
                     server, "summary", *summary ? summary : text_kept(reading, item, "summary"),
                     "description", text_kept(reading, operation, "description"), "deprecated",
                     json_is_true(json_object_get(operation, "deprecated")), "parameters",
                     parameters_schema(reading, parameters), "body",
                     body_of(reading, operation, parameters), "response",
                     response_of(reading, operation), "security", security_of(reading, operation));
}

static int read_path(struct reading *reading, const char *path, json_t *given, json_t *list,
                     size_t *beyond)
{
    char why[WHY_SIZE];
    json_t *item = refer(reading, given, why);

    if (!item) {
        note(reading, "The path %.*s is left out: %s.", str_cut(path, 100), path, why);
        return 0;
    }
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        json_t *operation = json_object_get(item, methods[i].member);

        if (!json_is_object(operation))
            continue;
        if (json_array_size(list) >= reading->limits->operations) {
            ++*beyond;
            continue;
        }
        operation = read_operation(reading, item, operation, &methods[i], path);
        if (!operation || json_array_append_new(list, operation) < 0)
            return EIN_E_NO_MEMORY;
    }
    return 0;
}

static int read_paths(struct reading *reading, json_t *list)
{
    json_t *item;
    const char *path;
    size_t beyond = 0, len;
    int r = 0;

    json_object_keylen_foreach(json_object_get(reading->root, "paths"), path, len, item)
    {
        if (r == 0 && *path == '/' && len <= WORD_MAX)
            r = read_path(reading, path, item, list, &beyond);
    }
    if (beyond)
        note(reading, "Of %zu operations only the first %zu are here.",
             beyond + json_array_size(list), json_array_size(list));
    if (reading->steps_left == 0)
        note(reading,
             "The same schemas are referred to too often: the last schemas and texts are cut.");
    else if (reading->total_left == 0)
        note(reading, "All of it is longer than %zu bytes: the last schemas and texts are cut.",
             reading->limits->total_bytes);
    return r;
}

/* ---- the document ---- */

/* A version, "2.0".  YAML without quotes makes it a number. */
static json_t *version_of(const json_t *given)
{
    double number = json_number_value(given);

    if (json_is_integer(given))
        return json_sprintf("%lld", (long long)json_integer_value(given));
    if (json_is_real(given))
        return floor(number) == number ? json_sprintf("%.1f", number)
                                       : json_sprintf("%.15g", number);
    return json_is_string(given) ? json_incref((json_t *)given) : json_string("");
}

static json_t *read_version(struct reading *reading)
{
    const json_t *two = json_object_get(reading->root, "swagger");
    json_t *version = version_of(two ? two : json_object_get(reading->root, "openapi"));
    const char *text = json_string_value(version);

    reading->two = two != NULL;
    if (text && (two ? *text == '2' : *text == '3') && (text[1] == '.' || text[1] == '\0'))
        return version;
    json_decref(version);
    return NULL;
}

static int read_all(struct reading *reading, json_t **ret_spec, struct ein_error *err)
{
    EIN_JSON json_t *operations = json_array(), *spec = NULL, *version = read_version(reading);
    const json_t *info = json_object_get(reading->root, "info");

    if (!version)
        return error_set(
            err, EIN_E_INVALID,
            "it is not an OpenAPI document: there is neither \"openapi\": \"3...\" nor "
            "\"swagger\": \"2.0\"");
    if (!operations || read_paths(reading, operations) < 0)
        return error_no_memory(err);
    spec =
        json_pack("{s:s, s:o, s:s, s:O, s:o, s:O, s:O}", "title", text_kept(reading, info, "title"),
                  "version", version_of(json_object_get(info, "version")), "description",
                  text_kept(reading, info, "description"), "openapi", version, "servers",
                  servers_of(reading, NULL, NULL, LOOK_MAX), "operations", operations, "notes",
                  reading->notes);
    if (!spec)
        return error_no_memory(err);
    *ret_spec = EIN_TAKE(spec);
    return 0;
}

int spec_read(const char *text, size_t len, const char *base_url, const struct spec_limits *limits,
              json_t **ret_spec, size_t *ret_bytes, struct ein_error *err)
{
    EIN_JSON json_t *root = NULL, *notes = json_array();
    EIN_JSON json_t *names = json_object(), *memo = json_object();
    struct reading reading = { .limits = limits,
                               .base_url = base_url,
                               .notes = notes,
                               .names = names,
                               .memo = memo,
                               .total_left = limits->total_bytes,
                               .steps_left = STEPS_EACH * limits->nodes };
    int r;

    if (!notes || !names || !memo)
        return error_no_memory(err);
    r = document_read(text, len, limits, &root, err);
    if (r < 0)
        return r;
    reading.root = root;
    r = read_all(&reading, ret_spec, err);
    if (r == 0 && ret_bytes)
        *ret_bytes = limits->total_bytes - reading.total_left;
    return r;
}
