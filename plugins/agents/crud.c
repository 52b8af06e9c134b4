/* SPDX-License-Identifier: Apache-2.0 */
#include "agents.h"

#include "agent_doc.h"
#include "agent_document.h"
#include "agent_version.h"
#include "chain.h"
#include "cleanup.h"
#include "document.h"
#include "erase.h"
#include "http_json.h"
#include "member.h"
#include "ownership.h"
#include "save.h"
#include "secrets.h"
#include <stdbool.h>

int agents_check_texts(const struct agents *agents, struct ein_req *req, const json_t *body)
{
    const struct text_max texts[] = {
        { "code", "code", agents->code_max },
        { "name", "name", agents->name_max },
        { "friendlyName", "friendly name", agents->name_max },
        { "description", "description", agents->text_max },
        { "docstring", "docstring", agents->text_max },
    };

    return check_texts(agents->host->http, req, body, texts, sizeof(texts) / sizeof(texts[0]));
}

/* 0, or the status that was replied. */
static int reply_faults(const struct ein_http *http, struct ein_req *req, json_t *take_faults)
{
    EIN_JSON json_t *faults = take_faults;

    if (!faults)
        return EIN_E_NO_MEMORY;
    return json_array_size(faults) ? http->fail_json(req, 422, EIN_TAKE(faults)) : 0;
}

static int check_body(const struct agents *agents, struct ein_req *req, const json_t *body)
{
    int status = agents_check_texts(agents, req, body);

    return status ? status : reply_faults(agents->host->http, req, document_model_faults(body));
}

int agents_reply(const struct agents *agents, struct ein_req *req, int status, const json_t *agent,
                 const char *rev)
{
    json_t *shown = document_show(agent, rev);

    if (agent_version_tell(agents->host->http, req, agent) < 0) {
        json_decref(shown);
        return EIN_E_NO_MEMORY;
    }
    return shown ? reply_with_rev(agents->host->http, req, status, rev, shown) : EIN_E_NO_MEMORY;
}

int agents_create(struct ein_req *req, void *self)
{
    const struct agents *agents = self;
    const struct ein_host *host = agents->host;
    const json_t *body = host->http->body(req);
    EIN_JSON json_t *agent = NULL;
    struct ein_error err;
    char rev[EIN_REV_SIZE];
    int r = check_body(agents, req, body);

    if (r)
        return r;
    agent = document_new(body, host->http->identity(req)->uid);
    if (!agent)
        return EIN_E_NO_MEMORY;
    r = ownership_check_new(host->http, req, agent);
    if (r)
        return r;
    r = save_new(agents, agent, rev, &err);
    return r < 0 ? host->http->fail_error(req, &err) : agents_reply(agents, req, 201, agent, rev);
}

static json_t *show(const json_t *agent)
{
    return document_show(agent, NULL);
}

int agents_list(struct ein_req *req, void *self)
{
    const struct agents *agents = self;

    return reply_visible(agents->host, agents->ctx, req, AGENT_SET, show);
}

int agents_get(struct ein_req *req, void *self)
{
    const struct agents *agents = self;
    const struct ein_host *host = agents->host;
    EIN_JSON json_t *agent = NULL;
    struct ein_error err;
    int r =
        agent_get(host, agents->ctx, req, host->http->path_param(req, "agent_id"), &agent, &err);

    return r < 0 ? host->http->fail_error(req, &err)
                 : agents_reply(agents, req, 200, agent, doc_rev(agent));
}

static int try_update(struct ein_req *req, void *self, struct ein_error *err)
{
    const struct agents *agents = self;
    const struct ein_host *host = agents->host;
    const json_t *body = host->http->body(req);
    EIN_JSON json_t *agent = NULL;
    EIN_JSON json_t *merged = NULL;
    char rev[EIN_REV_SIZE];
    int r = agent_get(host, agents->ctx, req, host->http->path_param(req, "agent_id"), &agent, err);

    if (r < 0)
        return host->http->fail_error(req, err);
    bool moves = ownership_moves(agent, body);
    r = check_rev(host->http, req, doc_rev(agent));
    if (r == 0)
        r = reply_faults(host->http, req, document_null_faults(body));
    if (r == 0 && moves)
        r = ownership_check_move(host->http, req, agent, ownership_workspace(body));
    if (r)
        return r;
    merged = document_merge(agent, body);
    if (!merged)
        return EIN_E_NO_MEMORY;
    const struct save save = {
        .from = agent, .to = merged, .uid = host->http->identity(req)->uid, .moves = moves
    };
    r = save_over(agents, &save, rev, err);
    if (r == EIN_E_CONFLICT)
        return r;
    return r < 0 ? host->http->fail_error(req, err) : agents_reply(agents, req, 200, merged, rev);
}

int agents_update(struct ein_req *req, void *self)
{
    const struct agents *agents = self;
    const struct ein_http *http = agents->host->http;
    int r = check_body(agents, req, http->body(req));

    return r ? r : change_until_done(http, req, self, try_update);
}

static int erase_agent(void *self, const json_t *agent, struct ein_error *err)
{
    return save_none(self, agent, err);
}

static int erase(void *impl, const char *uid, uint64_t *ret_count, struct ein_error *err)
{
    static const struct erase_what what = { .set = AGENT_SET,
                                            .field = OWNER_INDEX,
                                            .one = erase_agent };
    const struct agents *agents = impl;
    int r;

    *ret_count = 0;
    r = erase_some(agents->host, agents->ctx, &what, impl, uid, ret_count, err);
    return r < 0 ? r : secrets_sweep(agents, err);
}

const struct ein_erasure agents_erasure = { .struct_size = sizeof(agents_erasure), .erase = erase };

static int try_delete(struct ein_req *req, void *self, struct ein_error *err)
{
    const struct agents *agents = self;
    const struct ein_host *host = agents->host;
    const char *id = host->http->path_param(req, "agent_id");
    EIN_JSON json_t *agent = NULL;
    int r = agent_get(host, agents->ctx, req, id, &agent, err);

    if (r == EIN_E_NOT_FOUND)
        return host->http->fail(req, 404, "Document '%s' not found for deletion.", id);
    if (r < 0)
        return host->http->fail_error(req, err);
    r = check_rev(host->http, req, doc_rev(agent));
    if (r)
        return r;
    r = save_none(agents, agent, err);
    if (r == EIN_E_CONFLICT || r == EIN_E_NOT_FOUND)
        return EIN_E_CONFLICT;
    if (r < 0)
        return host->http->fail_error(req, err);
    if (secrets_sweep(agents, err) < 0) /* the next deletion tries again */
        host->log_msg(agents->ctx, EIN_WARN, "secrets of deleted agents are still sealed: %s",
                      err->text);
    return host->http->reply(req, 204, NULL);
}

int agents_delete(struct ein_req *req, void *self)
{
    const struct agents *agents = self;

    return change_until_done(agents->host->http, req, self, try_delete);
}

struct chain_source {
    const struct agents *agents;
    const struct ein_req *req;
};

static int load_for_chain(void *data, const char *id, json_t **ret_agent, struct ein_error *err)
{
    const struct chain_source *source = data;

    return agent_get(source->agents->host, source->agents->ctx, source->req, id, ret_agent, err);
}

int agents_chain(struct ein_req *req, void *self)
{
    const struct agents *agents = self;
    const struct ein_http *http = agents->host->http;
    struct chain_source source = { agents, req };
    struct ein_error err;
    json_t *chain;

    if (chain_build(http->path_param(req, "agent_id"), load_for_chain, &source, &chain, &err) < 0)
        return http->fail_error(req, &err);
    return http->reply(req, 200, chain);
}
