/* SPDX-License-Identifier: Apache-2.0 */
#include "agent_version.h"

#include "cleanup.h"
#include "error.h"
#include "member.h"
#include <inttypes.h>
#include <stdio.h>

enum { VERSION_ID_SIZE = 600 /* an agent's id, a colon and a number */ };

/* Members of an agent that are no part of what it does. */
static const char *const outer[] = { "_id",   "_rev",        "createdAt", "updatedAt",
                                     "owner", "workspaceId", "userId",    "version" };
enum { OUTER = sizeof(outer) / sizeof(outer[0]) };

int64_t agent_version(const json_t *agent)
{
    int64_t version = integer_of(agent, "version");

    return version > 0 ? version : 1;
}

json_t *agent_content(const json_t *agent)
{
    json_t *content = json_copy((json_t *)agent);

    for (size_t i = 0; content && i < OUTER; i++)
        (void)json_object_del(content, outer[i]); /* it may not be there */
    return content;
}

json_t *agent_with_content(const json_t *agent, const json_t *content, int64_t version)
{
    EIN_JSON json_t *whole = json_copy((json_t *)content);

    if (!whole)
        return NULL;
    for (size_t i = 0; i < OUTER; i++) {
        json_t *value = json_object_get(agent, outer[i]);

        if (value && json_object_set(whole, outer[i], value) < 0)
            return NULL;
    }
    return json_object_set_new(whole, "version", json_integer(version)) < 0 ? NULL
                                                                            : EIN_TAKE(whole);
}

json_t *agent_version_new(const json_t *agent, const char *uid, int64_t restored_from)
{
    json_t *from = restored_from ? json_integer(restored_from) : json_null();

    return json_pack("{s:O, s:I, s:O, s:s?, s:o, s:o}", "agentId", json_object_get(agent, "_id"),
                     "version", (json_int_t)agent_version(agent), "createdAt",
                     json_object_get(agent, "updatedAt"), "createdBy", uid, "restoredFrom", from,
                     "agent", agent_content(agent));
}

int agent_version_get(const struct ein_host *host, struct ein_ctx *ctx, const json_t *agent,
                      int64_t number, json_t **ret_version, struct ein_error *err)
{
    const char *agent_id = text_of(agent, "_id");
    char id[VERSION_ID_SIZE];
    int r = EIN_E_NOT_FOUND;

    (void)snprintf(id, sizeof(id), "%s:%" PRId64, agent_id, number);
    if (number > 0)
        r = host->store->get(ctx, VERSION_SET, id, ret_version, err);
    if (r != EIN_E_NOT_FOUND)
        return r;
    if (number != agent_version(agent))
        return error_set(err, r, "Agent '%s' has no version %" PRId64 ", or no longer", agent_id,
                         number);
    /* Nothing was saved since it was made by a server that kept no versions. */
    *ret_version = agent_version_new(agent, text_of(agent, "userId"), 0);
    return *ret_version ? 0 : error_no_memory(err);
}

int agent_version_tell(const struct ein_http *http, struct ein_req *req, const json_t *agent)
{
    char number[24];

    (void)snprintf(number, sizeof(number), "%" PRId64, agent_version(agent));
    return http->set_header(req, "X-Einion-Agent-Version", number);
}
