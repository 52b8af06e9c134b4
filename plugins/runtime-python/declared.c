/* SPDX-License-Identifier: Apache-2.0 */
#include "declared.h"
#include "cleanup.h"
#include "error.h"
#include "host_pattern.h"

#include <jansson.h>
#include <string.h>

static const json_t *declares(const struct agent *agent, const char *kind)
{
    const json_t *member = json_object_get(agent->document, kind);

    return json_is_null(member) ? NULL : member;
}

/* Code without such a member, as front ends send it to be tried, declares nothing. */
static bool is_open(const struct agent *agent, const char *kind)
{
    const json_t *member = json_object_get(agent->document, kind);
    const bool empty = json_array_size(member) + json_object_size(member) == 0;

    return !member || (empty && !agent->run->runtime->settings.refuses_undeclared);
}

static bool is_text(const json_t *json, const char *name, const char *text)
{
    const char *said = json_string_value(json_object_get(json, name));

    return said && strcmp(said, text) == 0;
}

/* ---- models ---- */

int declared_model(const struct agent *agent, const char *provider, const char *model,
                   struct ein_error *err)
{
    const json_t *item;
    size_t i;

    if (is_open(agent, "invokableModels"))
        return 0;
    json_array_foreach((json_t *)declares(agent, "invokableModels"), i, item)
    {
        if (is_text(item, "provider", provider) && is_text(item, "model", model))
            return 0;
    }
    return error_set(err, EIN_E_DENIED,
                     "The agent does not declare the model '%.60s/%.120s': add it to its "
                     "invokableModels.",
                     provider, model);
}

/* ---- tools ---- */

int declared_tool(const struct agent *agent, const char *url, const char *tool,
                  struct ein_error *err)
{
    const json_t *tools, *item;
    size_t i;

    if (is_open(agent, "tools"))
        return 0;
    tools = json_object_get(declares(agent, "tools"), url);
    if (!tools)
        return error_set(err, EIN_E_DENIED,
                         "The agent does not declare the MCP server '%.150s': add it to its tools.",
                         url);
    json_array_foreach((json_t *)tools, i, item)
    {
        const char *name = json_string_value(item);
        if (tool && name && strcmp(name, tool) == 0)
            return 0;
    }
    if (!tool || json_array_size(tools) == 0) /* none named: all of that server */
        return 0;
    return error_set(
        err, EIN_E_DENIED,
        "The agent does not declare the tool '%.80s' of the MCP server '%.120s': add it "
        "to its tools.",
        tool, url);
}

/* ---- namespaces ---- */

static bool may(const json_t *use, bool writes)
{
    const char *access = json_string_value(json_object_get(use, "access"));

    return !access || strcmp(access, "both") == 0 || strcmp(access, writes ? "write" : "read") == 0;
}

/* "files:*" is all that begin with "files:". */
static bool is_namespace(const json_t *use, const char *name)
{
    const char *pattern = json_string_value(json_object_get(use, "namespace"));
    size_t len = pattern ? strlen(pattern) : 0;

    if (len > 0 && pattern[len - 1] == '*')
        return strncmp(pattern, name, len - 1) == 0;
    return pattern && strcmp(pattern, name) == 0;
}

int declared_namespace(const struct agent *agent, const char *name, bool writes,
                       struct ein_error *err)
{
    const char *verb = writes ? "write" : "read";
    const json_t *use;
    size_t i;

    if (is_open(agent, "dataStoreConfig"))
        return 0;
    json_array_foreach((json_t *)declares(agent, "dataStoreConfig"), i, use)
    {
        if (is_namespace(use, name) && may(use, writes))
            return 0;
    }
    return error_set(err, EIN_E_DENIED,
                     "The agent does not declare that it may %s the namespace '%.120s': add it to "
                     "its dataStoreConfig with the access '%s' or 'both'.",
                     verb, name, verb);
}

static bool is_declared(const struct agent *agent, const char *name)
{
    const json_t *use;
    size_t i;

    json_array_foreach((json_t *)declares(agent, "dataStoreConfig"), i, use)
    {
        if (is_namespace(use, name))
            return true;
    }
    return false;
}

json_t *declared_of(const struct agent *agent, const json_t *names)
{
    EIN_JSON json_t *seen = json_array();
    json_t *name;
    size_t i;

    if (is_open(agent, "dataStoreConfig"))
        return json_incref((json_t *)names);
    json_array_foreach((json_t *)names, i, name)
    {
        if (is_declared(agent, json_string_value(name)) && json_array_append(seen, name) < 0)
            return NULL;
    }
    return EIN_TAKE(seen);
}

/* ---- hosts ---- */

/* A server of a specification is its host, and its port where it names one. */
static void add_server(json_t *hosts, const json_t *server)
{
    const char *url = json_string_value(server);
    struct url_place place;
    bool tls;

    if (!url || !url_place_read(url, &place))
        return;
    tls = url[4] == 's' || url[4] == 'S';
    json_array_append_new(hosts, place.port == (tls ? 443 : 80)
                                     ? json_string(place.host)
                                     : json_sprintf("%s:%u", place.host, place.port));
}

static void add_servers(json_t *hosts, const json_t *spec)
{
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(spec, "servers"), i, item) add_server(hosts, item);
    json_array_foreach(json_object_get(spec, "operations"), i, item)
        add_server(hosts, json_object_get(item, "server"));
}

/* A specification that cannot be read declares no host. */
static void read_specs(const struct agent *agent, json_t *hosts)
{
    const struct runtime *runtime = agent->run->runtime;
    const struct ein_service *service;
    const json_t *item;
    size_t i;

    if (json_array_size(declares(agent, "swaggerSpecs")) == 0 ||
        runtime->host->acquire(runtime->ctx, EIN_SPECS, NULL, &service) < 0)
        return;
    const struct ein_specs *specs = service->vtable;
    json_array_foreach((json_t *)declares(agent, "swaggerSpecs"), i, item)
    {
        const json_t *content = json_object_get(item, "content");
        EIN_JSON json_t *spec = NULL;
        struct ein_error err;
        if (json_is_string(content) &&
            specs->read(service->impl, json_string_value(content), json_string_length(content),
                        NULL, 0, &spec, &err) == 0)
            add_servers(hosts, spec);
    }
    runtime->host->release(runtime->ctx, service);
}

/* Read once, when the first is asked. */
static const json_t *hosts_of(struct agent *agent)
{
    if (agent->hosts)
        return agent->hosts;
    agent->hosts = json_copy((json_t *)declares(agent, "allowedHosts"));
    if (!agent->hosts)
        agent->hosts = json_array();
    read_specs(agent, agent->hosts);
    return agent->hosts;
}

/* An empty list of hosts says that there are none; specifications without servers say nothing. */
static bool hosts_are_open(struct agent *agent)
{
    if (declares(agent, "allowedHosts") || json_array_size(hosts_of(agent)) > 0)
        return false;
    return !agent->run->runtime->settings.refuses_undeclared ||
           (!json_object_get(agent->document, "allowedHosts") &&
            !json_object_get(agent->document, "swaggerSpecs"));
}

int declared_host(struct agent *agent, const char *url, struct ein_error *err)
{
    struct url_place place;
    const json_t *item;
    size_t i;

    if (hosts_are_open(agent))
        return 0;
    if (!url_place_read(url, &place))
        return error_set(err, EIN_E_INVALID,
                         "The URL '%.120s' does not begin with http:// or https:// and a host.",
                         url);
    json_array_foreach((json_t *)hosts_of(agent), i, item)
    {
        const char *pattern = json_string_value(item);
        if (pattern && host_pattern_matches(pattern, &place))
            return 0;
    }
    return error_set(err, EIN_E_DENIED,
                     "The agent does not declare the host '%.120s': add it to its allowedHosts.",
                     place.host);
}
