/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent may call, collected from the request and from those it names:
 *   {"models":     [{"provider", "model", "parameters", "entry": the catalog's, or null}],
 *    "servers":    [{"url", "tools": [{"name", "description", "inputSchema", "outputSchema"}]}],
 *    "specs":      [{"name", "operations": as specs/1 has them}],
 *    "agents":     [{"id", "name", "description", "inputSchema", "outputSchema", "recorded"}],
 *    "namespaces": null (any), or [{"namespace", "access", "description"}],
 *    "hosts":      ["example.org", "*.example.org"]} */
#pragma once

#include "composer.h"
#include "host_pattern.h"

/* Fills composing->declared, and notes what could not be found out.  0, or the status that was
 * replied. */
int declared_collect(struct composing *composing);

/* Is it one of declared["hosts"]? */
bool declared_host(const json_t *declared, const struct url_place *place);
