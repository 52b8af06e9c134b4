/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "jwks.h"
#include "seen.h"
#include <einion/services.h>

enum { FIREBASE_SUBJECT_MAX = 128 };

struct firebase {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    const char *project; /* lent by the host or the settings */
    char *issuer;
    int64_t leeway_s;
    bool emulator; /* unsigned tokens are taken from this machine */
    struct jwks *keys;
    struct seen *seen;
};

extern const struct ein_auth_provider firebase_provider;

/* Whether unsigned tokens are taken: `wanted` is the setting, the environment has to agree.
 * INVALID: it asks for what the setting does not allow, or in a form that means nothing. */
int emulator_allowed(bool wanted, bool *ret_allowed, struct ein_error *err);
/* May this request bring one? */
bool emulator_takes(const struct firebase *firebase, const struct ein_req *req);
