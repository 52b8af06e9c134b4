/* SPDX-License-Identifier: Apache-2.0 */
#include "deployments.h"

#include "agent_doc.h"
#include "agent_version.h"
#include "cleanup.h"
#include "clock.h"
#include "disk_room.h"
#include "error.h"
#include "http_json.h"
#include "member.h"
#include "ownership.h"
#include "served.h"
#include <stdbool.h>
#include <string.h>

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

/* What is to be served. */
struct wanted {
    const char *name;
    const json_t *agent;   /* as it is now */
    const json_t *version; /* the one to serve; see agent_version.h */
};

/* The document of a deployment; SINCE NULL: it begins now.  NULL: no memory. */
static json_t *deployment_doc(const struct wanted *wanted, const char *since)
{
    char now[CLOCK_ISO_SIZE];

    clock_iso(now);
    return json_pack("{s:O, s:O, s:s, s:s, s:O, s:O}", "agentId",
                     json_object_get(wanted->agent, "_id"), "userId",
                     json_object_get(wanted->agent, "userId"), "createdAt", since ? since : now,
                     "deployedAt", now, "version", json_object_get(wanted->version, "version"),
                     "agent", json_object_get(wanted->version, "agent"));
}

/* Gives the name to the agent, if the agent is still what it was and the name still has what was
 * PRESENT there (NULL: nothing). */
static int write_deployment(const struct deployments *self, const struct wanted *wanted,
                            const json_t *present, struct ein_error *err)
{
    const json_t *agent = wanted->agent;
    bool again = json_equal(json_object_get(present, "agentId"), json_object_get(agent, "_id"));
    EIN_JSON json_t *doc = deployment_doc(wanted, again ? text_of(present, "createdAt") : NULL);
    struct ein_doc_op ops[] = {
        { .kind = EIN_DOC_CHECK,
          .set = AGENT_SET,
          .id = text_of(agent, "_id"),
          .expect = text_of(agent, "_rev") },
        { .kind = EIN_DOC_PUT,
          .set = DEPLOYMENT_SET,
          .id = wanted->name,
          .expect = present ? text_of(present, "_rev") : EIN_REV_NEW,
          .doc = doc },
    };
    if (!doc || ownership_set(doc, ownership_workspace(agent)) < 0)
        return error_no_memory(err);
    int r = disk_take_doc(self->host, self->ctx, text_of(doc, OWNER_INDEX), doc, present, err);
    return r < 0 ? r : self->host->store->batch(self->ctx, ops, 2, sizeof(ops[0]), err);
}

/* Does DEPLOYMENT serve what is wanted already? */
static bool serves(const json_t *deployment, const struct wanted *wanted)
{
    return json_is_object(json_object_get(deployment, "agent")) &&
           agent_version(deployment) == agent_version(wanted->version);
}

/* EIN_E_CONFLICT: the agent or the name has changed meanwhile. */
static int deploy_as(const struct deployments *self, struct ein_req *req,
                     const struct wanted *wanted, struct ein_error *err)
{
    const struct ein_http *http = self->host->http;
    const char *name = wanted->name;
    EIN_JSON json_t *present = NULL;
    bool orphan = false;
    int r = self->host->store->get(self->ctx, DEPLOYMENT_SET, name, &present, err);

    if (r < 0 && r != EIN_E_NOT_FOUND)
        return http->fail_error(req, err);
    bool own =
        json_equal(json_object_get(present, "agentId"), json_object_get(wanted->agent, "_id"));
    if (own && serves(present, wanted))
        return reply_deployed(http, req, "Agent is already deployed", name);
    if (present && !own) {
        r = is_orphan(self, present, &orphan, err);
        if (r < 0)
            return http->fail_error(req, err);
        if (!orphan)
            return http->fail(
                req, 409, "A deployment with the name '%s' already exists for a different agent.",
                name);
    }
    r = write_deployment(self, wanted, present, err);
    if (r == EIN_E_CONFLICT || r == EIN_E_NOT_FOUND)
        return EIN_E_CONFLICT;
    return r < 0 ? http->fail_error(req, err)
                 : reply_deployed(http, req, "Agent deployed successfully", name);
}

static int try_deploy(struct ein_req *req, void *data, struct ein_error *err)
{
    const struct deployments *self = data;
    const struct ein_http *http = self->host->http;
    const json_t *number = json_object_get(http->query(req), "version");
    EIN_JSON json_t *agent = NULL;
    EIN_JSON json_t *version = NULL;
    int r = agent_get(self->host, self->ctx, req, http->path_param(req, "agent_id"), &agent, err);

    if (r < 0)
        return http->fail_error(req, err);
    const char *name = text_of(agent, "friendlyName");
    const char *fault = name_fault(name);
    if (fault)
        return http->fail(req, 400, "%s", fault);
    r = agent_version_get(self->host, self->ctx, agent,
                          number ? json_integer_value(number) : agent_version(agent), &version,
                          err);
    if (r < 0)
        return http->fail_error(req, err);
    if (agent_version_tell(http, req, version) < 0)
        return EIN_E_NO_MEMORY;
    return deploy_as(self, req, &(struct wanted){ name, agent, version }, err);
}

int deployments_deploy(struct ein_req *req, void *self)
{
    const struct deployments *deployments = self;

    return change_until_done(deployments->host->http, req, self, try_deploy);
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

/* Of the deployments of an agent the one of its present name, or else its newest; NULL: none. */
static const json_t *choose(const json_t *agent, const json_t *own)
{
    const char *wanted = text_of(agent, "friendlyName");
    const json_t *chosen = NULL;
    size_t i;
    json_t *deployment;

    json_array_foreach(own, i, deployment)
    {
        chosen = deployment;
        if (wanted && strcmp(text_of(chosen, "_id"), wanted) == 0)
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

    const json_t *chosen = choose(agent, own);
    EIN_JSON json_t *served = chosen ? served_agent(chosen, agent) : NULL;
    if (chosen && (!served || agent_version_tell(host->http, req, served) < 0))
        return EIN_E_NO_MEMORY;
    json_t *body = chosen ? json_pack("{s:b, s:O}", "is_deployed", true, "friendly_name",
                                      json_object_get(chosen, "_id"))
                          : json_pack("{s:b}", "is_deployed", false);
    return body ? host->http->reply(req, 200, body) : EIN_E_NO_MEMORY;
}
