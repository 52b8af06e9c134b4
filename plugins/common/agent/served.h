/* SPDX-License-Identifier: Apache-2.0 */
/* A deployed agent as it is called, by whichever door: what is served, and by which terms. */
#pragma once

#include "agent_run.h"
#include <einion/plugin.h>
#include <jansson.h>

/* `_id` is the agent's: its settings hold for all names it is deployed under, and outlast them.
 * {"concurrency", "queue", "timeoutMs", "scope", ...}: see deployments/settings.h. */
#define SETTINGS_SET "deployment_settings"

struct served {
    json_t *agent;    /* what it was when it was deployed, and whose it is now */
    json_t *settings; /* NULL: none were made */
    json_t *limits;   /* of them, those of a run, as ein_agent_run has them; NULL: none */
};

/* The members that are limits of a run, with their names there. */
struct served_limit {
    const char *setting, *limit;
};
extern const struct served_limit served_limits[]; /* ends with NULL */

/* What the deployment NAME serves to the caller of REQ.  NOT_FOUND: there is none that they may
 * know of.  DENIED: their credential lacks the scope that it asks for. */
int served_get(const struct ein_host *host, struct ein_ctx *ctx, const struct ein_req *req,
               const char *name, struct served *ret_served, struct ein_error *err);

/* Likewise to whoever sees what VISIBLE leaves, with SCOPES as scopes_json() has them. */
int served_find(const struct ein_host *host, struct ein_ctx *ctx, const json_t *visible,
                const json_t *scopes, const char *name, struct served *ret_served,
                struct ein_error *err);

void served_done(struct served *served);

/* An order of a run of SERVED, called NAME, on INPUT; all in it is lent.  The caller adds who asks
 * for it, and how. */
struct agent_order served_order(const struct served *served, const char *name, const json_t *input);

/* What DEPLOYMENT serves of AGENT.  One that was deployed by a server that kept no versions is
 * served as it is.  NULL: no memory. */
json_t *served_agent(const json_t *deployment, const json_t *agent);

/* The settings of the agent ID; *ret_settings is NULL where none were made. */
int served_settings(const struct ein_host *host, struct ein_ctx *ctx, const char *id,
                    json_t **ret_settings, struct ein_error *err);
const char *served_scope(const json_t *settings); /* NULL: none is asked for */
