/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/services.h>
#include <stdint.h>

enum { NAME_MAX_BYTES = 200 }; /* of a friendly name that becomes a path */

/* One instance of the plugin: the `self` of its routes.  const after init. */
struct deployments {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    uint32_t openapi_max; /* operations in /openapi.json */
};

ein_handler deployments_deploy, deployments_undeploy, deployments_status; /* deploy.c */
ein_handler deployments_settings_get, deployments_settings_put;           /* settings.c */
ein_handler deployments_list;                                             /* list.c */
ein_handler deployments_call;                                             /* call.c */

/* Their impl is the plugin's. */
extern const struct ein_llm_provider deployments_provider;  /* provider.c */
extern const struct ein_openapi_source deployments_openapi; /* openapi.c */
