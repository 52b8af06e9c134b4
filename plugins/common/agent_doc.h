/* SPDX-License-Identifier: Apache-2.0 */
/* The documents of agents, and of the names under which they are deployed. */
#ifndef AGENT_DOC_H
#define AGENT_DOC_H

#include <einion/plugin.h>
#include <jansson.h>

#define AGENT_SET "agents"
#define DEPLOYMENT_SET                                                                             \
    "deployments" /* `_id` is the friendly name; {"agentId", "userId", "createdAt"} */

/* The agent ID of the user UID; NOT_FOUND in the store's words, also when it is another's. */
int agent_get(const struct ein_host *host, struct ein_ctx *ctx, const char *uid, const char *id,
              json_t **ret_agent, struct ein_error *err);

/* The deployment NAME of the user UID, likewise. */
int deployment_get(const struct ein_host *host, struct ein_ctx *ctx, const char *uid,
                   const char *name, json_t **ret_deployment, struct ein_error *err);

/* The deployments of an agent, oldest first: an array. */
int deployments_of(const struct ein_host *host, struct ein_ctx *ctx, const char *uid,
                   const char *agent_id, json_t **ret_deployments, struct ein_error *err);

/* Deletes all deployments of an agent, and with them (all or nothing) what `also` says; it may
 * be NULL.  Fails as the batch does when `also` cannot be done. */
int deployments_remove(const struct ein_host *host, struct ein_ctx *ctx, const char *uid,
                       const char *agent_id, const struct ein_doc_op *also, struct ein_error *err);

#endif
