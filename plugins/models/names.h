/* SPDX-License-Identifier: Apache-2.0 */
/* Names of tools as vendors take them: letters, digits, "_" and "-", and not too many.  Clients and
 * servers of tools have others; they are sent under another name, the same for the same, which is
 * changed back in the answer. */
#pragma once

#include <einion/services.h>
#include <jansson.h>

struct names {
    json_t *back;                      /* {sent: the caller's}; NULL: all go as they are */
    json_t *tools, *messages, *choice; /* in place of the call's, where there is `back` */
};

/* CHOICE may be NULL; MAX is in bytes, 0: any name is taken.  NO_MEMORY. */
int names_make(const struct ein_completion_call *call, const json_t *choice, size_t max,
               struct names *ret_names, struct ein_error *err);
void names_done(struct names *names);

/* What has to be told instead of this call of a tool: json_decref; NULL: itself, or no memory. */
json_t *names_back(const struct names *names, const json_t *tool_call);
