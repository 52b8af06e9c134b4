/* SPDX-License-Identifier: Apache-2.0 */
#include "declared.h"
#include "agent_doc.h"
#include "answer.h"
#include "cleanup.h"
#include "error.h"
#include "http_json.h"
#include "member.h"

#include <string.h>

enum { TIMES_PROMPT = 4 }; /* what is held of others, at most */

static const struct ein_host *host_of(const struct composing *composing)
{
    return composing->composer->host;
}

static const json_t *wanted(const struct composing *composing, const char *name)
{
    return json_object_get(composing->body, name);
}

static int keep(struct composing *composing, const char *kind, json_t *take_item)
{
    json_t *list = json_object_get(composing->declared, kind);

    return json_array_append_new(list, take_item) < 0 ? EIN_E_NO_MEMORY : 0;
}

static int note(struct composing *composing, json_t *take_sentence)
{
    return json_array_append_new(composing->notes, take_sentence) < 0 ? EIN_E_NO_MEMORY : 0;
}

/* ---- models ---- */

/* What the catalog has of a model; null where the user has no key for it. */
static json_t *entry_of(const struct composing *composing, const char *name)
{
    const struct ein_host *host = host_of(composing);
    const char *user = host->http->identity(composing->req)->uid;
    const struct ein_service *service;
    json_t *found = NULL, *entry;

    if (host->acquire(composing->composer->ctx, EIN_COMPLETION, NULL, &service) < 0)
        return json_null();
    const struct ein_completion *completion = service->vtable;
    if (completion->find(service->impl, user, name, NULL, &found, NULL) < 0)
        found = NULL;
    host->release(composing->composer->ctx, service);
    entry = json_incref(or_null(found, "model"));
    json_decref(found);
    return entry;
}

static int collect_models(struct composing *composing)
{
    const json_t *config;
    size_t i;
    int r = 0;

    json_array_foreach((json_t *)wanted(composing, "invokableModels"), i, config)
    {
        EIN_JSON json_t *name = json_sprintf("%s/%s", text_or_empty(config, "provider"),
                                             text_or_empty(config, "model"));
        EIN_JSON json_t *entry = name ? entry_of(composing, json_string_value(name)) : NULL;

        if (r == 0 && json_is_null(entry))
            r = note(composing,
                     json_sprintf("The model '%s' cannot be asked at the moment: there is "
                                  "no such model, or no key for it.",
                                  json_string_value(name)));
        if (r == 0)
            r = keep(composing, "models",
                     json_pack("{s:O, s:O, s:O, s:O, s:O}", "provider", or_null(config, "provider"),
                               "model", or_null(config, "model"), "parameters",
                               or_null(config, "parameters"), "builtInTool",
                               or_null(config, "builtInTool"), "entry", entry));
    }
    return r;
}

/* ---- MCP servers ---- */

static int list_tools(const struct composing *composing, const char *url, json_t **ret_tools,
                      struct ein_error *err)
{
    const struct ein_host *host = host_of(composing);
    struct ein_ctx *ctx = composing->composer->ctx;
    const struct ein_mcp_call call = {
        .struct_size = sizeof(call),
        .total_ms = composing->composer->tools_ms,
        .url = url,
        .user_id = host->http->identity(composing->req)->uid,
        .egress = EIN_EGRESS_PUBLIC,
        .cancel = host->http->cancel(composing->req),
    };
    const struct ein_service *service;
    int r;

    if (host->acquire(ctx, EIN_MCP_CLIENT, NULL, &service) < 0)
        return error_set(err, EIN_E_UNAVAILABLE, "this server has no MCP client");
    const struct ein_mcp_client *client = service->vtable;
    r = client->list_tools(service->impl, &call, ret_tools, err);
    host->release(ctx, service);
    return r;
}

static json_t *show_tool(const json_t *tool)
{
    return json_pack("{s:O, s:O, s:O, s:O}", "name", or_null(tool, "name"), "description",
                     or_null(tool, "description"), "inputSchema", or_null(tool, "inputSchema"),
                     "outputSchema", or_null(tool, "outputSchema"));
}

/* Those that were named, or all; `listed` is NULL where the server did not say. */
static int choose_tools(struct composing *composing, const char *url, const json_t *names,
                        const json_t *listed, json_t *chosen)
{
    const json_t *item;
    size_t i;
    int r = 0;

    json_array_foreach((json_t *)names, i, item)
    {
        const char *name = json_string_value(item);
        const json_t *tool = list_find(listed, "name", name);

        if (listed && !tool)
            return answer_fail(composing, 422, "The MCP server '%s' has no tool '%s'.", url, name);
        r = json_array_append_new(chosen,
                                  tool ? show_tool(tool) : json_pack("{s:s}", "name", name));
        if (r < 0)
            return EIN_E_NO_MEMORY;
    }
    if (json_array_size(names))
        return 0;
    json_array_foreach((json_t *)listed, i, item) r |=
        json_array_append_new(chosen, show_tool(item));
    return r < 0 ? EIN_E_NO_MEMORY : 0;
}

/* Several servers may tell more than there is memory for: what no prompt has room for is not held
 * either.  Of JSON about half is said in other words there. */
static int keep_tools(struct composing *composing, const char *url, json_t *tools)
{
    composing->tools_len += json_dumpb(tools, NULL, 0, JSON_COMPACT);
    if (composing->tools_len > TIMES_PROMPT * composing->composer->prompt_max)
        return answer_too_much(composing, composing->tools_len);
    return keep(composing, "servers", json_pack("{s:s, s:O}", "url", url, "tools", tools));
}

static int collect_server(struct composing *composing, const char *url, const json_t *names)
{
    EIN_JSON json_t *listed = NULL;
    EIN_JSON json_t *chosen = json_array();
    struct ein_error err = { 0 };
    int r = list_tools(composing, url, &listed, &err);

    if (r == EIN_E_CANCELLED || !chosen)
        return r < 0 ? r : EIN_E_NO_MEMORY;
    if (r < 0) {
        r = note(composing,
                 json_sprintf("The tools of the MCP server '%s' were composed for by their "
                              "names alone: it could not be asked for their schemas: %s",
                              url, err.text));
        listed = NULL;
    }
    if (r == 0)
        r = choose_tools(composing, url, names, listed, chosen);
    return r ? r : keep_tools(composing, url, chosen);
}

static int collect_servers(struct composing *composing)
{
    const char *url;
    json_t *names;
    int r = 0;

    json_object_foreach((json_t *)wanted(composing, "tools"), url, names)
    {
        if (r == 0)
            r = collect_server(composing, url, names);
    }
    return r;
}

/* ---- OpenAPI ---- */

static int read_spec(struct composing *composing, const struct ein_service *service,
                     const json_t *spec)
{
    const struct ein_specs *specs = service->vtable;
    const json_t *content = json_object_get(spec, "content"), *said;
    EIN_JSON json_t *read = NULL;
    struct ein_error err = { 0 };
    size_t i;
    int r = specs->read(service->impl, json_string_value(content), json_string_length(content),
                        NULL, 0, &read, &err);

    if (r == EIN_E_NO_MEMORY)
        return r;
    if (r < 0)
        return answer_fail(composing, r == EIN_E_TOO_LARGE ? 413 : 422,
                           "The OpenAPI document '%s' cannot be read: %s",
                           text_or_empty(spec, "name"), err.text);
    json_array_foreach(json_object_get(read, "notes"), i, said)
    {
        r |= json_array_append(composing->notes, (json_t *)said);
    }
    if (r < 0)
        return EIN_E_NO_MEMORY;
    return keep(composing, "specs",
                json_pack("{s:O, s:O}", "name", or_null(spec, "name"), "operations",
                          or_null(read, "operations")));
}

static int collect_specs(struct composing *composing)
{
    const struct ein_host *host = host_of(composing);
    const json_t *specs = wanted(composing, "swaggerSpecs"), *spec;
    const struct ein_service *service;
    size_t i;
    int r = 0;

    if (json_array_size(specs) == 0)
        return 0;
    if (host->acquire(composing->composer->ctx, EIN_SPECS, NULL, &service) < 0)
        return answer_fail(
            composing, 503,
            "OpenAPI documents cannot be read: no plugin of the server does that now.");
    json_array_foreach((json_t *)specs, i, spec)
    {
        if (r == 0)
            r = read_spec(composing, service, spec);
    }
    host->release(composing->composer->ctx, service);
    return r;
}

/* ---- agents ---- */

/* What the caller's last run of an agent returned; null where nothing is known of one, or there is
 * more than is held of all of them. */
static json_t *recorded(struct composing *composing, const char *agent_id)
{
    static const char *const newest_first[] = { "-startedMs", NULL };
    const struct ein_host *host = host_of(composing);
    EIN_JSON json_t *where =
        json_pack("{s:s, s:s, s:s}", "agentId", agent_id, "userId",
                  host->http->identity(composing->req)->uid, "status", "completed");
    static const char *const fields[] = { "result", NULL };
    const struct ein_query query = { .struct_size = sizeof(query),
                                     .where = where,
                                     .order = newest_first,
                                     .limit = 1,
                                     .fields = fields };
    EIN_JSON json_t *found = NULL;

    if (find_docs(host, composing->composer->ctx, "runs", &query, &found, NULL, NULL) < 0)
        return json_null();
    json_t *result = or_null(json_array_get(found, 0), "result");
    size_t len = json_dumpb(result, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
    size_t left = TIMES_PROMPT * composing->composer->prompt_max - composing->recorded_len;
    if (json_is_true(json_object_get(result, "tooLarge")) || len > left)
        return json_null();
    composing->recorded_len += len;
    return json_incref(result);
}

static int collect_agent(struct composing *composing, const char *id)
{
    const struct ein_host *host = host_of(composing);
    EIN_JSON json_t *agent = NULL;
    struct ein_error err = { 0 };
    int r = agent_get(host, composing->composer->ctx, composing->req, id, &agent, &err);

    if (r == EIN_E_NOT_FOUND)
        return answer_fail(composing, 422, "The agent '%s', which is to be called, is not there.",
                           id);
    if (r < 0)
        return answer_fail_error(composing, &err);
    return keep(composing, "agents",
                json_pack("{s:s, s:O, s:O, s:O, s:O, s:o}", "id", id, "name",
                          or_null(agent, "name"), "description", or_null(agent, "description"),
                          "inputSchema", or_null(agent, "inputSchema"), "outputSchema",
                          or_null(agent, "outputSchema"), "recorded", recorded(composing, id)));
}

static int collect_agents(struct composing *composing)
{
    const json_t *id;
    size_t i;
    int r = 0;

    json_array_foreach((json_t *)wanted(composing, "gofannonAgents"), i, id)
    {
        if (r == 0)
            r = collect_agent(composing, json_string_value(id));
    }
    return r;
}

/* ---- hosts ---- */

static const char *next_host(const char *text, size_t *ret_len)
{
    const char *at = strstr(text, "://");

    if (!at)
        return NULL;
    at += 3;
    *ret_len = strcspn(at, "/:?#@\"'<>()[]{}, \t\r\n");
    if (*ret_len && at[*ret_len - 1] == '.') /* the end of a sentence */
        --*ret_len;
    return at;
}

static int add_named(struct composing *composing, const char *host)
{
    EIN_JSON json_t *url = json_sprintf("https://%s/", host);
    struct url_place place;

    if (!url)
        return EIN_E_NO_MEMORY;
    if (!url_place_read(json_string_value(url), &place) ||
        declared_host(composing->declared, &place))
        return 0;
    if (keep(composing, "hosts", json_string(host)) < 0)
        return EIN_E_NO_MEMORY;
    return note(composing, json_sprintf("The agent may ask %s, because the description names it: "
                                        "save it with that among its allowedHosts.",
                                        host));
}

/* Whoever names a URL in the description wants it to be asked. */
static int collect_hosts(struct composing *composing)
{
    const char *at = text_or_empty(composing->body, "description");
    const json_t *pattern;
    size_t i, len;
    int r = 0;

    json_array_foreach((json_t *)wanted(composing, "allowedHosts"), i, pattern)
    {
        r |= keep(composing, "hosts", json_incref((json_t *)pattern));
    }
    while (r == 0 && (at = next_host(at, &len))) {
        EIN_FREE char *host = strndup(at, len);

        if (!host)
            return EIN_E_NO_MEMORY;
        if (len && len <= HOST_MAX)
            r = add_named(composing, host);
    }
    return r < 0 ? EIN_E_NO_MEMORY : 0;
}

bool declared_host(const json_t *declared, const struct url_place *place)
{
    const json_t *pattern;
    size_t i;

    json_array_foreach(json_object_get(declared, "hosts"), i, pattern)
    {
        if (host_pattern_matches(json_string_value(pattern), place))
            return true;
    }
    return false;
}

/* ---- the whole ---- */

int declared_collect(struct composing *composing)
{
    static int (*const collect[])(struct composing *) = {
        collect_models, collect_hosts, collect_agents, collect_specs, collect_servers,
    };
    int r = 0;

    composing->notes = json_array();
    composing->declared =
        json_pack("{s:[], s:[], s:[], s:[], s:O, s:[]}", "models", "servers", "specs", "agents",
                  "namespaces", or_null(composing->body, "dataStoreConfig"), "hosts");
    if (!composing->notes || !composing->declared)
        return EIN_E_NO_MEMORY;
    for (size_t i = 0; r == 0 && i < sizeof(collect) / sizeof(collect[0]); i++)
        r = collect[i](composing);
    return r;
}
