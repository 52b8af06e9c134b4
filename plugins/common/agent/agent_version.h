/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent has been: each save of one is a version, with a number that only grows. */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdint.h>

/* `_id` is "AGENT:NUMBER"; {"agentId", "version", "createdAt", "createdBy", "restoredFrom",
 * "agent"}. Who may read the agent may read them. */
#define VERSION_SET "agent_versions"

/* The number of AGENT as it is now; one that was made before there were versions is the first. */
int64_t agent_version(const json_t *agent);

/* What of AGENT a version keeps: all but whose it is, when it was made, and what the store says.
 * The members are shared.  NULL: no memory. */
json_t *agent_content(const json_t *agent);

/* AGENT with CONTENT instead of its own, numbered VERSION.  NULL: no memory. */
json_t *agent_with_content(const json_t *agent, const json_t *content, int64_t version);

/* The document of AGENT's present version; RESTORED_FROM 0: of none.  NULL: no memory. */
json_t *agent_version_new(const json_t *agent, const char *uid, int64_t restored_from);

/* Version NUMBER of AGENT; NOT_FOUND: there never was one, or it is no longer kept. */
int agent_version_get(const struct ein_host *host, struct ein_ctx *ctx, const json_t *agent,
                      int64_t number, json_t **ret_version, struct ein_error *err);

/* The present version of AGENT as a header of the reply. */
int agent_version_tell(const struct ein_http *http, struct ein_req *req, const json_t *agent);
