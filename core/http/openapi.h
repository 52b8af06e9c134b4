/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>

struct router;
struct openapi; /* caches the document until the routes change; any thread */

int openapi_new(struct router *router, const char *version, struct openapi **ret_openapi);
void openapi_free(struct openapi *openapi);
/* The OpenAPI 3.1 document, shared and read only: json_decref(). */
int openapi_document(struct openapi *openapi, json_t **ret_document, struct ein_error *err);

/* DOCUMENT with what each openapi_source/1 adds for the caller of REQ; DOCUMENT itself, once more,
 * where that is nothing. */
int openapi_extend(struct ein_req *req, json_t *document, json_t **ret_document,
                   struct ein_error *err);

/* What all operations for whoever is logged in have: security, and the replies to errors.  What
 * OPERATION has already stays. */
int openapi_complete(json_t *operation);
