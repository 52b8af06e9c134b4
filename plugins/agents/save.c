/* SPDX-License-Identifier: Apache-2.0 */
#include "save.h"

#include "agent_doc.h"
#include "agent_secret.h"
#include "agent_version.h"
#include "cleanup.h"
#include "disk_room.h"
#include "error.h"
#include "http_json.h"
#include "member.h"
#include "secrets.h"
#include "served.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { VERSION_ID_SIZE = 600 /* an agent's id, a colon and a number */ };

/* The write of AGENT's present version, whose document is DOC. */
static struct ein_doc_op version_op(const json_t *agent, const json_t *doc,
                                    char id[VERSION_ID_SIZE])
{
    (void)snprintf(id, VERSION_ID_SIZE, "%s:%" PRId64, text_of(agent, "_id"), agent_version(agent));
    return (struct ein_doc_op){ .kind = EIN_DOC_PUT, .set = VERSION_SET, .id = id, .doc = doc };
}

static struct ein_doc_op agent_op(const json_t *agent, const char *expect)
{
    return (struct ein_doc_op){ .kind = EIN_DOC_PUT,
                                .set = AGENT_SET,
                                .id = text_of(agent, "_id"),
                                .expect = expect,
                                .doc = agent };
}

/* Room for AGENT in place of OLD (may be NULL), and for VERSION of it. */
static int take_room(const struct agents *agents, const json_t *agent, const json_t *old,
                     const json_t *version, struct ein_error *err)
{
    const struct ein_host *host = agents->host;
    const char *owner = text_of(agent, "owner"), *saver = text_of(version, "createdBy");
    int r = disk_take_doc(host, agents->ctx, owner, agent, old, err);

    return r < 0 || !saver ? r : disk_take_doc(host, agents->ctx, saver, version, NULL, err);
}

int save_new(const struct agents *agents, json_t *agent, char ret_rev[EIN_REV_SIZE],
             struct ein_error *err)
{
    char id[VERSION_ID_SIZE];
    int r;

    if (json_object_set_new(agent, "version", json_integer(1)) < 0)
        return error_no_memory(err);
    EIN_JSON json_t *version = agent_version_new(agent, text_of(agent, "userId"), 0);
    if (!version)
        return error_no_memory(err);
    struct ein_doc_op ops[] = { agent_op(agent, EIN_REV_NEW), version_op(agent, version, id) };
    r = take_room(agents, agent, NULL, version, err);
    if (r < 0)
        return r;
    r = agents->host->store->batch(agents->ctx, ops, 2, sizeof(ops[0]), err);
    memcpy(ret_rev, ops[0].ret_rev, EIN_REV_SIZE);
    return r;
}

/* ---- versions of one agent ---- */

/* The ids of AGENT's versions up to NEWEST, oldest first. */
static int version_ids(const struct agents *agents, const json_t *agent, int64_t newest,
                       json_t **ret_ids, struct ein_error *err)
{
    static const char *const order[] = { "version", NULL };
    EIN_JSON json_t *where = json_pack("{s:O, s:{s:I}}", "agentId", json_object_get(agent, "_id"),
                                       "version", "$lte", (json_int_t)newest);
    EIN_JSON json_t *ids = json_array();
    const struct ein_query query = {
        .struct_size = sizeof(query), .where = where, .order = order, .fields = ids_only
    };
    int r;

    if (!where || !ids)
        return error_no_memory(err);
    r = agents->host->store->find(agents->ctx, VERSION_SET, &query, append_id, ids, NULL, err);
    if (r == 0)
        *ret_ids = EIN_TAKE(ids);
    return r;
}

/* What is not dropped now goes with the next save. */
static void drop_old(const struct agents *agents, const json_t *agent)
{
    const struct ein_host *host = agents->host;
    int64_t newest = agent_version(agent) - agents->versions_max;
    EIN_JSON json_t *ids = NULL;
    struct ein_error err;
    size_t i;
    json_t *id;
    int r = newest > 0 ? version_ids(agents, agent, newest, &ids, &err) : 0;

    json_array_foreach(ids, i, id)
    {
        if (r >= 0)
            r = host->store->del(agents->ctx, VERSION_SET, json_string_value(id), EIN_REV_ANY,
                                 &err);
        if (r == EIN_E_NOT_FOUND) /* another save was faster */
            r = 0;
    }
    if (r < 0)
        host->log_msg(agents->ctx, EIN_WARN, "old versions of agent %s are still there: %s",
                      text_of(agent, "_id"), err.text);
}

/* ---- changes ---- */

int save_over(const struct agents *agents, const struct save *save, char ret_rev[EIN_REV_SIZE],
              struct ein_error *err)
{
    const struct ein_host *host = agents->host;
    bool is_first = !json_object_get(save->from, "version"); /* what it was is kept now */
    char id[VERSION_ID_SIZE], first_id[VERSION_ID_SIZE];
    size_t count = is_first ? 3 : 2;
    int r;

    if (json_object_set_new(save->to, "version", json_integer(agent_version(save->from) + 1)) < 0)
        return error_no_memory(err);
    EIN_JSON json_t *first = agent_version_new(save->from, text_of(save->from, "userId"), 0);
    EIN_JSON json_t *version = agent_version_new(save->to, save->uid, save->restores);
    if (!first || !version)
        return error_no_memory(err);
    struct ein_doc_op ops[] = { agent_op(save->to, text_of(save->from, "_rev")),
                                version_op(save->to, version, id),
                                version_op(save->from, first, first_id) };
    r = take_room(agents, save->to, save->moves ? NULL : save->from, version, err);
    if (r < 0)
        return r;
    r = save->moves ? deployments_move(host, agents->ctx, save->to, ops, count, err)
                    : host->store->batch(agents->ctx, ops, count, sizeof(ops[0]), err);
    if (r < 0)
        return r;
    memcpy(ret_rev, ops[0].ret_rev, EIN_REV_SIZE);
    drop_old(agents, save->to);
    return 0;
}

/* A write of DOC, which is kept of the agent ID in SET; where it is NULL, that there is still none.
 */
static struct ein_doc_op beside_op(int32_t kind, const char *set, const char *id, const json_t *doc)
{
    return (struct ein_doc_op){ .kind = doc ? kind : EIN_DOC_CHECK,
                                .set = set,
                                .id = id,
                                .expect = doc ? text_of(doc, "_rev") : EIN_REV_NEW,
                                .doc = doc };
}

int save_none(const struct agents *agents, const json_t *agent, struct ein_error *err)
{
    const struct ein_host *host = agents->host;
    const char *agent_id = text_of(agent, "_id");
    EIN_JSON json_t *ids = NULL;
    EIN_JSON json_t *secrets = NULL;
    EIN_JSON json_t *settings = NULL;
    size_t i;
    json_t *id;
    int r = version_ids(agents, agent, agent_version(agent), &ids, err);

    if (r == 0)
        r = agent_secret_names(host, agents->ctx, agent_id, &secrets, err);
    if (r == 0)
        r = served_settings(host, agents->ctx, agent_id, &settings, err);
    if (r < 0)
        return r;
    size_t count = json_array_size(ids) + 3;
    EIN_FREE struct ein_doc_op *ops = calloc(count, sizeof(*ops));
    if (!ops || (secrets && secrets_mark(secrets) < 0))
        return error_no_memory(err);
    ops[0] = (struct ein_doc_op){
        .kind = EIN_DOC_DELETE, .set = AGENT_SET, .id = agent_id, .expect = text_of(agent, "_rev")
    };
    ops[1] = beside_op(EIN_DOC_PUT, SECRET_SET, agent_id, secrets);
    ops[2] = beside_op(EIN_DOC_DELETE, SETTINGS_SET, agent_id, settings);
    json_array_foreach(ids, i, id)
    {
        ops[i + 3] = (struct ein_doc_op){ .kind = EIN_DOC_DELETE,
                                          .set = VERSION_SET,
                                          .id = json_string_value(id) };
    }
    r = deployments_remove(host, agents->ctx, agent_id, ops, count, err);
    if (r >= 0)
        disk_give_doc(host, agents->ctx, text_of(agent, "owner"), agent);
    return r;
}
