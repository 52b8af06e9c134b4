/* SPDX-License-Identifier: Apache-2.0 */
/* The documents of agents, and of the names under which they are deployed. */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>

#define AGENT_SET "agents"
#define DEPLOYMENT_SET                                                                             \
    "deployments" /* `_id` is the friendly name; {"agentId", "createdAt", "deployedAt"}, "version" \
                     and "agent" of what it serves (see agent_version.h), and its agent's owner */

/* The agent ID, if the caller of REQ may do with it what the route is for; NOT_FOUND in the
 * store's words, also when they are not to know of it.  ID may be NULL. */
int agent_get(const struct ein_host *host, struct ein_ctx *ctx, const struct ein_req *req,
              const char *id, json_t **ret_agent, struct ein_error *err);

/* Likewise the agent ID if it is among what VISIBLE leaves, as http->visible() has it. */
int agent_find(const struct ein_host *host, struct ein_ctx *ctx, const json_t *visible,
               const char *id, json_t **ret_agent, struct ein_error *err);

/* The deployment NAME, whosoever it is: who may use it is decided by its agent. */
int deployment_get(const struct ein_host *host, struct ein_ctx *ctx, const char *name,
                   json_t **ret_deployment, struct ein_error *err);

/* The deployments of an agent, oldest first: an array. */
int deployments_of(const struct ein_host *host, struct ein_ctx *ctx, const char *agent_id,
                   json_t **ret_deployments, struct ein_error *err);

/* Deletes all deployments of an agent, and with them (all or nothing) does what the COUNT
 * operations `also` say; 0: nothing.  Fails as the batch does when they cannot be done. */
int deployments_remove(const struct ein_host *host, struct ein_ctx *ctx, const char *agent_id,
                       struct ein_doc_op *also, size_t count, struct ein_error *err);

/* Likewise gives them all to the owner of AGENT, which `also` writes. */
int deployments_move(const struct ein_host *host, struct ein_ctx *ctx, const json_t *agent,
                     struct ein_doc_op *also, size_t count, struct ein_error *err);
