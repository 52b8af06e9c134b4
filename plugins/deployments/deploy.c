/* SPDX-License-Identifier: Apache-2.0 */
#include "deployments.h"

#include "agent_doc.h"
#include "cleanup.h"
#include "error.h"
#include "ownership.h"
#include "timestamps.h"
#include <stdbool.h>
#include <string.h>

enum { TRIES_MAX = 10 /* of a write that others get ahead of */ };

static const char *text_of(const json_t *doc, const char *member)
{
    return json_string_value(json_object_get(doc, member));
}

/* What keeps NAME (may be NULL) from being a path, or NULL. */
static const char *name_fault(const char *name)
{
    if (!name || !*name)
        return "Agent must have a friendly_name to be deployed.";
    if (strlen(name) > NAME_MAX_BYTES)
        return "A friendly_name of more than 200 bytes cannot be deployed.";
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return "A friendly_name with control characters cannot be deployed.";
    return NULL;
}

static int reply_deployed(const struct ein_http *http, struct ein_req *req, const char *message,
                          const char *name)
{
    EIN_JSON json_t *endpoint = json_sprintf("/rest/%s", name);
    json_t *body = json_pack("{s:s, s:O}", "message", message, "endpoint", endpoint);

    return body ? http->reply(req, 201, body) : EIN_E_NO_MEMORY;
}

/* Is DEPLOYMENT left over from an agent that is no more? */
static int is_orphan(const struct deployments *self, const json_t *deployment, bool *ret_orphan,
                     struct ein_error *err)
{
    const char *agent_id = text_of(deployment, "agentId");
    EIN_JSON json_t *agent = NULL;
    int r = agent_id ? self->host->store->get(self->ctx, AGENT_SET, agent_id, &agent, err)
                     : EIN_E_NOT_FOUND;

    if (r < 0 && r != EIN_E_NOT_FOUND)
        return r;
    *ret_orphan = r == EIN_E_NOT_FOUND;
    return 0;
}

/* Gives NAME to AGENT, if AGENT is still what it was and NAME still has the revision EXPECT. */
static int write_deployment(const struct deployments *self, const json_t *agent, const char *name,
                            const char *expect, struct ein_error *err)
{
    char now[TIMESTAMP_SIZE];
    const char *agent_id = text_of(agent, "_id");

    timestamp_now(now);
    EIN_JSON json_t *doc = json_pack("{s:s, s:O, s:s}", "agentId", agent_id, "userId",
                                     json_object_get(agent, "userId"), "createdAt", now);
    struct ein_doc_op ops[] = {
        { .kind = EIN_DOC_CHECK,
          .set = AGENT_SET,
          .id = agent_id,
          .expect = text_of(agent, "_rev") },
        { .kind = EIN_DOC_PUT, .set = DEPLOYMENT_SET, .id = name, .expect = expect, .doc = doc },
    };
    if (!doc || ownership_set(doc, ownership_workspace(agent)) < 0)
        return error_set(err, EIN_E_NO_MEMORY, "out of memory");
    return self->host->store->batch(self->ctx, ops, 2, sizeof(ops[0]), err);
}

/* EIN_E_CONFLICT: the agent or the name has changed meanwhile. */
static int deploy_as(const struct deployments *self, struct ein_req *req, const json_t *agent,
                     const char *name, struct ein_error *err)
{
    const struct ein_http *http = self->host->http;
    EIN_JSON json_t *present = NULL;
    const char *expect = EIN_REV_NEW;
    bool orphan = false;
    int r = self->host->store->get(self->ctx, DEPLOYMENT_SET, name, &present, err);

    if (r < 0 && r != EIN_E_NOT_FOUND)
        return http->fail_error(req, err);
    if (present && json_equal(json_object_get(present, "agentId"), json_object_get(agent, "_id")))
        return reply_deployed(http, req, "Agent is already deployed", name);
    if (present) {
        r = is_orphan(self, present, &orphan, err);
        if (r < 0)
            return http->fail_error(req, err);
        if (!orphan)
            return http->fail(
                req, 409, "A deployment with the name '%s' already exists for a different agent.",
                name);
        expect = text_of(present, "_rev");
    }
    r = write_deployment(self, agent, name, expect, err);
    if (r == EIN_E_CONFLICT || r == EIN_E_NOT_FOUND)
        return EIN_E_CONFLICT;
    return r < 0 ? http->fail_error(req, err)
                 : reply_deployed(http, req, "Agent deployed successfully", name);
}

static int try_deploy(const struct deployments *self, struct ein_req *req, struct ein_error *err)
{
    const struct ein_http *http = self->host->http;
    EIN_JSON json_t *agent = NULL;
    int r = agent_get(self->host, self->ctx, req, http->path_param(req, "agent_id"), &agent, err);

    if (r < 0)
        return http->fail_error(req, err);
    const char *name = text_of(agent, "friendlyName");
    const char *fault = name_fault(name);
    if (fault)
        return http->fail(req, 400, "%s", fault);
    return deploy_as(self, req, agent, name, err);
}

int deployments_deploy(struct ein_req *req, void *self)
{
    const struct deployments *deployments = self;
    struct ein_error err;
    int r = EIN_E_CONFLICT;

    for (int tries = 0; r == EIN_E_CONFLICT && tries < TRIES_MAX; tries++)
        r = try_deploy(deployments, req, &err);
    return r == EIN_E_CONFLICT ? deployments->host->http->fail_error(req, &err) : r;
}

int deployments_undeploy(struct ein_req *req, void *self)
{
    const struct deployments *deployments = self;
    const struct ein_host *host = deployments->host;
    const char *id = host->http->path_param(req, "agent_id");
    EIN_JSON json_t *agent = NULL;
    struct ein_error err;
    int r = agent_get(host, deployments->ctx, req, id, &agent, &err);

    if (r >= 0)
        r = deployments_remove(host, deployments->ctx, id, NULL, 0, &err);
    if (r == EIN_E_NOT_FOUND) /* nothing that the caller knows of is deployed now */
        r = 0;
    return r < 0 ? host->http->fail_error(req, &err) : host->http->reply(req, 204, NULL);
}

/* The name that an agent serves under: its present one if that is deployed, else its newest. */
static const char *choose_name(const json_t *agent, const json_t *own)
{
    const char *wanted = text_of(agent, "friendlyName");
    const char *chosen = NULL;
    size_t i;
    json_t *deployment;

    json_array_foreach(own, i, deployment)
    {
        chosen = text_of(deployment, "_id");
        if (wanted && strcmp(chosen, wanted) == 0)
            break;
    }
    return chosen;
}

int deployments_status(struct ein_req *req, void *self)
{
    const struct deployments *deployments = self;
    const struct ein_host *host = deployments->host;
    const char *id = host->http->path_param(req, "agent_id");
    EIN_JSON json_t *agent = NULL;
    EIN_JSON json_t *own = NULL;
    struct ein_error err;
    int r = agent_get(host, deployments->ctx, req, id, &agent, &err);

    if (r >= 0)
        r = deployments_of(host, deployments->ctx, id, &own, &err);
    if (r < 0)
        return host->http->fail_error(req, &err);

    const char *name = choose_name(agent, own);
    json_t *body = name ? json_pack("{s:b, s:s}", "is_deployed", true, "friendly_name", name)
                        : json_pack("{s:b}", "is_deployed", false);
    return body ? host->http->reply(req, 200, body) : EIN_E_NO_MEMORY;
}
