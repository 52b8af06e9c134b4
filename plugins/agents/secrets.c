/* SPDX-License-Identifier: Apache-2.0 */
#include "secrets.h"

#include "agent_doc.h"
#include "agent_secret.h"
#include "audit_event.h"
#include "cleanup.h"
#include "clock.h"
#include "erase.h"
#include "error.h"
#include "member.h"
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum { TRIES_MAX = 10 /* of a write that others get ahead of */ };

static json_t *names_of(const json_t *doc)
{
    return json_object_get(doc, "names");
}

/* ---- the list ---- */

int agents_secrets(struct ein_req *req, void *self)
{
    const struct agents *agents = self;
    const struct ein_host *host = agents->host;
    const char *id = host->http->path_param(req, "agent_id");
    EIN_JSON json_t *agent = NULL;
    EIN_JSON json_t *doc = NULL;
    EIN_JSON json_t *list = json_array();
    struct ein_error err;
    const char *name;
    json_t *about;
    int r = agent_get(host, agents->ctx, req, id, &agent, &err);

    if (r == 0)
        r = agent_secret_names(host, agents->ctx, id, &doc, &err);
    if (r < 0)
        return host->http->fail_error(req, &err);
    json_object_foreach(names_of(doc), name, about)
    {
        json_t *shown = json_pack("{s:s, s:O*, s:O*}", "name", name, "updatedAt",
                                  json_object_get(about, "updatedAt"), "updatedBy",
                                  json_object_get(about, "updatedBy"));

        if (json_array_append_new(list, shown) < 0)
            return EIN_E_NO_MEMORY;
    }
    return list ? host->http->reply(req, 200, EIN_TAKE(list)) : EIN_E_NO_MEMORY;
}

/* ---- the names ---- */

/* One change of the names of an agent's secrets. */
struct change {
    const struct agents *agents;
    struct ein_req *req;
    const char *agent_id, *name;
    bool adds;
};

/* DOC (NULL: none yet) with the name, or without.  NULL: no memory. */
static json_t *changed(const struct change *change, const json_t *doc)
{
    char now[CLOCK_ISO_SIZE];
    EIN_JSON json_t *names = doc ? json_copy(names_of(doc)) : json_object();

    clock_iso(now);
    if (!change->adds)
        (void)json_object_del(names, change->name); /* it may not be there */
    else if (json_object_set_new(
                 names, change->name,
                 json_pack("{s:s, s:s}", "updatedAt", now, "updatedBy",
                           change->agents->host->http->identity(change->req)->uid)) < 0)
        return NULL;
    return json_pack("{s:O}", "names", names);
}

/* One try, while AGENT is what it was: it may be deleted meanwhile. */
static int write_names(const struct change *change, const json_t *agent, const json_t *doc,
                       struct ein_error *err)
{
    const struct agents *agents = change->agents;
    EIN_JSON json_t *next = changed(change, doc);
    struct ein_doc_op ops[] = {
        { .kind = EIN_DOC_CHECK,
          .set = AGENT_SET,
          .id = change->agent_id,
          .expect = text_of(agent, "_rev") },
        { .kind = EIN_DOC_PUT,
          .set = SECRET_SET,
          .id = change->agent_id,
          .expect = doc ? text_of(doc, "_rev") : EIN_REV_NEW,
          .doc = next },
    };

    if (!next)
        return error_no_memory(err);
    return agents->host->store->batch(agents->ctx, ops, 2, sizeof(ops[0]), err);
}

/* *ret_was: the name was there before. */
static int change_names(const struct change *change, bool *ret_was, struct ein_error *err)
{
    const struct agents *agents = change->agents;
    const struct ein_host *host = agents->host;
    int r = EIN_E_CONFLICT;

    for (int tries = 0; r == EIN_E_CONFLICT && tries < TRIES_MAX; tries++) {
        EIN_JSON json_t *agent = NULL;
        EIN_JSON json_t *doc = NULL;

        r = agent_get(host, agents->ctx, change->req, change->agent_id, &agent, err);
        if (r == 0)
            r = agent_secret_names(host, agents->ctx, change->agent_id, &doc, err);
        if (r < 0)
            return r;
        *ret_was = json_object_get(names_of(doc), change->name) != NULL;
        if (!*ret_was && !change->adds)
            return 0;
        if (!*ret_was && json_object_size(names_of(doc)) >= agents->secrets_max)
            return error_set(err, EIN_E_TOO_LARGE, "An agent has at most %zu secrets.",
                             agents->secrets_max);
        r = write_names(change, agent, doc, err);
        if (r == EIN_E_NOT_FOUND) /* deleted since: the next look says so */
            r = EIN_E_CONFLICT;
    }
    return r;
}

static void tell_audit(const struct change *change, const char *action)
{
    (void)audit_done(change->agents->host, change->agents->ctx, change->req, NULL, action,
                     change->agent_id, json_pack("{s:s}", "name", change->name), NULL);
}

/* ---- set and deleted ---- */

/* A name that an environment has, and that does not steer the interpreter or the loader. */
static bool is_name(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > SECRET_NAME_MAX || isdigit((unsigned char)*name) ||
        strncmp(name, "PYTHON", 6) == 0 || strncmp(name, "LD_", 3) == 0)
        return false;
    for (const char *c = name; *c; c++)
        if (!(isalnum((unsigned char)*c) && (unsigned char)*c < 0x80) && *c != '_')
            return false;
    return true;
}

/* 0, or the status that was replied. */
static int check_secret(const struct change *change, const json_t *value)
{
    const struct ein_http *http = change->agents->host->http;
    size_t len = json_string_length(value);

    if (!is_name(change->name))
        return http->fail(change->req, 422,
                          "A secret's name has letters, digits and _, at most %d of them, no digit "
                          "first, and does not begin with PYTHON or LD_.",
                          SECRET_NAME_MAX);
    if (strlen(json_string_value(value)) != len)
        return http->fail(change->req, 422, "A secret has no NUL characters.");
    if (len > change->agents->secret_max)
        return http->fail(change->req, 413, "The secret has %zu bytes; at most %zu are kept.", len,
                          change->agents->secret_max);
    return 0;
}

/* The name comes first: what is in the vault is always found again. */
int agents_secret_put(struct ein_req *req, void *self)
{
    const struct agents *agents = self;
    const struct ein_host *host = agents->host;
    const json_t *value = json_object_get(host->http->body(req), "value");
    struct change change = { .agents = agents,
                             .req = req,
                             .agent_id = host->http->path_param(req, "agent_id"),
                             .name = host->http->path_param(req, "name"),
                             .adds = true };
    struct ein_error err;
    bool was, ignored;
    int r = check_secret(&change, value);

    if (r)
        return r;
    r = change_names(&change, &was, &err);
    if (r < 0)
        return host->http->fail_error(req, &err);
    r = agent_secret_set(host, agents->ctx, change.agent_id, change.name, json_string_value(value),
                         &err);
    if (r < 0 && !was) {
        change.adds = false;
        (void)change_names(&change, &ignored, NULL);
    }
    if (r < 0)
        return host->http->fail_error(req, &err);
    tell_audit(&change, "agent_secret_set");
    return host->http->reply(req, 204, NULL);
}

int agents_secret_delete(struct ein_req *req, void *self)
{
    const struct agents *agents = self;
    const struct ein_host *host = agents->host;
    const struct change change = { .agents = agents,
                                   .req = req,
                                   .agent_id = host->http->path_param(req, "agent_id"),
                                   .name = host->http->path_param(req, "name") };
    EIN_JSON json_t *agent = NULL;
    EIN_JSON json_t *doc = NULL;
    struct ein_error err;
    bool was;
    int r = agent_get(host, agents->ctx, req, change.agent_id, &agent, &err);

    if (r == 0)
        r = agent_secret_names(host, agents->ctx, change.agent_id, &doc, &err);
    if (r == 0 && !json_object_get(names_of(doc), change.name))
        return host->http->fail(req, 404, "The agent has no secret '%.100s'.", change.name);
    if (r == 0)
        r = agent_secret_set(host, agents->ctx, change.agent_id, change.name, NULL, &err);
    if (r == 0)
        r = change_names(&change, &was, &err);
    if (r < 0)
        return host->http->fail_error(req, &err);
    tell_audit(&change, "agent_secret_deleted");
    return host->http->reply(req, 204, NULL);
}

/* ---- of agents that are no more ---- */

#define DELETED "deleted"

int secrets_mark(json_t *names)
{
    return json_object_set_new(names, SECRETS_INDEX, json_string(DELETED));
}

static int forget(void *self, const json_t *doc, struct ein_error *err)
{
    const struct agents *agents = self;
    const struct ein_host *host = agents->host;
    const char *agent_id = text_of(doc, "_id"), *name;
    json_t *about;
    int r = 0;

    json_object_foreach(names_of(doc), name, about)
    {
        if (r == 0)
            r = agent_secret_set(host, agents->ctx, agent_id, name, NULL, err);
    }
    return r < 0 ? r : host->store->del(agents->ctx, SECRET_SET, agent_id, EIN_REV_ANY, err);
}

int secrets_sweep(const struct agents *agents, struct ein_error *err)
{
    static const struct erase_what what = { .set = SECRET_SET,
                                            .field = SECRETS_INDEX,
                                            .one = forget };
    uint64_t count;
    int r;

    do {
        count = 0;
        r = erase_some(agents->host, agents->ctx, &what, (void *)agents, DELETED, &count, err);
    } while (r == 0 && count > 0);
    return r;
}
