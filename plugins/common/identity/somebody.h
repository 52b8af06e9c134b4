/* SPDX-License-Identifier: Apache-2.0 */
/* Who somebody is by what a provider says of them: the same person, whether they have logged in
 * there in a browser or come with its token. */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>

enum {
    SOMEBODY_UID_MAX = 400,         /* bytes; ids of documents are made of it */
    SOMEBODY_WORKSPACES_MAX = 1000, /* of a provider's; more are left out, and the log is told */
    SOMEBODY_WORKSPACE_ID_MAX = 400 /* bytes */
};

/* What exchange() gave -> an identity's claims: the personal workspace first, and nothing that the
 * provider may not say.  INVALID: the uid is none of `provider`'s. */
int somebody_make(const struct ein_host *host, struct ein_ctx *ctx, const char *provider,
                  const json_t *said, const char *proof, json_t **ret_claims,
                  struct ein_error *err);

/* A member of a workspace of the provider's. */
bool somebody_is_member(const json_t *claims);
