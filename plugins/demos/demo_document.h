/* SPDX-License-Identifier: Apache-2.0 */
/* Demos as they are kept and shown. */
#pragma once

#include <jansson.h>

/* A demo of UID with what BODY says.  NULL: no memory. */
json_t *document_new(const json_t *body, const char *id, const char *uid);

/* DEMO with what BODY says; what is not the client's stays.  NULL: no memory. */
json_t *document_replace(const json_t *demo, const json_t *body);

/* What is answered; REV NULL: the one that DEMO has.  NULL: no memory. */
json_t *document_show(const json_t *demo, const char *rev);
