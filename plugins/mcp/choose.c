/* SPDX-License-Identifier: Apache-2.0 */
/* What a server speaks: the newest first, then what came before it. */
#include "error.h"
#include "exchange.h"

#include <string.h>

static int learn(struct talk *talk, enum peer_era era)
{
    memset(&talk->state, 0, sizeof(talk->state));
    talk->state.era = era;
    peers_set(&talk->mcp->peers, talk->key, &talk->state);
    return 0;
}

/* Does it say that it speaks, of 2026-07-28's way, only versions from before? */
static bool names_legacy(const json_t *message)
{
    const json_t *data = json_object_get(json_object_get(message, "error"), "data");
    const json_t *version;
    size_t i;

    json_array_foreach(json_object_get(data, "supported"), i, version)
    {
        if (mcp_is_legacy(json_string_value(version)))
            return true;
    }
    return false;
}

static int unsupported(const struct exchange *probe, struct ein_error *err)
{
    const json_t *data = json_object_get(json_object_get(probe->message, "error"), "data");

    return wire_unknown_version(
        json_string_value(json_array_get(json_object_get(data, "supported"), 0)), err);
}

/* Servers of 2025 say 404 and 405 for what they do not have, and 400, or worse, for what they do
 * not understand. */
static bool may_be_older(int status)
{
    return status >= 400 && status != 401 && status != 403 && status != 408 && status != 429 &&
           status < 500;
}

/* 1: it is older, or something else. */
static int judge(struct talk *talk, const struct exchange *probe, struct ein_error *err)
{
    json_int_t code = wire_code(probe->message);
    bool good = probe->status >= 200 && probe->status < 300;

    if (code == MCP_UNSUPPORTED_VERSION && !names_legacy(probe->message))
        return unsupported(probe, err);
    if (code == MCP_UNSUPPORTED_VERSION)
        return 1;
    if (good && json_object_get(probe->message, "result"))
        return learn(talk, PEER_MODERN);
    if (code == MCP_HEADER_MISMATCH || code == MCP_MISSING_CAPABILITY ||
        (code == MCP_UNKNOWN_METHOD && probe->status == 404))
        return learn(talk, PEER_MODERN);
    if (may_be_older(probe->status) || (good && probe->message))
        return 1;
    return exchange_refused(probe, err);
}

static int probe_modern(struct talk *talk, struct ein_error *err)
{
    const struct mcp_request request = { .method = "tools/list" };
    EIN_VENDOR_HEADERS struct vendor_headers headers = { .count = 0 };
    struct exchange probe = { .talk = talk, .id = atomic_fetch_add(&talk->mcp->next_id, 1) };
    EIN_JSON json_t *message = mcp_message(talk, &request, probe.id, true);
    int r;

    if (!message)
        return error_no_memory(err);
    r = exchange_headers(talk, &headers, request.method, NULL, err);
    if (r == 0)
        r = exchange_run(&probe, NULL, &headers, message, err);
    if (r == 0)
        r = judge(talk, &probe, err);
    exchange_done(&probe);
    return r;
}

int choose(struct talk *talk, struct ein_error *err)
{
    int status = 0;
    int r;

    if (talk->state.era != PEER_UNKNOWN)
        return 0;
    r = probe_modern(talk, err);
    if (r <= 0)
        return r;
    talk->state.era = PEER_LEGACY;
    r = legacy_open(talk, &status, err);
    if (r == 0 || (status != 400 && status != 404 && status != 405))
        return r;
    /* A server that is none is found out when it is asked, and forgotten. */
    return learn(talk, PEER_OLD_SSE);
}
