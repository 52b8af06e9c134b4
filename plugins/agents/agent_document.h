/* SPDX-License-Identifier: Apache-2.0 */
/* An agent as it is stored, and as it is shown. */
#pragma once

#include <jansson.h>

/* The document of a new agent of UID from BODY, by AGENT_CREATE_SCHEMA.  NULL: no memory. */
json_t *document_new(const json_t *body, const char *uid);

/* AGENT with the fields of BODY, by AGENT_UPDATE_SCHEMA, and a new updatedAt.  NULL: no memory. */
json_t *document_merge(const json_t *agent, const json_t *body);

/* What BODY sets to null and must not: the list of a 422, empty if nothing.  NULL: no memory. */
json_t *document_null_faults(const json_t *body);

/* Which models BODY names with parameters that exclude each other: the same. */
json_t *document_model_faults(const json_t *body);

/* All that a user may set, in the order in which it is shown; null where it is not set.  NULL: no
 * memory. */
json_t *document_content(const json_t *agent);

/* Takes out what is shown only where it is set: answers are what they were before it was. */
void document_hide_unset(json_t *shown);

/* What who may read it is shown of AGENT, with the revision REV (NULL: the one it has).  NULL: no
 * memory.
 */
json_t *document_show(const json_t *agent, const char *rev);
