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

/* Deletes the secrets of an agent that is no more; what fails is logged. */
void secrets_forget(const struct agents *agents, const char *agent_id);
