/* SPDX-License-Identifier: Apache-2.0 */
#include "stand_in.h"
#include "cleanup.h"
#include "declared.h"
#include "error.h"
#include "json_depth.h"
#include "sample.h"
#include "str.h"
#include "url.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    CALLS_MAX = 200,
    CALL_SHOWN = 500, /* bytes of one */
    FAULTS_MAX = 20,
    FAULT_SIZE = 1000,
    BODY_DEPTH_MAX = 64,
    BODY_VALUES_MAX = 100000 /* of one that is looked at */
};

static const char from_types[] = "its declared types", from_schema[] = "its schema";
static const char from_run[] = "an earlier run", from_nothing[] = "nothing that is known of it";

int stand_in_init(struct stand_in *stand, const struct composing *composing)
{
    *stand = (struct stand_in){
        .host = composing->composer->host,
        .declared = composing->declared,
        .output = json_object_get(composing->body, "outputSchema"),
        .calls = json_array(),
        .faults = json_array(),
        .store = json_object(),
        .store_max = composing->composer->store_max,
    };
    return stand->calls && stand->faults && stand->store ? 0 : EIN_E_NO_MEMORY;
}

void stand_in_done(struct stand_in *stand)
{
    json_decref(stand->calls);
    json_decref(stand->faults);
    json_decref(stand->store);
}

/* ---- what is said of a call ---- */

static int refuse(struct stand_in *stand, struct ein_error *err, int code, const char *fmt, ...)
    EIN_PRINTF(4, 5);

/* It is a fault of the code, whatever that makes of the error. */
static int refuse(struct stand_in *stand, struct ein_error *err, int code, const char *fmt, ...)
{
    char text[FAULT_SIZE];
    va_list args;

    va_start(args, fmt);
    str_vformat(text, sizeof(text), fmt, args);
    va_end(args);
    if (json_array_size(stand->faults) < FAULTS_MAX)
        (void)json_array_append_new(stand->faults, json_string(text));
    return error_set(err, code, "%s", text);
}

/* What it calls may be as long as a message of an agent. */
static int answered(struct stand_in *stand, const char *from, json_t *take_call,
                    json_t *take_answer, json_t **ret_answer, struct ein_error *err)
{
    EIN_JSON json_t *call = take_call;
    const char *text = json_string_value(call);

    stand->blind |= from == from_nothing;
    if (text && json_array_size(stand->calls) < CALLS_MAX)
        (void)json_array_append_new(stand->calls, json_pack("{s:s%, s:s}", "call", text,
                                                            (size_t)str_cut(text, CALL_SHOWN),
                                                            "answeredFrom", from));
    if (!take_answer)
        return error_no_memory(err);
    *ret_answer = take_answer;
    return 0;
}

static const json_t *declared_with(const struct stand_in *stand, const char *kind,
                                   const char *member, const char *text)
{
    return list_find(json_object_get(stand->declared, kind), member, text);
}

static char *dump(const struct stand_in *stand, const json_t *json)
{
    size_t len;

    return stand->host->json_text(json, &len);
}

struct asked {
    const char *method;
    const json_t *params;
    const void *body;
    size_t body_len;
};

/* ---- models ---- */

static const json_t *model_of(const struct stand_in *stand, const json_t *params)
{
    const json_t *model;
    size_t i;

    json_array_foreach(json_object_get(stand->declared, "models"), i, model)
    {
        if (strcmp(text_or_empty(model, "provider"), text_or_empty(params, "provider")) == 0 &&
            strcmp(text_or_empty(model, "model"), text_or_empty(params, "model")) == 0)
            return model;
    }
    return NULL;
}

/* Who asks for JSON gets some: most often it is what the agent is to return. */
static char *say(const struct stand_in *stand, const json_t *params)
{
    const json_t *schema = json_object_get(params, "reply_schema");
    char *asked = dump(stand, json_object_get(params, "messages"));
    bool wants_json = json_is_object(schema) || (asked && strcasestr(asked, "json"));
    EIN_JSON json_t *sample = NULL;

    stand->host->mem_free(asked);
    if (!wants_json)
        return stand->host->text_dup("This is what a model might say.");
    sample = json_is_object(schema) && json_object_get(schema, "properties")
                 ? sample_of_schema(schema, schema)
                 : sample_of_fields(stand->output);
    return sample ? dump(stand, sample) : NULL;
}

static int answer_llm(struct stand_in *stand, const struct asked *asked, json_t **ret_answer,
                      struct ein_error *err)
{
    const char *provider = text_or_empty(asked->params, "provider"),
               *model = text_or_empty(asked->params, "model");
    char *said;
    json_t *answer;

    if (!model_of(stand, asked->params))
        return refuse(stand, err, EIN_E_DENIED,
                      "It asks the model '%s/%s', which is not among the invokable models.",
                      provider, model);
    said = say(stand, asked->params);
    answer = json_pack("{s:s, s:n, s:[], s:{s:s, s:[{s:s, s:s}]}}", "content", said ? said : "",
                       "thoughts", "tool_calls", "message", "role", "assistant", "content", "type",
                       "text", "text", said ? said : "");
    stand->host->mem_free(said);
    return answered(stand, from_nothing, json_sprintf("call_llm %s/%s", provider, model), answer,
                    ret_answer, err);
}

static int answer_window(struct stand_in *stand, const struct asked *asked, json_t **ret_answer,
                         struct ein_error *err)
{
    const json_t *entry = json_object_get(model_of(stand, asked->params), "entry");
    json_t *window = json_object_get(entry, "context_window");

    (void)err;
    *ret_answer = window ? json_incref(window) : json_null();
    return 0;
}

/* ---- MCP servers ---- */

static const json_t *server_of(struct stand_in *stand, const struct asked *asked,
                               struct ein_error *err)
{
    const char *url = text_or_empty(asked->params, "url");
    const json_t *server = declared_with(stand, "servers", "url", url);

    if (!server)
        (void)refuse(stand, err, EIN_E_DENIED,
                     "It asks the MCP server '%s', which is not declared.", url);
    return server;
}

static int answer_list(struct stand_in *stand, const struct asked *asked, json_t **ret_answer,
                       struct ein_error *err)
{
    const json_t *server = server_of(stand, asked, err);

    if (!server)
        return EIN_E_DENIED;
    return answered(stand, from_schema,
                    json_sprintf("%s: list of tools", text_or_empty(server, "url")),
                    json_deep_copy(json_object_get(server, "tools")), ret_answer, err);
}

static json_t *tool_result(const struct stand_in *stand, const json_t *schema)
{
    EIN_JSON json_t *sample = json_is_object(schema) ? sample_of_schema(schema, schema) : NULL;
    char *text = sample ? dump(stand, sample) : NULL;
    json_t *result =
        json_pack("{s:[{s:s, s:s}], s:O*, s:b}", "content", "type", "text", "text",
                  text ? text : "sample text", "structuredContent", sample, "isError", false);

    stand->host->mem_free(text);
    return result;
}

static int answer_tool(struct stand_in *stand, const struct asked *asked, json_t **ret_answer,
                       struct ein_error *err)
{
    const json_t *server = server_of(stand, asked, err);
    const char *name = text_or_empty(asked->params, "tool");
    const json_t *tool = list_find(json_object_get(server, "tools"), "name", name);
    const json_t *schema = json_object_get(tool, "outputSchema");
    EIN_JSON json_t *fault = NULL;

    if (!server)
        return EIN_E_DENIED;
    if (!tool && json_array_size(json_object_get(server, "tools")))
        return refuse(stand, err, EIN_E_DENIED, "It calls the tool '%s', which %s does not have.",
                      name, text_or_empty(server, "url"));
    fault =
        sample_fault(json_object_get(tool, "inputSchema"), json_object_get(asked->params, "args"));
    if (fault)
        return refuse(stand, err, EIN_E_INVALID,
                      "It calls the tool '%s' with arguments that do not fit: %s.", name,
                      json_string_value(fault));
    return answered(stand, json_is_object(schema) ? from_schema : from_nothing,
                    json_sprintf("%s: %s", text_or_empty(server, "url"), name),
                    tool_result(stand, schema), ret_answer, err);
}

/* ---- HTTP ---- */

static const json_t *operation_of(const struct stand_in *stand, const char *method, const char *url)
{
    const json_t *spec, *operation;
    size_t i, k;

    json_array_foreach(json_object_get(stand->declared, "specs"), i, spec)
    {
        json_array_foreach(json_object_get(spec, "operations"), k, operation)
        {
            if (strcasecmp(text_or_empty(operation, "method"), method) == 0 &&
                url_fits(url, text_or_empty(operation, "server"), text_or_empty(operation, "path")))
                return operation;
        }
    }
    return NULL;
}

/* What is wrong with the body that it sends; NULL: nothing. */
static json_t *body_fault(const json_t *operation, const struct asked *asked)
{
    const json_t *body = json_object_get(operation, "body");
    EIN_JSON json_t *sent = NULL;

    if (!json_is_object(body) || json_is_true(json_object_get(asked->params, "more")))
        return NULL; /* there is nothing to say of a part */
    if (asked->body_len == 0)
        return json_is_true(json_object_get(body, "required")) ? json_string("it needs a body")
                                                               : NULL;
    if (!strcasestr(text_or_empty(body, "contentType"), "json") ||
        json_more_values_than(asked->body, asked->body_len, BODY_VALUES_MAX))
        return NULL;
    if (!json_deeper_than(asked->body, asked->body_len, BODY_DEPTH_MAX))
        sent = json_loadb(asked->body, asked->body_len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    return sent ? sample_fault(json_object_get(body, "schema"), sent)
                : json_string("its body is no JSON");
}

/* Query parameters that the operation needs. */
static json_t *query_fault(const json_t *operation, const char *url)
{
    const json_t *parameters = json_object_get(operation, "parameters"), *required;
    size_t i;

    json_array_foreach(json_object_get(parameters, "required"), i, required)
    {
        const char *name = json_string_value(required);
        const json_t *property =
            json_object_get(json_object_get(parameters, "properties"), name ? name : "");
        if (strcmp(text_or_empty(property, "x-in"), "query") == 0 && !url_has_query(url, name))
            return json_sprintf("the query parameter '%s' is missing", name);
    }
    return NULL;
}

static int answer_response(struct stand_in *stand, const char *type, const char *from,
                           const json_t *body, int status, json_t *take_call, json_t **ret_answer,
                           struct ein_error *err)
{
    bool as_it_is = json_is_string(body) && !strcasestr(type, "json"); /* without quotation marks */
    char *text = body ? dump(stand, body) : NULL;
    const char *sent = as_it_is ? json_string_value(body) : text;
    json_t *answer = json_pack("{s:i, s:[[s, s]], s:s}", "status", status, "headers",
                               "content-type", type, "body", sent ? sent : "");

    stand->host->mem_free(text);
    return answered(stand, from, take_call, answer, ret_answer, err);
}

static int answer_operation(struct stand_in *stand, const json_t *operation,
                            const struct asked *asked, const char *called, json_t **ret_answer,
                            struct ein_error *err)
{
    const json_t *response = json_object_get(operation, "response");
    const json_t *schema = json_object_get(response, "schema");
    EIN_JSON json_t *fault = body_fault(operation, asked);
    EIN_JSON json_t *body = json_is_object(schema) ? sample_of_schema(schema, schema) : NULL;
    int status = atoi(text_or_empty(response, "status"));

    if (!fault)
        fault = query_fault(operation, text_or_empty(asked->params, "url"));
    if (fault)
        return refuse(stand, err, EIN_E_INVALID, "It calls %s wrongly: %s.", called,
                      json_string_value(fault));
    if (status < 200 || status > 299)
        status = 200;
    return answer_response(stand,
                           *text_or_empty(response, "contentType")
                               ? text_or_empty(response, "contentType")
                               : "application/json",
                           !response || json_is_null(response) || body ? from_schema : from_nothing,
                           body, status, json_string(called), ret_answer, err);
}

static int answer_http(struct stand_in *stand, const struct asked *asked, json_t **ret_answer,
                       struct ein_error *err)
{
    const char *method = text_or_empty(asked->params, "method"),
               *url = text_or_empty(asked->params, "url");
    const json_t *operation = operation_of(stand, method, url);
    EIN_JSON json_t *called = json_sprintf("%s %.*s", method, (int)strcspn(url, "?#"), url);
    EIN_JSON json_t *sample = json_pack("{s:s}", "sample", "value");
    const char *text = json_string_value(called);
    struct url_place place;

    if (!text)
        return error_no_memory(err);
    if (operation)
        return answer_operation(stand, operation, asked, text, ret_answer, err);
    if (url_place_read(url, &place) && declared_host(stand->declared, &place))
        return answer_response(stand, "application/json", from_nothing, sample, 200,
                               json_string(text), ret_answer, err);
    return refuse(stand, err, EIN_E_DENIED,
                  "It asks for %s, which is no operation of the declared APIs.", text);
}

/* ---- other agents ---- */

static int answer_agent(struct stand_in *stand, const struct asked *asked, json_t **ret_answer,
                        struct ein_error *err)
{
    const char *name = text_or_empty(asked->params, "name"), *field;
    const json_t *agent = declared_with(stand, "agents", "name", name), *given;
    const json_t *output = json_object_get(agent, "outputSchema");
    json_t *recorded = json_object_get(agent, "recorded"), *type, *call;

    if (!agent)
        return refuse(stand, err, EIN_E_DENIED, "It calls the agent '%s', which is not declared.",
                      name);
    given = json_object_get(asked->params, "input");
    json_object_foreach(json_object_get(agent, "inputSchema"), field, type)
    {
        if (!json_object_get(given, field))
            return refuse(stand, err, EIN_E_INVALID,
                          "It calls the agent '%s' without its input '%s'.", name, field);
    }
    call = json_sprintf("agent %s", name);
    if (recorded && !json_is_null(recorded))
        return answered(stand, from_run, call, json_incref(recorded), ret_answer, err);
    return answered(stand, json_object_size(output) ? from_types : from_nothing, call,
                    sample_of_fields(output), ret_answer, err);
}

/* ---- the data store ---- */

/* The value that an operation on `kept`, a namespace of `store`, gives; NULL: no memory, or of
 * store_get() that there is none. */
typedef json_t *store_fn(const json_t *store, json_t *kept, const json_t *params);

static json_t *store_get(const json_t *store, json_t *kept, const json_t *params)
{
    (void)store;
    return json_incref(json_object_get(kept, text_or_empty(params, "key")));
}

static json_t *store_set(const json_t *store, json_t *kept, const json_t *params)
{
    (void)store;
    (void)json_object_set(kept, text_or_empty(params, "key"), json_object_get(params, "value"));
    return json_null();
}

static json_t *store_delete(const json_t *store, json_t *kept, const json_t *params)
{
    (void)store;
    return json_boolean(json_object_del(kept, text_or_empty(params, "key")) == 0);
}

static json_t *store_clear(const json_t *store, json_t *kept, const json_t *params)
{
    size_t count = json_object_size(kept);

    (void)store;
    (void)params;
    (void)json_object_clear(kept);
    return json_integer((json_int_t)count);
}

static json_t *store_get_all(const json_t *store, json_t *kept, const json_t *params)
{
    (void)store;
    (void)params;
    return json_copy(kept);
}

static json_t *store_get_many(const json_t *store, json_t *kept, const json_t *params)
{
    json_t *found = json_object();
    const json_t *key;
    size_t i;

    (void)store;
    json_array_foreach(json_object_get(params, "keys"), i, key)
    {
        const char *name = json_string_value(key);
        json_t *value = name ? json_object_get(kept, name) : NULL;
        if (value)
            (void)json_object_set(found, name, value);
    }
    return found;
}

static json_t *store_set_many(const json_t *store, json_t *kept, const json_t *params)
{
    json_t *items = json_object_get(params, "items");

    (void)store;
    (void)json_object_update(kept, items);
    return json_integer((json_int_t)json_object_size(items));
}

static json_t *keys_of(const json_t *object, const char *prefix)
{
    json_t *keys = json_array(), *value;
    const char *key;

    json_object_foreach((json_t *)object, key, value)
    {
        if (strncmp(key, prefix, strlen(prefix)) == 0)
            (void)json_array_append_new(keys, json_string(key));
    }
    return keys;
}

static json_t *store_keys(const json_t *store, json_t *kept, const json_t *params)
{
    (void)store;
    return keys_of(kept, text_or_empty(params, "prefix"));
}

static json_t *store_namespaces(const json_t *store, json_t *kept, const json_t *params)
{
    (void)kept;
    (void)params;
    return keys_of(store, "");
}

static const struct operation {
    const char *name;
    bool writes;
    store_fn *operate;
} operations[] = {
    { "get", false, store_get },
    { "set", true, store_set },
    { "delete", true, store_delete },
    { "clear", true, store_clear },
    { "get_all", false, store_get_all },
    { "get_many", false, store_get_many },
    { "set_many", true, store_set_many },
    { "list_keys", false, store_keys },
    { "list_namespaces", false, store_namespaces },
};

static const struct operation *find_operation(const char *name)
{
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
        if (strcmp(operations[i].name, name) == 0)
            return &operations[i];
    return NULL;
}

/* "files:*" is all that begin with "files:". */
static bool is_namespace(const char *pattern, const char *name)
{
    size_t len = strlen(pattern);

    return len && pattern[len - 1] == '*' ? strncmp(pattern, name, len - 1) == 0
                                          : strcmp(pattern, name) == 0;
}

static bool may_use(const struct stand_in *stand, const char *name, bool writes)
{
    const json_t *spaces = json_object_get(stand->declared, "namespaces"), *space;
    size_t i;

    json_array_foreach((json_t *)spaces, i, space)
    {
        if (is_namespace(text_or_empty(space, "namespace"), name) &&
            strcmp(text_or_empty(space, "access"), writes ? "read" : "write") != 0)
            return true;
    }
    return json_is_null(spaces);
}

/* Counts what is written, names and all, whatever becomes of it later. */
static bool may_keep(struct stand_in *stand, const json_t *params)
{
    size_t len = json_dumpb(params, NULL, 0, JSON_COMPACT);

    if (len > stand->store_max - stand->stored)
        return false;
    stand->stored += len;
    return true;
}

static int answer_store(struct stand_in *stand, const struct asked *asked, json_t **ret_answer,
                        struct ein_error *err)
{
    const char *name = text_or_empty(asked->params, "namespace");
    const struct operation *operation = find_operation(asked->method + strlen("ds."));
    EIN_JSON json_t *nothing = json_object();
    json_t *kept = json_object_get(stand->store, name), *value;

    if (!operation)
        return error_set(err, EIN_E_INVALID, "The data store has no such operation.");
    if (operation->operate != store_namespaces && !may_use(stand, name, operation->writes))
        return refuse(stand, err, EIN_E_DENIED,
                      "It %s the namespace '%s' of the data store, which is not declared for that.",
                      operation->writes ? "writes to" : "reads", name);
    if (operation->writes && !may_keep(stand, asked->params))
        return error_set(err, EIN_E_TOO_LARGE,
                         "The agent writes more to the data store than the %zu bytes of "
                         "store_bytes, which a rehearsal keeps.",
                         stand->store_max);
    if (!kept && operation->writes &&
        json_object_set_new(stand->store, name, kept = json_object()) < 0)
        return error_no_memory(err);
    value = operation->operate(stand->store, kept ? kept : nothing, asked->params);
    return answered(
        stand, "an empty store", json_sprintf("data_store %s %s", operation->name, name),
        json_pack("{s:o, s:b}", "value", value ? value : json_null(), "found", value != NULL),
        ret_answer, err);
}

/* ---- the table ---- */

static const struct {
    const char *method;
    int (*answer)(struct stand_in *stand, const struct asked *asked, json_t **ret_answer,
                  struct ein_error *err);
} methods[] = {
    { "llm", answer_llm },       { "window", answer_window }, { "mcp.list", answer_list },
    { "mcp.call", answer_tool }, { "http", answer_http },     { "agent", answer_agent },
};

int stand_in_answer(void *data, const char *method, const json_t *params, const void *body,
                    size_t body_len, json_t **ret_answer, struct ein_error *err)
{
    struct stand_in *stand = data;
    const struct asked asked = { method, params, body, body_len };

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (strcmp(methods[i].method, method) == 0)
            return methods[i].answer(stand, &asked, ret_answer, err);
    if (strncmp(method, "ds.", 3) == 0)
        return answer_store(stand, &asked, ret_answer, err);
    return error_set(err, EIN_E_UNSUPPORTED, "A rehearsal has no answer to that call.");
}
