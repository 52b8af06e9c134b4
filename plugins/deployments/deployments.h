/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEPLOYMENTS_H
#define DEPLOYMENTS_H

#include <einion/services.h>
#include <stdint.h>

enum { NAME_MAX_BYTES = 200 }; /* of a friendly name that becomes a path */

/* One instance of the plugin: the `self` of its routes.  const after init. */
struct deployments {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    int64_t once_kept_ms, once_running_ms; /* see once.h */
};

ein_handler deployments_deploy, deployments_undeploy, deployments_status; /* deploy.c */
ein_handler deployments_list;                                             /* list.c */
ein_handler deployments_call;                                             /* call.c */

extern const struct ein_llm_provider
    deployments_provider; /* provider.c; its impl is the plugin's */

#endif
