/* SPDX-License-Identifier: Apache-2.0 */
#include "agents.h"

#include "agent_doc.h"
#include "agent_document.h"
#include "agent_version.h"
#include "cleanup.h"
#include "clock.h"
#include "http_json.h"
#include "line_diff.h"
#include "member.h"
#include "save.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a request asks about. */
struct asked {
    const struct agents *agents;
    struct ein_req *req;
    json_t *agent; /* json_decref */
};

/* 0, or the status that was replied. */
static int asked_read(const struct agents *agents, struct ein_req *req, struct asked *ret)
{
    const struct ein_host *host = agents->host;
    struct ein_error err;

    *ret = (struct asked){ .agents = agents, .req = req };
    int r = agent_get(host, agents->ctx, req, host->http->path_param(req, "agent_id"), &ret->agent,
                      &err);
    return r < 0 ? host->http->fail_error(req, &err) : 0;
}

/* The number in the path; 0, which is no version, if it is none. */
static int64_t number_of(const struct ein_http *http, const struct ein_req *req)
{
    const char *text = http->path_param(req, "version");
    char *end;

    errno = 0;
    long long number = strtoll(text, &end, 10);
    return *text >= '1' && *text <= '9' && !*end && errno == 0 ? number : 0;
}

/* 0, or the status that was replied. */
static int read_version(const struct asked *asked, int64_t number, json_t **ret_version)
{
    const struct ein_host *host = asked->agents->host;
    const char *said = host->http->path_param(asked->req, "version");
    struct ein_error err;
    int r = agent_version_get(host, asked->agents->ctx, asked->agent, number, ret_version, &err);

    if (r == EIN_E_NOT_FOUND && number == 0)
        return host->http->fail(asked->req, 404, "'%s' is not the number of a version.", said);
    return r < 0 ? host->http->fail_error(asked->req, &err) : 0;
}

/* ---- what is shown ---- */

static json_t *names_of(const json_t *deployments, int64_t number)
{
    EIN_JSON json_t *names = json_array();
    size_t i;
    json_t *deployment;

    json_array_foreach(deployments, i, deployment)
    {
        if (integer_of(deployment, "version") == number &&
            json_array_append(names, json_object_get(deployment, "_id")) < 0)
            return NULL;
    }
    return EIN_TAKE(names);
}

/* NULL: no memory. */
static json_t *show(const struct asked *asked, const json_t *deployments, const json_t *version)
{
    const json_t *content = json_object_get(version, "agent");
    int64_t number = integer_of(version, "version");

    return json_pack(
        "{s:I, s:O*, s:O*, s:O*, s:O*, s:O*, s:b, s:o}", "version", (json_int_t)number, "createdAt",
        json_object_get(version, "createdAt"), "createdBy", json_object_get(version, "createdBy"),
        "restoredFrom", json_object_get(version, "restoredFrom"), "name",
        json_object_get(content, "name"), "friendlyName", json_object_get(content, "friendlyName"),
        "current", number == agent_version(asked->agent), "deployedAs",
        names_of(deployments, number));
}

static int reply_list(const struct asked *asked, const json_t *deployments, const json_t *found)
{
    EIN_JSON json_t *list = json_array();
    size_t i;
    json_t *version;

    json_array_foreach(found, i, version)
    {
        if (json_array_append_new(list, show(asked, deployments, version)) < 0)
            return EIN_E_NO_MEMORY;
    }
    return asked->agents->host->http->reply(asked->req, 200, EIN_TAKE(list));
}

/* The versions that are stored; of an agent of before there were any, what it is now. */
static int find_versions(const struct asked *asked, json_t **ret_found, char **ret_cursor,
                         struct ein_error *err)
{
    static const char *const order[] = { "version", NULL };
    static const char *const shown[] = { "version",    "createdAt",
                                         "createdBy",  "restoredFrom",
                                         "agent.name", "agent.friendlyName",
                                         NULL };
    const struct agents *agents = asked->agents;
    EIN_JSON json_t *where = json_pack("{s:O}", "agentId", json_object_get(asked->agent, "_id"));
    EIN_JSON json_t *found = NULL;
    json_t *present = NULL;
    struct ein_query query = {
        .struct_size = sizeof(query), .where = where, .order = order, .fields = shown
    };
    int r;

    if (!where)
        return EIN_E_NO_MEMORY;
    page_read(agents->host->http, asked->req, &query);
    r = find_docs(agents->host, agents->ctx, VERSION_SET, &query, &found, ret_cursor, err);
    if (r == 0 && json_array_size(found) == 0 && !query.cursor)
        r = agent_version_get(agents->host, agents->ctx, asked->agent, agent_version(asked->agent),
                              &present, err);
    if (r < 0)
        return r;
    if (present && json_array_append_new(found, present) < 0)
        return EIN_E_NO_MEMORY;
    *ret_found = EIN_TAKE(found);
    return 0;
}

int agents_versions(struct ein_req *req, void *self)
{
    const struct agents *agents = self;
    const struct ein_host *host = agents->host;
    EIN_JSON json_t *deployments = NULL;
    EIN_JSON json_t *found = NULL;
    char *cursor = NULL;
    struct asked asked;
    struct ein_error err;
    int status = asked_read(agents, req, &asked);
    EIN_JSON json_t *agent = asked.agent;

    if (status)
        return status;
    int r = deployments_of(host, agents->ctx, text_of(agent, "_id"), &deployments, &err);
    if (r == 0)
        r = find_versions(&asked, &found, &cursor, &err);
    if (r < 0)
        return r == EIN_E_NO_MEMORY ? r : host->http->fail_error(req, &err);
    r = page_link(host->http, req, cursor);
    host->mem_free(cursor);
    return r < 0 ? r : reply_list(&asked, deployments, found);
}

int agents_version(struct ein_req *req, void *self)
{
    const struct agents *agents = self;
    const struct ein_host *host = agents->host;
    EIN_JSON json_t *deployments = NULL;
    EIN_JSON json_t *version = NULL;
    struct asked asked;
    struct ein_error err;
    int r = asked_read(agents, req, &asked);
    EIN_JSON json_t *agent = asked.agent;

    if (r == 0)
        r = read_version(&asked, number_of(host->http, req), &version);
    if (r)
        return r;
    r = deployments_of(host, agents->ctx, text_of(agent, "_id"), &deployments, &err);
    if (r < 0)
        return host->http->fail_error(req, &err);

    EIN_JSON json_t *shown = show(&asked, deployments, version);
    EIN_JSON json_t *content = document_content(json_object_get(version, "agent"));

    document_hide_unset(content);
    if (json_object_set(shown, "agent", content) < 0)
        return EIN_E_NO_MEMORY;
    return host->http->reply(req, 200, EIN_TAKE(shown));
}

/* ---- what differs ---- */

/* A text of several lines is also shown line by line.  NULL: no memory. */
static json_t *change_of(const char *field, json_t *from, json_t *to)
{
    EIN_JSON json_t *lines = NULL;
    const char *from_text = json_string_value(from), *to_text = json_string_value(to);

    if (from_text && to_text && (strchr(from_text, '\n') || strchr(to_text, '\n'))) {
        lines = line_diff(from_text, to_text);
        if (!lines)
            return NULL;
    }
    return json_pack("{s:s, s:O, s:O, s:O*}", "field", field, "from", from, "to", to, "lines",
                     lines);
}

/* NULL: no memory. */
static json_t *changes_between(const json_t *from, const json_t *to)
{
    EIN_JSON json_t *before = document_content(json_object_get(from, "agent"));
    EIN_JSON json_t *after = document_content(json_object_get(to, "agent"));
    EIN_JSON json_t *changes = json_array();
    const char *field;
    json_t *value;

    if (!before || !after)
        return NULL;
    json_object_foreach(before, field, value)
    {
        json_t *other = json_object_get(after, field);

        if (!json_equal(value, other) &&
            json_array_append_new(changes, change_of(field, value, other)) < 0)
            return NULL;
    }
    return EIN_TAKE(changes);
}

int agents_version_diff(struct ein_req *req, void *self)
{
    const struct agents *agents = self;
    const struct ein_http *http = agents->host->http;
    const json_t *to_given = json_object_get(http->query(req), "to");
    EIN_JSON json_t *from = NULL;
    EIN_JSON json_t *to = NULL;
    struct asked asked;
    int r = asked_read(agents, req, &asked);
    EIN_JSON json_t *agent = asked.agent;

    if (r == 0)
        r = read_version(&asked, number_of(http, req), &from);
    if (r == 0)
        r = read_version(&asked, to_given ? json_integer_value(to_given) : agent_version(agent),
                         &to);
    if (r)
        return r;

    json_t *changes = changes_between(from, to);
    json_t *body = json_pack("{s:O, s:O, s:o}", "from", json_object_get(from, "version"), "to",
                             json_object_get(to, "version"), "changes", changes);
    return body ? http->reply(req, 200, body) : EIN_E_NO_MEMORY;
}

/* ---- back ---- */

/* AGENT as VERSION was, and changed now.  NULL: no memory. */
static json_t *restored(const json_t *agent, const json_t *version)
{
    char now[CLOCK_ISO_SIZE];
    EIN_JSON json_t *whole =
        agent_with_content(agent, json_object_get(version, "agent"), agent_version(agent));

    clock_iso(now);
    return whole && json_object_set_new(whole, "updatedAt", json_string(now)) == 0 ? EIN_TAKE(whole)
                                                                                   : NULL;
}

static int try_restore(struct ein_req *req, void *self, struct ein_error *err)
{
    const struct agents *agents = self;
    const struct ein_http *http = agents->host->http;
    int64_t number = number_of(http, req);
    EIN_JSON json_t *version = NULL;
    char rev[EIN_REV_SIZE];
    struct asked asked;
    int r = asked_read(agents, req, &asked);
    EIN_JSON json_t *agent = asked.agent;

    if (r == 0)
        r = read_version(&asked, number, &version);
    if (r == 0)
        r = check_rev(http, req, text_of(agent, "_rev"));
    if (r)
        return r;
    EIN_JSON json_t *whole = restored(agent, version);
    if (!whole)
        return EIN_E_NO_MEMORY;
    const struct save save = {
        .from = agent, .to = whole, .uid = http->identity(req)->uid, .restores = number
    };
    r = save_over(agents, &save, rev, err);
    if (r == EIN_E_CONFLICT)
        return r;
    return r < 0 ? http->fail_error(req, err) : agents_reply(agents, req, 200, whole, rev);
}

int agents_version_restore(struct ein_req *req, void *self)
{
    const struct agents *agents = self;

    return change_until_done(agents->host->http, req, self, try_restore);
}
