/* SPDX-License-Identifier: Apache-2.0 */
/* One configured runtime: what all its runs share. */
#pragma once

#include "admission.h"
#include "pool.h"
#include "settings.h"

#include <einion/services.h>

struct runtime {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    struct settings settings;
    char *folder;      /* of the sandbox's files */
    struct pool *pool; /* between start and stop */
    struct admission admission;
    bool muted; /* GOFANNON_DISABLE_USER_TRACE: what agents print is not shown */
};

int runtime_new(const struct ein_host *host, struct ein_ctx *ctx, const struct json_t *config,
                struct runtime **ret_runtime, struct ein_error *err);
void runtime_free(void *runtime);
/* Returns before agents can run: /readyz says when. */
int runtime_start(void *runtime, struct ein_error *err);
void runtime_stop(void *runtime);

/* agent_runtime/1 */
int runtime_run(void *impl, const struct ein_agent_run *what, struct json_t **ret_outcome,
                struct ein_error *err);
int runtime_status(void *impl, struct json_t **ret_status, struct ein_error *err);
