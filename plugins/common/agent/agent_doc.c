/* SPDX-License-Identifier: Apache-2.0 */
#include "agent_doc.h"

#include "cleanup.h"
#include "disk_room.h"
#include "document.h"
#include "error.h"
#include "http_json.h"
#include "member.h"
#include <stdbool.h>

enum { TRIES_MAX = 10 /* while others deploy the same agent */ };

int agent_get(const struct ein_host *host, struct ein_ctx *ctx, const struct ein_req *req,
              const char *id, json_t **ret_agent, struct ein_error *err)
{
    return get_visible(host, ctx, req, AGENT_SET, id, ret_agent, err);
}

int agent_find(const struct ein_host *host, struct ein_ctx *ctx, const json_t *visible,
               const char *id, json_t **ret_agent, struct ein_error *err)
{
    EIN_JSON json_t *where = json_copy((json_t *)visible);
    EIN_JSON json_t *found = NULL;
    const struct ein_query query = { .struct_size = sizeof(query), .where = where, .limit = 1 };
    int r;

    if (!id)
        return doc_not_found(AGENT_SET, id, err);
    if (!where || json_object_set_new(where, "_id", json_string(id)) < 0)
        return error_no_memory(err);
    r = find_docs(host, ctx, AGENT_SET, &query, &found, NULL, err);
    if (r < 0)
        return r;
    if (json_array_size(found) == 0)
        return doc_not_found(AGENT_SET, id, err);
    *ret_agent = json_incref(json_array_get(found, 0));
    return 0;
}

int deployment_get(const struct ein_host *host, struct ein_ctx *ctx, const char *name,
                   json_t **ret_deployment, struct ein_error *err)
{
    return doc_is_id(name) ? host->store->get(ctx, DEPLOYMENT_SET, name, ret_deployment, err)
                           : doc_not_found(DEPLOYMENT_SET, name, err);
}

int deployments_of(const struct ein_host *host, struct ein_ctx *ctx, const char *agent_id,
                   json_t **ret_deployments, struct ein_error *err)
{
    EIN_JSON json_t *where = json_pack("{s:s}", "agentId", agent_id);
    const struct ein_query query = { .struct_size = sizeof(query), .where = where };

    if (!where)
        return error_no_memory(err);
    return find_docs(host, ctx, DEPLOYMENT_SET, &query, ret_deployments, NULL, err);
}

/* What is to become of an agent's deployments. */
struct change {
    const char *agent_id;
    const json_t *agent; /* they get its owner; NULL: they are deleted */
};

/* What is done with it, all or nothing. */
struct also {
    struct ein_doc_op *ops;
    size_t count;
};

static const char *const owner_members[] = { "userId", "workspaceId", "owner" };
enum { OWNER_MEMBERS = sizeof(owner_members) / sizeof(owner_members[0]) };

static bool is_done(const struct change *change, const json_t *deployment)
{
    for (size_t i = 0; i < OWNER_MEMBERS; i++) {
        const json_t *has = json_object_get(deployment, owner_members[i]);
        const json_t *gets = json_object_get(change->agent, owner_members[i]);

        if (!change->agent || (has != gets && !json_equal(has, gets)))
            return false;
    }
    return true;
}

static bool are_done(const struct change *change, const json_t *deployments)
{
    size_t i;
    json_t *deployment;

    json_array_foreach(deployments, i, deployment)
    {
        if (!is_done(change, deployment))
            return false;
    }
    return true;
}

/* DEPLOYMENT with the owner of the agent.  NULL: no memory. */
static json_t *with_owner(const json_t *deployment, const json_t *agent)
{
    EIN_JSON json_t *changed = json_copy((json_t *)deployment);

    for (size_t i = 0; i < OWNER_MEMBERS; i++) {
        json_t *value = json_object_get(agent, owner_members[i]);

        if (!value)
            (void)json_object_del(changed, owner_members[i]); /* it may not be there */
        else if (json_object_set(changed, owner_members[i], value) < 0)
            return NULL;
    }
    return EIN_TAKE(changed);
}

/* DOCS keeps what the operations point to. */
static int add_ops(const struct change *change, const json_t *deployments, json_t *docs,
                   struct ein_doc_op *ops, size_t *ret_count)
{
    size_t i;
    json_t *deployment;

    *ret_count = 0;
    json_array_foreach(deployments, i, deployment)
    {
        struct ein_doc_op *op = &ops[*ret_count];

        if (is_done(change, deployment))
            continue;
        *op = (struct ein_doc_op){
            .kind = change->agent ? EIN_DOC_PUT : EIN_DOC_DELETE,
            .set = DEPLOYMENT_SET,
            .id = text_of(deployment, "_id"),
            .expect = text_of(deployment, "_rev"),
        };
        if (change->agent) {
            json_t *doc = with_owner(deployment, change->agent);

            if (json_array_append_new(docs, doc) < 0)
                return EIN_E_NO_MEMORY;
            op->doc = doc;
        }
        ++*ret_count;
    }
    return 0;
}

static int change_batch(const struct ein_host *host, struct ein_ctx *ctx,
                        const struct change *change, const json_t *deployments, struct also also,
                        struct ein_error *err)
{
    EIN_FREE struct ein_doc_op *ops =
        calloc(json_array_size(deployments) + also.count + 1, sizeof(*ops));
    EIN_JSON json_t *docs = json_array();
    size_t count;
    int r;

    if (!ops || !docs || add_ops(change, deployments, docs, ops, &count) < 0)
        return error_no_memory(err);
    for (size_t i = 0; i < also.count; i++)
        ops[count + i] = also.ops[i];
    if (count + also.count == 0)
        return 0;
    r = host->store->batch(ctx, ops, count + also.count, sizeof(*ops), err);
    for (size_t i = 0; i < also.count; i++)
        also.ops[i] = ops[count + i]; /* with its new revision */
    for (size_t i = 0; r >= 0 && !change->agent && i < json_array_size(deployments); i++) {
        const json_t *gone = json_array_get(deployments, i);

        disk_give_doc(host, ctx, text_of(gone, "owner"), gone);
    }
    return r;
}

/* A failed batch does not say which of its operations failed.  If the deployments are what they
 * were, it was `also`; else they have changed meanwhile, and it is worth another try. */
static int change_all(const struct ein_host *host, struct ein_ctx *ctx, const struct change *change,
                      struct also also, struct ein_error *err)
{
    EIN_JSON json_t *before = NULL;
    int r = deployments_of(host, ctx, change->agent_id, &before, err);

    for (int tries = 0; r >= 0 && tries < TRIES_MAX; tries++) {
        json_t *now = NULL;

        r = change_batch(host, ctx, change, before, also, err);
        bool raced = r == EIN_E_CONFLICT || r == EIN_E_NOT_FOUND;
        if (r < 0 && !raced)
            return r;
        int found = deployments_of(host, ctx, change->agent_id, &now, err);
        if (found < 0)
            return found;
        bool same = json_equal(before, now);
        json_decref(before);
        before = now;

        if (raced && same)
            return r;
        if (!raced) {
            /* One that was deployed between the look and the batch goes the same way now. */
            if (are_done(change, now))
                return 0;
            also.count = 0;
        }
        r = 0;
    }
    return r < 0 ? r : error_set(err, EIN_E_BUSY, "The deployments of this agent keep changing.");
}

int deployments_remove(const struct ein_host *host, struct ein_ctx *ctx, const char *agent_id,
                       struct ein_doc_op *also, size_t count, struct ein_error *err)
{
    const struct change change = { .agent_id = agent_id };

    return change_all(host, ctx, &change, (struct also){ also, count }, err);
}

int deployments_move(const struct ein_host *host, struct ein_ctx *ctx, const json_t *agent,
                     struct ein_doc_op *also, size_t count, struct ein_error *err)
{
    const struct change change = { text_of(agent, "_id"), agent };

    return change_all(host, ctx, &change, (struct also){ also, count }, err);
}
