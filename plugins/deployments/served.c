/* SPDX-License-Identifier: Apache-2.0 */
#include "served.h"

#include "agent_version.h"

json_t *served_agent(const json_t *deployment, const json_t *agent)
{
    const json_t *content = json_object_get(deployment, "agent");

    return json_is_object(content) ? agent_with_content(agent, content, agent_version(deployment))
                                   : json_incref((json_t *)agent);
}
