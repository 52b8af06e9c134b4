/* SPDX-License-Identifier: Apache-2.0 */
#include "bridge.h"
#include "cleanup.h"
#include "declared.h"
#include "error.h"
#include "http_call.h"
#include "llm_call.h"
#include "mcp_call.h"
#include "slow_call.h"
#include "stand_in.h"

#include <string.h>

struct call {
    struct agent *agent;
    int64_t id;
    const char *method;
    const struct json_t *params; /* an object */
    const void *blob;
    size_t blob_len;
};

static void refuse(const struct call *call, const char *type, const char *message)
{
    agent_refuse(call->agent, call->id, type, message);
}

/* ---- data_store ---- */

static int open_store(struct run *run, struct ein_error *err)
{
    const struct ein_host *host = run->runtime->host;
    const struct ein_data_store *store;
    int r;

    if (run->session)
        return 0;
    if (!run->store && host->acquire(run->runtime->ctx, EIN_DATA_STORE, NULL, &run->store) < 0) {
        run->store = NULL;
        return error_set(err, EIN_E_UNAVAILABLE, "No data store is configured on this server.");
    }
    store = run->store->vtable;
    r = store->open(run->store->impl, run->what->user_id, &run->session, err);
    if (r < 0)
        run->session = NULL;
    return r;
}

static void note_operation(struct agent *agent, json_t *entry)
{
    struct run *run = agent->run;

    if (!entry)
        return;
    if (!run->ops_log)
        run->ops_log = json_array();
    json_array_append(run->ops_log, entry);
    trace_data_store(&run->trace, &agent->speaker, entry);
}

static bool writes(const char *operation)
{
    static const char *const names[] = { "set", "set_many", "delete", "clear" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], operation) == 0)
            return true;
    return false;
}

static int check_namespace(const struct call *call, const char *operation, struct ein_error *err)
{
    const char *name = json_string_value(json_object_get(call->params, "namespace"));

    if (strcmp(operation, "list_namespaces") == 0)
        return 0;
    return declared_namespace(call->agent, name ? name : "default", writes(operation), err);
}

/* The names of namespaces that the agent does not declare are none of its business. */
static int hide_undeclared(const struct agent *agent, json_t **names, json_t *entry)
{
    json_t *declared = declared_of(agent, *names);

    if (!declared)
        return EIN_E_NO_MEMORY;
    json_decref(*names);
    *names = declared;
    return json_object_set_new(entry, "count", json_integer((json_int_t)json_array_size(declared)));
}

static int use_store(const struct call *call, json_t **ret_value, json_t **ret_entry,
                     struct ein_error *err)
{
    struct run *run = call->agent->run;
    const char *operation = strchr(call->method, '.') + 1;
    int r = check_namespace(call, operation, err);

    if (r == 0)
        r = open_store(run, err);
    if (r < 0)
        return r;
    const struct ein_data_store *store = run->store->vtable;
    r = store->call(run->session, call->agent->speaker.name, operation, call->params, ret_value,
                    ret_entry, err);
    if (r == 0 && strcmp(operation, "list_namespaces") == 0)
        r = hide_undeclared(call->agent, ret_value, *ret_entry);
    return r;
}

static void call_data_store(const struct call *call)
{
    EIN_JSON json_t *value = NULL;
    EIN_JSON json_t *entry = NULL;
    struct ein_error err = { 0 };
    int r = use_store(call, &value, &entry, &err);

    if (r < 0) {
        refuse(call, python_error(r, "KeyError", "RuntimeError"), err.text);
        return;
    }
    note_operation(call->agent, entry);
    /* The child keeps its own default, which need not be JSON. */
    agent_reply(call->agent, call->id,
                json_pack("{s:o, s:b}", "value", value ? json_incref(value) : json_null(), "found",
                          !json_is_false(json_object_get(entry, "found"))),
                NULL, 0);
}

/* ---- other agents ---- */

static const json_t *imported(const struct run *run, const json_t *imports, const char *name,
                              const char **ret_id)
{
    size_t i;
    json_t *id;

    json_array_foreach((json_t *)imports, i, id)
    {
        const json_t *agent = json_object_get(run->what->agents, json_string_value(id));
        const char *called = json_string_value(json_object_get(agent, "name"));
        if (called && strcmp(called, name) == 0) {
            *ret_id = json_string_value(id);
            return agent;
        }
    }
    return NULL;
}

static void call_agent(const struct call *call)
{
    struct run *run = call->agent->run;
    const char *name = json_string_value(json_object_get(call->params, "name"));
    const char *id = NULL;
    const json_t *found = imported(run, call->agent->imports, name ? name : "", &id);
    struct ein_error err = { 0 };

    if (!found) {
        (void)error_set(&err, EIN_E_NOT_FOUND,
                        "Gofannon agent '%.180s' not found or not imported for this run.",
                        name ? name : "");
        refuse(call, "ValueError", err.text);
        return;
    }
    if (call->agent->speaker.depth >= run->limits.nested_depth) {
        refuse(call, "RecursionError", "Agents call each other too deeply.");
        return;
    }
    if (run->nested_made >= run->limits.nested_runs) {
        refuse(call, "RuntimeError", "This run has reached its limit of agent calls.");
        return;
    }
    run->nested_made++;

    struct agent_job job = { .agent_id = id,
                             .document = json_object_get(found, "agent"),
                             .name = json_string_value(json_object_get(found, "name")),
                             .code = json_string_value(json_object_get(found, "code")),
                             .input = json_object_get(call->params, "input"),
                             .tools = json_object_get(found, "tools"),
                             .imports = json_object_get(found, "imports"),
                             .secrets = json_object_get(found, "secrets") };
    if (!job.code)
        refuse(call, "ValueError", "Could not load one or more dependent Gofannon agents.");
    else if (agent_start(run, call->agent, call->id, &job, &err) < 0)
        refuse(call, python_error(err.code, "KeyError", "RuntimeError"), err.text);
}

/* ---- the world ---- */

static void call_http(const struct call *call)
{
    http_call(call->agent, call->id, call->params, call->blob, call->blob_len);
}

static void call_llm(const struct call *call)
{
    llm_call(call->agent, call->id, call->params);
}

static void call_window(const struct call *call)
{
    llm_window(call->agent, call->id, call->params);
}

static void call_mcp(const struct call *call)
{
    mcp_call(call->agent, call->id, call->method, call->params);
}

/* ---- the table ---- */

static const struct {
    const char *name;
    void (*call)(const struct call *call);
} methods[] = {
    { "ds.get", call_data_store },
    { "ds.set", call_data_store },
    { "ds.delete", call_data_store },
    { "ds.list_keys", call_data_store },
    { "ds.list_namespaces", call_data_store },
    { "ds.get_all", call_data_store },
    { "ds.get_many", call_data_store },
    { "ds.set_many", call_data_store },
    { "ds.clear", call_data_store },
    { "agent", call_agent },
    { "http", call_http },
    { "llm", call_llm },
    { "window", call_window },
    { "mcp.list", call_mcp },
    { "mcp.call", call_mcp },
};

void bridge_call(struct agent *agent, const struct json_t *message, const void *blob,
                 size_t blob_len)
{
    struct call call = { .agent = agent,
                         .id = json_integer_value(json_object_get(message, "id")),
                         .method = json_string_value(json_object_get(message, "m")),
                         .params = json_object_get(message, "p"),
                         .blob = blob,
                         .blob_len = blob_len };

    agent->in_flight++;
    if (agent->run->what->stand_in && call.method && json_is_object(call.params)) {
        stand_in_call(agent, call.id, call.method, call.params, blob, blob_len);
        return;
    }
    for (size_t i = 0; call.method && i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(methods[i].name, call.method) != 0)
            continue;
        if (json_is_object(call.params))
            methods[i].call(&call);
        else
            refuse(&call, "TypeError", "The call has no parameters.");
        return;
    }
    refuse(&call, "AttributeError", "There is no such call.");
}

/* NULL: it has been answered meanwhile. */
static struct slow_call *call_under_way(const struct agent *agent, const json_t *message)
{
    return slow_find(agent->run, agent->serial, json_integer_value(json_object_get(message, "id")));
}

bool bridge_body(struct agent *agent, const struct json_t *message, const void *bytes, size_t len)
{
    struct slow_call *call = call_under_way(agent, message);

    return !call || !call->kind->take ||
           call->kind->take(call, bytes, len, json_is_true(json_object_get(message, "last")));
}

void bridge_used(struct agent *agent, const struct json_t *message)
{
    struct slow_call *call = call_under_way(agent, message);
    json_int_t len = json_integer_value(json_object_get(message, "n"));

    if (call && call->kind->used && len > 0)
        call->kind->used(call, (size_t)len);
}

void bridge_cancel(struct agent *agent, int64_t call_id)
{
    for (struct agent *other = agent->run->agents; other; other = other->next) {
        if (other->caller == agent && other->call_id == call_id && !other->ended) {
            agent_abandon(other);
            if (agent->in_flight)
                agent->in_flight--;
            return;
        }
    }
    slow_cancel(agent->run, agent->serial, call_id);
}

void bridge_done(struct run *run)
{
    const struct ein_data_store *store = run->store ? run->store->vtable : NULL;

    slow_end(run);
    if (run->session)
        store->close(run->session);
    run->session = NULL;
    if (run->store)
        run->runtime->host->release(run->runtime->ctx, run->store);
    run->store = NULL;
}
