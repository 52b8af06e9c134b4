/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "oauth.h"

struct github {
    struct oauth oauth;
    const json_t *config; /* the settings */
    bool open;            /* whoever has an account is let in */
};

extern const struct ein_auth_provider github_provider;

/* What GitHub says of the owner of a token, in the form of exchange(). */
int github_person(const struct github *github, const char *token, json_t **ret_claims,
                  struct ein_error *err);
const char *github_text(const struct github *github, const char *setting);
