/* SPDX-License-Identifier: Apache-2.0 */
/* POST /mcp/tools. */
#include "mcp.h"
#include "member.h"

#include <string.h>

/* Clients of old read `description` as a text; the rest is as the server says. */
static json_t *shown(const json_t *tool)
{
    json_t *copy = json_copy((json_t *)tool);

    if (copy && !json_is_string(json_object_get(copy, "description")) &&
        json_object_set_new(copy, "description", json_string("")) < 0) {
        json_decref(copy);
        return NULL;
    }
    return copy;
}

static json_t *shown_all(const json_t *tools)
{
    json_t *all = json_array();
    const json_t *tool;
    size_t i;

    json_array_foreach(tools, i, tool)
    {
        if (json_array_append_new(all, shown(tool)) < 0) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

/* What a server says of our token is no word of ours on the caller's. */
static int fail(const struct mcp *mcp, struct ein_req *req, const struct ein_error *err)
{
    switch (err->code) {
    case EIN_E_INVALID:
        if (!strncmp(err->text, "Invalid MCP server URL", 22))
            return mcp->host->http->fail(req, 400, "%s", err->text);
        break;
    case EIN_E_CANCELLED:
    case EIN_E_NO_MEMORY:
        return mcp->host->http->fail_error(req, err);
    default:
        break;
    }
    return mcp->host->http->fail(req, 502, "Error listing the tools of the MCP server: %s",
                                 err->text);
}

int mcp_tools_post(struct ein_req *req, void *self)
{
    struct mcp *mcp = self;
    const struct ein_http *http = mcp->host->http;
    const json_t *body = http->body(req);
    const char *url = text_of(body, "mcp_url");
    const struct ein_mcp_call call = {
        .struct_size = sizeof(call),
        .total_ms = http->left_ms(req),
        .url = url,
        .token = text_of(body, "auth_token"),
        .user_id = http->identity(req)->uid,
        .egress = EIN_EGRESS_PUBLIC,
        .cancel = http->cancel(req),
    };
    EIN_JSON json_t *tools = NULL;
    struct ein_error err = { 0 };

    if (mcp_list_tools(mcp, &call, &tools, &err) < 0)
        return fail(mcp, req, &err);
    return http->reply(req, 200,
                       json_pack("{s:s, s:o}", "mcp_url", url, "tools", shown_all(tools)));
}
