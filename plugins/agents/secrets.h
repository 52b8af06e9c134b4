/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* {"value"}, and the names that may be set: what steers the interpreter itself may not. */
#define SECRET_BODY_SCHEMA                                                                         \
    MODEL("AgentSecret", REQUIRED("\"value\""),                                                    \
          FIELD("value", TEXT, ", \"minLength\": 1, \"maxLength\": 65536"))

#define SECRET_LIST_SCHEMA                                                                         \
    "{\"type\": \"array\"" ITEMS(                                                                  \
        MODEL("AgentSecretName", REQUIRED("\"name\", \"updatedAt\", \"updatedBy\""),               \
              FIELD("name", TEXT, "") ","                                                          \
                                      "\"updatedAt\": " SCHEMA_TIME                                \
                                      "," FIELD("updatedBy", OR_NULL(TEXT), ""))) "}"

#include "agents.h"
#include <jansson.h>

/* Secrets are in the vault, and go after their agent: NAMES (a document of SECRET_SET) says until
 * then that it is no more. */
#define SECRETS_INDEX "agent"
int secrets_mark(json_t *names);

/* Deletes the secrets of all agents that are no more, also what a server that died has left. */
int secrets_sweep(const struct agents *agents, struct ein_error *err);
