/* SPDX-License-Identifier: Apache-2.0 */
/* The secrets of an agent: sealed in vault/1, given to its runs as environment. */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>

/* `_id` is the agent's; {"names": {NAME: {"updatedAt", "updatedBy"}}}, and "agent": "deleted" until
 * those of one that is no more are gone.  The texts are not here. */
#define SECRET_SET "agent_secrets"

enum {
    SECRET_NAME_MAX = 100,  /* bytes */
    SECRET_VAULT_SIZE = 700 /* of a name in the vault */
};

/* The document of AGENT_ID; *ret_doc is NULL if it has no secrets. */
int agent_secret_names(const struct ein_host *host, struct ein_ctx *ctx, const char *agent_id,
                       json_t **ret_doc, struct ein_error *err);

/* {NAME: text} of AGENT_ID; *ret_secrets is NULL if it has none.  UNAVAILABLE: no vault. */
int agent_secrets_get(const struct ein_host *host, struct ein_ctx *ctx, const char *agent_id,
                      json_t **ret_secrets, struct ein_error *err);

/* `text` NULL: it is deleted, or was not there. */
int agent_secret_set(const struct ein_host *host, struct ein_ctx *ctx, const char *agent_id,
                     const char *name, const char *text, struct ein_error *err);
