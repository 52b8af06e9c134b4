/* SPDX-License-Identifier: Apache-2.0 */
#include "mcp_version.h"

#include <stddef.h>
#include <string.h>

bool mcp_is_legacy(const char *version)
{
    static const char *const legacy[] = { MCP_LEGACY_LATEST, "2025-06-18", "2025-03-26",
                                          "2024-11-05" };

    for (size_t i = 0; version && i < sizeof(legacy) / sizeof(legacy[0]); i++) {
        if (strcmp(version, legacy[i]) == 0)
            return true;
    }
    return false;
}

json_t *mcp_notification(const char *method, json_t *take_params)
{
    return json_pack("{s:s, s:s, s:o*}", "jsonrpc", "2.0", "method", method, "params", take_params);
}
