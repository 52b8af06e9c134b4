/* SPDX-License-Identifier: Apache-2.0 */
#include "agent_doc.h"

#include "cleanup.h"
#include "error.h"
#include "http_json.h"
#include <stdbool.h>
#include <string.h>

enum {
    ID_MAX = 512,  /* bytes that the store takes for one */
    TRIES_MAX = 10 /* while others deploy the same agent */
};

static int not_found(const char *set, const char *id, struct ein_error *err)
{
    return error_set(err, EIN_E_NOT_FOUND, "Document '%s' not found in '%s'", id ? id : "", set);
}

/* UID and ID may come from a damaged document, and be NULL. */
static int get_owned(const struct ein_host *host, struct ein_ctx *ctx, const char *set,
                     const char *uid, const char *id, json_t **ret_doc, struct ein_error *err)
{
    EIN_JSON json_t *doc = NULL;
    size_t len = id ? strlen(id) : 0;
    const char *owner;
    int r;

    if (!uid || len == 0 || len > ID_MAX)
        return not_found(set, id, err);
    r = host->store->get(ctx, set, id, &doc, err);
    if (r < 0)
        return r;
    owner = json_string_value(json_object_get(doc, "userId"));
    if (!owner || strcmp(owner, uid) != 0)
        return not_found(set, id, err);
    *ret_doc = EIN_TAKE(doc);
    return 0;
}

int agent_get(const struct ein_host *host, struct ein_ctx *ctx, const char *uid, const char *id,
              json_t **ret_agent, struct ein_error *err)
{
    return get_owned(host, ctx, AGENT_SET, uid, id, ret_agent, err);
}

int deployment_get(const struct ein_host *host, struct ein_ctx *ctx, const char *uid,
                   const char *name, json_t **ret_deployment, struct ein_error *err)
{
    return get_owned(host, ctx, DEPLOYMENT_SET, uid, name, ret_deployment, err);
}

int deployments_of(const struct ein_host *host, struct ein_ctx *ctx, const char *uid,
                   const char *agent_id, json_t **ret_deployments, struct ein_error *err)
{
    EIN_JSON json_t *where = json_pack("{s:s, s:s}", "agentId", agent_id, "userId", uid);
    const struct ein_query query = { .struct_size = sizeof(query), .where = where };

    if (!where)
        return error_set(err, EIN_E_NO_MEMORY, "out of memory");
    return find_docs(host, ctx, DEPLOYMENT_SET, &query, ret_deployments, NULL, err);
}

static int remove_batch(const struct ein_host *host, struct ein_ctx *ctx, const json_t *deployments,
                        const struct ein_doc_op *also, struct ein_error *err)
{
    size_t count = json_array_size(deployments);
    EIN_FREE struct ein_doc_op *ops = calloc(count + 1, sizeof(*ops));

    if (!ops)
        return error_set(err, EIN_E_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++) {
        const json_t *deployment = json_array_get(deployments, i);

        ops[i] = (struct ein_doc_op){
            .kind = EIN_DOC_DELETE,
            .set = DEPLOYMENT_SET,
            .id = json_string_value(json_object_get(deployment, "_id")),
            .expect = json_string_value(json_object_get(deployment, "_rev")),
        };
    }
    if (also)
        ops[count++] = *also;
    return count ? host->store->batch(ctx, ops, count, sizeof(*ops), err) : 0;
}

/* A failed batch does not say which of its operations failed.  If the deployments are what they
 * were, it was `also`; else they have changed meanwhile, and it is worth another try. */
int deployments_remove(const struct ein_host *host, struct ein_ctx *ctx, const char *uid,
                       const char *agent_id, const struct ein_doc_op *also, struct ein_error *err)
{
    EIN_JSON json_t *before = NULL;
    int r = deployments_of(host, ctx, uid, agent_id, &before, err);

    for (int tries = 0; r >= 0 && tries < TRIES_MAX; tries++) {
        json_t *now = NULL;

        r = remove_batch(host, ctx, before, also, err);
        bool raced = r == EIN_E_CONFLICT || r == EIN_E_NOT_FOUND;
        if (r < 0 && !raced)
            return r;
        int found = deployments_of(host, ctx, uid, agent_id, &now, err);
        if (found < 0)
            return found;
        bool same = json_equal(before, now);
        json_decref(before);
        before = now;

        if (raced && same)
            return r;
        if (!raced) {
            /* One that was deployed between the look and the batch goes now. */
            if (json_array_size(now) == 0)
                return 0;
            also = NULL;
        }
        r = 0;
    }
    return r < 0 ? r : error_set(err, EIN_E_BUSY, "The deployments of this agent keep changing.");
}
