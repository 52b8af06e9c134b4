/* SPDX-License-Identifier: Apache-2.0 */
/* An agent's saves: each writes the agent and its version together, or neither. */
#pragma once

#include "agents.h"
#include <jansson.h>
#include <stdbool.h>

struct save {
    const json_t *from; /* as it is stored */
    json_t *to;         /* gets the number of its version */
    const char *uid;    /* who saves */
    bool moves;         /* to another owner: its deployments go with it */
    int64_t restores;   /* which version; 0: none */
};

/* Stores AGENT, which gets its first number. */
int save_new(const struct agents *agents, json_t *agent, char ret_rev[EIN_REV_SIZE],
             struct ein_error *err);

/* Stores what SAVE says, and drops the versions that are more than are kept.  CONFLICT: somebody
 * else has written meanwhile. */
int save_over(const struct agents *agents, const struct save *save, char ret_rev[EIN_REV_SIZE],
              struct ein_error *err);

/* Deletes AGENT with its versions, deployments and settings; its secrets are left to
 * secrets_sweep().  CONFLICT or NOT_FOUND as above. */
int save_none(const struct agents *agents, const json_t *agent, struct ein_error *err);
