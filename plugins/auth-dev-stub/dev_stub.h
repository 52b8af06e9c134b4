/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/services.h>
#include <jansson.h>

/* One instance of the plugin; const after init. */
struct dev_stub {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    const json_t *config;
    const char *name;    /* that it is published under; "dev_stub" */
    const json_t *users; /* as they are configured */
};

enum { PICKER_USERS_MAX = 200 };

extern const struct ein_auth_provider dev_stub_provider;

/* Every uid, with commas between; free().  NULL: no memory. */
char *dev_stub_uids(const struct dev_stub *stub);

ein_handler picker_show;
