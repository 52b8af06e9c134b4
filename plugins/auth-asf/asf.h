/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "oauth.h"

enum {
    ASF_ENTRIES_MAX = OAUTH_WORKSPACES_MAX, /* of one answer of the directory */
    ASF_TIMEOUT_S = 10
};

struct asf {
    struct oauth oauth;
    const json_t *config; /* the settings */
};

extern const struct ein_auth_provider asf_provider;

const char *asf_text(const struct asf *asf, const char *setting);
/* A member of the setting `ldap`, or what it is where it is not set. */
const char *asf_ldap_text(const struct asf *asf, const char *member);
int asf_ldap_timeout_s(const struct asf *asf);

/* The projects of UID as the directory has them: workspaces, the PMC's members as admins.  DENIED:
 * this account is banned.  UNAVAILABLE: the directory is not there. */
int asf_workspaces(const struct asf *asf, const char *uid, json_t **ret_workspaces,
                   struct ein_error *err);
