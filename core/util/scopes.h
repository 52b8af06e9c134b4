/* SPDX-License-Identifier: Apache-2.0 */
/* What a credential lets its bearer do: "agents" is "agents:read", "agents:write", "agents:run". */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>

/* Those of the server's own routes, and those that deployments invent: "use:payroll". */
#define SCOPE_PATTERN                                                                              \
    "^((models|agents|deployments|admin)(:(read|write|run))?|use:[a-z0-9][a-z0-9_.-]{0,63})$"

/* One of these, to the letter. */
bool scope_is_ours(const char *scope);

bool scope_covers(const char *held, const char *wanted);

/* Whether IDENTITY may do what WANTED does; who has no scopes is not limited by them. */
bool scope_is_held(const struct ein_identity *identity, const char *wanted);

/* The scopes of IDENTITY as an array, or JSON null where it is not limited.  NULL: no memory. */
json_t *scopes_json(const struct ein_identity *identity);

/* Likewise of what scopes_json() gave; of NULL, which is nobody knows whose, nothing is held. */
bool scope_is_among(const json_t *scopes, const char *wanted);
