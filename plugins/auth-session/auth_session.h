/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "clock.h"
#include "trickle.h"
#include <einion/services.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define SESSION_COOKIE   "gofannon_sid"
#define STATE_COOKIE     "gofannon_auth_state"
#define RETURN_TO_COOKIE "gofannon_return_to"

enum {
    LOGIN_S = 600, /* how long somebody may take at the provider */
    LOGIN_KEY_BYTES = 32,
    USER_AGENT_MAX = 200, /* bytes that are kept */
    REASON_MAX = 200,     /* likewise, of why a login failed */
    RETURN_TO_MAX = 1500  /* bytes */
};

/* One instance of the plugin; const after start, but for the trickle. */
struct auth_session {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    bool logins, legacy_firebase;
    const json_t *site_admins, *frontends;
    int64_t ttl_s, refresh_ms;
    uint32_t sweep_ms, sessions_per_user;
    struct trickle refusals;                  /* logins that failed, for the audit */
    unsigned char login_key[LOGIN_KEY_BYTES]; /* the same in all servers of one store */
};

ein_handler login_providers, login_begin, login_callback;
ein_handler me_show, me_logout, me_refresh;
ein_handler mine_list, mine_revoke, mine_revoke_all, others_revoke_all;
