/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVED_H
#define SERVED_H

#include "deployments.h"
#include <jansson.h>

/* What DEPLOYMENT serves of AGENT, its agent: what that was when it was deployed, and whose it is
 * now.  One that was deployed by a server that kept no versions is served as it is.  NULL: no
 * memory. */
json_t *served_agent(const json_t *deployment, const json_t *agent);

#endif
