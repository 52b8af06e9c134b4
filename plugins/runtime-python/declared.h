/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent declares is what it may call. */
#pragma once

#include "run.h"

/* DENIED with a sentence that says what to declare, or 0.  A kind of which an agent declares
 * nothing is open to it, unless the setting `undeclared` refuses that. */
int declared_model(const struct agent *agent, const char *provider, const char *model,
                   struct ein_error *err);
/* tool NULL: the list of them. */
int declared_tool(const struct agent *agent, const char *url, const char *tool,
                  struct ein_error *err);
/* The hosts of `allowedHosts`, and those that serve what `swaggerSpecs` describe.  INVALID: no URL.
 */
int declared_host(struct agent *agent, const char *url, struct ein_error *err);
int declared_namespace(const struct agent *agent, const char *name, bool writes,
                       struct ein_error *err);

/* Those of NAMES, an array, that it declares. */
struct json_t *declared_of(const struct agent *agent, const struct json_t *names);
