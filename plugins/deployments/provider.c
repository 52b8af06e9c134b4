/* SPDX-License-Identifier: Apache-2.0 */
/* llm_provider/1 "gofannon": deployed agents as models */
#include "deployments.h"

#include "agent_doc.h"
#include "cleanup.h"
#include "error.h"
#include "http_json.h"
#include "input.h"
#include "served.h"
#include "served_page.h"
#include <stdbool.h>
#include <stdio.h>

enum { PAGE = 100 }; /* deployments that are read in one go */

#define WIRE "gofannon" /* of the replay that has the whole result */

/* What USER_ID may see, where the caller has not said; json_decref. */
static json_t *seen_by(const char *user_id, const json_t *visible)
{
    return visible ? json_incref((json_t *)visible)
                   : json_pack("{s:s, s:n}", "userId", user_id ? user_id : "", "workspaceId");
}

/* ---- what there is ---- */

static json_t *parameters_of(const json_t *agent)
{
    json_t *parameters = json_object();
    const char *field;
    json_t *type;

    json_object_foreach(json_object_get(agent, "inputSchema"), field, type)
    {
        json_t *parameter =
            json_pack("{s:O, s:s, s:s}", "type", type, "description", field, "default", "");

        if (json_object_set_new(parameters, field, parameter) < 0) {
            json_decref(parameters);
            return NULL;
        }
    }
    return parameters;
}

static int add_models(const json_t *page, json_t *models, struct ein_error *err)
{
    const json_t *entry;
    size_t i;

    json_array_foreach(page, i, entry)
    {
        const json_t *agent = json_object_get(entry, "agent");
        json_t *model =
            json_pack("{s:O, s:O, s:O?, s:o}", "name", json_object_get(entry, "name"), "id",
                      json_object_get(agent, "_id"), "description",
                      json_object_get(agent, "description"), "parameters", parameters_of(agent));

        if (json_array_append_new(models, model) < 0)
            return error_no_memory(err);
    }
    return 0;
}

static int models_of(void *impl, const char *user_id, const json_t *visible, json_t **ret_models,
                     struct ein_error *err)
{
    const struct deployments *self = impl;
    EIN_JSON json_t *where = seen_by(user_id, visible);
    EIN_JSON json_t *models = json_array();
    char *cursor = NULL;
    int r = 0;

    if (!where || !models)
        return error_no_memory(err);
    do {
        EIN_JSON json_t *page = NULL;
        char *next = NULL;

        r = served_page(self->host, self->ctx, where, PAGE, cursor, false, &page, &next, err);
        self->host->mem_free(cursor);
        cursor = next;
        if (r >= 0)
            r = add_models(page, models, err);
    } while (r >= 0 && cursor);
    self->host->mem_free(cursor);
    if (r < 0)
        return r;
    *ret_models = EIN_TAKE(models);
    return 0;
}

/* ---- a call ---- */

struct calling {
    const struct deployments *self;
    const struct ein_llm_call *call;
    const json_t *visible, *scopes;
    ein_llm_sink *sink;
    void *data;
};

static int find_served(const struct calling *calling, struct served *ret_served,
                       struct ein_error *err)
{
    const struct deployments *self = calling->self;
    int r = served_find(self->host, self->ctx, calling->visible, calling->scopes,
                        calling->call->model, ret_served, err);

    if (r == EIN_E_NOT_FOUND)
        return error_set(err, r, "Could not find a deployed agent with name '%.150s'",
                         calling->call->model);
    return r;
}

static int send(const struct calling *calling, int kind, const char *text, const json_t *data)
{
    const struct ein_llm_piece piece = {
        .struct_size = sizeof(piece), .kind = kind, .text = text, .data = data
    };

    return calling->sink(&piece, calling->data) ? EIN_E_CANCELLED : 0;
}

/* `outputText` as a text, or else all of RESULT as JSON; mem_free. */
static char *content_of(const struct deployments *self, const json_t *result)
{
    const json_t *text = json_object_get(result, "outputText");

    return json_is_string(text) ? self->host->text_dup(json_string_value(text))
                                : self->host->json_text(text ? text : result, NULL);
}

static int send_result(const struct calling *calling, const json_t *result, struct ein_error *err)
{
    const struct ein_host *host = calling->self->host;
    EIN_JSON json_t *whole =
        json_pack("{s:{s:s, s:O}}", "replay", "wire", WIRE, "result", (json_t *)result);
    char *content = content_of(calling->self, result);
    int r = whole && content ? send(calling, EIN_LLM_THOUGHT, NULL, whole) : error_no_memory(err);

    if (r == 0 && *content)
        r = send(calling, EIN_LLM_TEXT, content, NULL);
    host->mem_free(content);
    return r == EIN_E_CANCELLED ? error_set(err, r, "The call was cancelled.") : r;
}

static int run(const struct calling *calling, const struct served *served, const json_t *input,
               json_t **ret_outcome, struct ein_error *err)
{
    const struct ein_llm_call *call = calling->call;
    struct agent_order order = served_order(served, call->model, input);

    order.kind = "chat";
    order.run.timeout_ms = call->total_ms;
    order.run.user_id = call->user_id;
    order.run.key_id = EIN_HAS(struct ein_llm_call, call, key_id) ? call->key_id : NULL;
    order.run.cancel = call->cancel;
    order.run.visible = calling->visible;
    order.run.scopes = calling->scopes;
    int r = agent_run_as(calling->self->host, calling->self->ctx, &order, ret_outcome, err);
    const char *error = json_string_value(json_object_get(r < 0 ? NULL : *ret_outcome, "error"));

    return error ? error_set(err, EIN_E_INTERNAL, "Error executing agent: %s", error) : r;
}

static int call_served(const struct calling *calling, const struct served *served,
                       struct ein_llm_outcome *outcome, struct ein_error *err)
{
    EIN_JSON json_t *input = NULL;
    EIN_JSON json_t *run_outcome = NULL;
    int r = input_make(json_object_get(served->agent, "inputSchema"), calling->call->parameters,
                       calling->call->messages, &input, err);

    if (r == EIN_E_INVALID)
        outcome->fault = EIN_LLM_FAULT_BAD_REQUEST;
    if (r == 0)
        r = run(calling, served, input, &run_outcome, err);
    if (r == EIN_E_BUSY)
        outcome->fault = EIN_LLM_FAULT_OVERLOADED;
    if (r == 0)
        r = send_result(calling, json_object_get(run_outcome, "result"), err);
    return r;
}

static int call_agent(const struct calling *calling, struct ein_llm_outcome *outcome,
                      struct ein_error *err)
{
    struct served served = { 0 };
    int r = find_served(calling, &served, err);

    if (r == EIN_E_NOT_FOUND)
        outcome->fault = EIN_LLM_FAULT_BAD_REQUEST;
    if (r == EIN_E_DENIED)
        outcome->fault = EIN_LLM_FAULT_BAD_KEY;
    if (r == 0)
        r = call_served(calling, &served, outcome, err);
    served_done(&served);
    return r;
}

static int complete(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink, void *data,
                    struct ein_llm_outcome *ret_outcome, struct ein_error *err)
{
    bool has_visible = EIN_HAS(struct ein_llm_call, call, visible);
    bool has_user = EIN_HAS(struct ein_llm_call, call, user_id);
    EIN_JSON json_t *visible =
        seen_by(has_user ? call->user_id : NULL, has_visible ? call->visible : NULL);
    bool has_scopes = EIN_HAS(struct ein_llm_call, call, scopes);
    const struct calling calling = { impl, call, visible, has_scopes ? call->scopes : NULL,
                                     sink, data };

    if (!visible)
        return error_no_memory(err);
    int r = call_agent(&calling, ret_outcome, err);
    if (r == 0)
        (void)snprintf(ret_outcome->stop_reason, sizeof(ret_outcome->stop_reason), "stop");
    return r;
}

const struct ein_llm_provider deployments_provider = {
    .struct_size = sizeof(deployments_provider),
    .complete = complete,
    .models_of = models_of,
};
