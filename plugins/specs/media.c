/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies: what a call sends, and what it is answered. */
#include "read.h"

#include <string.h>
#include <strings.h>

#define JSON_TYPE "application/json"
#define FORM_TYPE "application/x-www-form-urlencoded"

/* ---- which of several types ---- */

static const char *const ranks[] = { JSON_TYPE, "+json", FORM_TYPE, "multipart/form-data" };
enum { RANK_FORM = 2, RANKS = 4, TYPE_MAX = 200 };

/* 0 is best; a parameter ("; charset=utf-8") changes nothing. */
static int rank(const char *type)
{
    size_t len = strcspn(type, "; ");
    int i = 0;

    for (; i < RANKS; i++) {
        size_t rest = strlen(ranks[i]);

        if (len >= rest && strncasecmp(type + len - rest, ranks[i], rest) == 0 &&
            (len == rest || *ranks[i] == '+'))
            break;
    }
    return i;
}

static const char *best_member(json_t *content, json_t **ret_media)
{
    const char *best = NULL, *type;
    int looked = 0;
    json_t *media;
    size_t len;

    json_object_keylen_foreach(content, type, len, media)
    {
        if (looked++ == LOOK_MAX)
            break;
        if (len <= TYPE_MAX && (!best || rank(type) < rank(best))) {
            best = type;
            *ret_media = media;
        }
    }
    return best;
}

/* Of OpenAPI 2's "consumes" and "produces". */
static const char *best_item(const struct reading *reading, const json_t *operation,
                             const char *name, const char *otherwise)
{
    const json_t *types = json_object_get(operation, name), *one;
    const char *best = NULL;
    size_t i;

    if (!json_is_array(types))
        types = json_object_get(reading->root, name);
    json_array_foreach(types, i, one)
    {
        const char *type = json_string_value(one);

        if (i == LOOK_MAX)
            break;
        if (type && strlen(type) <= TYPE_MAX && (!best || rank(type) < rank(best)))
            best = type;
    }
    return best ? best : otherwise;
}

/* ---- what is sent ---- */

static json_t *body_three(struct reading *reading, json_t *operation)
{
    json_t *given = json_object_get(operation, "requestBody"), *body, *media = NULL, *schema;
    char why[WHY_SIZE];
    const char *type;

    if (!given)
        return json_null();
    body = refer(reading, given, why);
    if (!body) {
        note(reading, "A body is left out: %s.", why);
        return json_null();
    }
    type = best_member(json_object_get(body, "content"), &media);
    if (!type)
        return json_null();
    schema = json_object_get(media, "schema");
    return json_pack("{s:s, s:b, s:o}", "contentType", type, "required",
                     json_is_true(json_object_get(body, "required")), "schema",
                     schema ? schema_expand(reading, schema) : json_object());
}

static json_t *form_two(struct reading *reading, json_t *operation, json_t *parameters)
{
    json_t *properties = json_object(), *required = json_array(), *one;
    const char *type = best_item(reading, operation, "consumes", FORM_TYPE);
    size_t i;

    json_array_foreach(parameters, i, one)
    {
        json_t *schema;

        if (strcmp(text_member(one, "in"), "formData") != 0)
            continue;
        schema = parameter_schema(reading, one);
        (void)json_object_set_new(properties, text_member(one, "name"), schema);
        if (json_is_true(json_object_get(one, "required")))
            (void)json_array_append_new(required, json_string(text_member(one, "name")));
        if (strcmp(text_member(one, "type"), "file") == 0)
            type = "multipart/form-data";
    }
    if (rank(type) < RANK_FORM)
        type = FORM_TYPE;
    return json_pack("{s:s, s:b, s:{s:s, s:o, s:o}}", "contentType", type, "required",
                     json_array_size(required) > 0, "schema", "type", "object", "properties",
                     properties, "required", required);
}

static json_t *body_two(struct reading *reading, json_t *operation, json_t *parameters)
{
    json_t *one;
    size_t i;

    json_array_foreach(parameters, i, one)
    {
        const char *in = text_member(one, "in");

        if (strcmp(in, "formData") == 0)
            return form_two(reading, operation, parameters);
        if (strcmp(in, "body") == 0)
            return json_pack("{s:s, s:b, s:o}", "contentType",
                             best_item(reading, operation, "consumes", JSON_TYPE), "required",
                             json_is_true(json_object_get(one, "required")), "schema",
                             parameter_schema(reading, one));
    }
    return json_null();
}

json_t *body_of(struct reading *reading, json_t *operation, json_t *parameters)
{
    return reading->two ? body_two(reading, operation, parameters) : body_three(reading, operation);
}

/* ---- what comes back ---- */

/* The lowest of 200 to 299, else any of them, else what answers everything. */
static int status_rank(const char *status)
{
    if (strlen(status) == 3 && status[0] == '2')
        return strspn(status, "0123456789") == 3 ? atoi(status) : 300;
    return strcmp(status, "default") == 0 ? 301 : 1000;
}

static const char *success(json_t *responses, json_t **ret_response)
{
    const char *best = NULL, *status;
    int looked = 0;
    json_t *response;

    json_object_foreach(responses, status, response)
    {
        if (looked++ == LOOK_MAX)
            break;
        if (status_rank(status) < 1000 && (!best || status_rank(status) < status_rank(best))) {
            best = status;
            *ret_response = response;
        }
    }
    return best;
}

json_t *response_of(struct reading *reading, json_t *operation)
{
    json_t *given = NULL, *response, *media = NULL, *schema = NULL;
    const char *status = success(json_object_get(operation, "responses"), &given);
    const char *type = NULL;
    char why[WHY_SIZE];

    if (!status)
        return json_null();
    response = refer(reading, given, why);
    if (!response) {
        note(reading, "A response is left out: %s.", why);
        return json_null();
    }
    if (reading->two) {
        schema = json_object_get(response, "schema");
        type = schema ? best_item(reading, operation, "produces", JSON_TYPE) : NULL;
    } else {
        type = best_member(json_object_get(response, "content"), &media);
        schema = json_object_get(media, "schema");
    }
    return json_pack("{s:s, s:s?, s:s, s:o}", "status", status, "contentType", type, "description",
                     text_kept(reading, response, "description"), "schema",
                     schema ? schema_expand(reading, schema) : json_null());
}
