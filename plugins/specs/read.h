/* SPDX-License-Identifier: Apache-2.0 */
/* From the text of an OpenAPI document to what can be called.  Without state: any thread. */
#pragma once

#include "cleanup.h"
#include "str.h"

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>

enum {
    NOTES_MAX = 100, /* sentences about what was left out */
    LOOK_MAX =
        64, /* alternatives (types, responses, servers) of one operation that are looked at */
    WORD_MAX = 8192, /* bytes of a text that means something, and is more than shown */
    STEPS_EACH = 8   /* steps for each value that a document may have */
};

struct spec_limits {
    size_t text_bytes;   /* of a document */
    size_t nodes;        /* values in it, those behind YAML aliases counted each time */
    unsigned depth;      /* of arrays and objects in it */
    unsigned operations; /* that are given out */
    size_t schema_bytes; /* of one schema, as JSON text */
    size_t total_bytes;  /* of all that is given out */
    unsigned schema_depth;
};

/* A document being read. */
struct reading {
    const struct spec_limits *limits;
    json_t *root;
    bool two; /* OpenAPI 2.0 */
    const char *base_url;
    json_t *notes;
    size_t total_left; /* bytes that may still be given out */
    size_t steps_left; /* $refs followed, schemas and their members looked at */
    json_t *names;     /* operationIds that are taken: how often */
    json_t *memo;      /* schemas that were expanded; see expand.c */
};

/* ---- document.c: text to JSON ---- */

/* JSON or YAML whose outermost is an object.  INVALID: neither; TOO_LARGE: a limit. */
int document_read(const char *text, size_t len, const struct spec_limits *limits,
                  json_t **ret_document, struct ein_error *err);

/* ---- yaml.c ---- */

/* One document of YAML 1.2 (core schema), with aliases and merge keys, every key a text. */
int yaml_read(const char *text, size_t len, const struct spec_limits *limits, json_t **ret_json,
              struct ein_error *err);

/* ---- refer.c: $ref ---- */

/* What `value` is, after all of its $refs; `value` itself where it has none.  NULL: `why` (of
 * WHY_SIZE) says in a sentence why there is nothing. */
enum { WHY_SIZE = 200 };
json_t *refer(struct reading *reading, json_t *value, char why[WHY_SIZE]);

/* ---- expand.c: schemas ---- */

/* `schema` with each $ref replaced by what it means, read only: others may have it too.  NULL: no
 * memory. */
json_t *schema_expand(struct reading *reading, json_t *schema);

/* ---- servers.c ---- */

/* The first `most` of the absolute URLs of `operation`, else of `path`, else of the document (each
 * may be NULL). */
json_t *servers_of(struct reading *reading, json_t *path, json_t *operation, size_t most);
/* `text` as seen from `base` (RFC 3986, 5.2), without a '/' at its end; free().  NULL: it is
 * relative and there is no base, or no memory. */
char *url_resolve(const char *base, const char *text);

/* ---- media.c: bodies and responses ---- */

json_t *body_of(struct reading *reading, json_t *operation, json_t *parameters);
json_t *response_of(struct reading *reading, json_t *operation);

/* ---- parameters.c ---- */

/* Those of the operation and of its path, $refs resolved: an array of parameter objects. */
json_t *parameters_merge(struct reading *reading, json_t *path, json_t *operation);
/* Their JSON Schema, bodies and form fields left out. */
json_t *parameters_schema(struct reading *reading, json_t *parameters);
/* The schema of one parameter, header or form field. */
json_t *parameter_schema(struct reading *reading, json_t *parameter);

/* ---- security.c ---- */

json_t *security_of(struct reading *reading, json_t *operation);

/* ---- read.c ---- */

/* What struct ein_specs.read promises.  *ret_bytes, which may be NULL: how long the texts and
 * schemas in it are. */
int spec_read(const char *text, size_t len, const char *base_url, const struct spec_limits *limits,
              json_t **ret_spec, size_t *ret_bytes, struct ein_error *err);

/* Says once what was left out. */
void note(struct reading *reading, const char *fmt, ...) EIN_PRINTF(2, 3);

/* Object member that is a text of no more than WORD_MAX bytes, else "". */
const char *text_member(const json_t *object, const char *name);
/* The same, or "" where it does not fit any more. */
const char *text_kept(struct reading *reading, const json_t *object, const char *name);
/* Whether so many bytes may still be given out; then they are counted. */
bool fits(struct reading *reading, size_t bytes);
/* Counts what is done for what is given out: a small document can have the same read very often.
 * When it has been too much, nothing more is given out. */
void steps(struct reading *reading, size_t count);
