/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "mcp_version.h"

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>

/* Messages of the Model Context Protocol, without the network. */

/* ---- what is sent: json_decref; NULL: no memory ---- */

/* The params are taken, NULL: none.  `modern` adds what 2026-07-28 wants in _meta. */
json_t *wire_request(json_int_t id, const char *method, json_t *take_params, bool modern);
json_t *wire_initialize(json_int_t id);
/* The answer to a request of the server: {} to a ping, else that we do not have such a method. */
json_t *wire_answer(const json_t *request);

/* ---- headers ---- */

/* VALUE as a header of 2026-07-28 may carry it; free(). */
char *wire_header_value(const char *value);

/* Is inputSchema an object, and each x-mcp-header in it one that may be? */
bool wire_tool_is_valid(const json_t *tool);

/* Calls `each` for each header Mcp-Param-NAME that `arguments` want; VALUE is not encoded yet.
 * What `each` returns beside 0 ends it, and is returned. */
int wire_tool_headers(const json_t *tool, const json_t *arguments,
                      int (*each)(void *data, const char *name, const char *value), void *data);

/* ---- what comes ---- */

enum wire_kind {
    WIRE_OTHER,        /* nobody's: not a message, an answer to somebody else */
    WIRE_RESULT,       /* of our request: an object */
    WIRE_ERROR,        /* of our request, or of none that is named */
    WIRE_REQUEST,      /* of the server */
    WIRE_NOTIFICATION, /* likewise */
    WIRE_BATCH         /* an array of messages */
};
enum wire_kind wire_kind(const json_t *message, json_int_t id);

json_int_t wire_code(const json_t *message);    /* of an error; 0: none */
const char *wire_words(const json_t *message);  /* likewise; "": none */
const char *wire_method(const json_t *message); /* "": none */
/* UNSUPPORTED: the server speaks VERSION (NULL: none that it names), which is none of ours. */
int wire_unknown_version(const char *version, struct ein_error *err);

/* What a page of tools/list holds is added to `tools`.  The cursor of the next is lent by
 * `result`; NULL: there is none.  0, or -1: it is not such a page, or there is no memory. */
int wire_take_tools(const json_t *result, json_t *tools, const char **ret_cursor);

/* How long a list may be kept. */
json_int_t wire_ttl_ms(const json_t *result);

/* Is it what tools/call answers?  What is missing of content and isError is added. */
bool wire_take_result(json_t *result);
