/* SPDX-License-Identifier: Apache-2.0 */
#include "agent_document.h"

#include "cleanup.h"
#include "clock.h"
#include "ids.h"
#include "member.h"
#include "ownership.h"
#include "provider_config.h"

enum null_means { NULL_IS_NULL, NULL_IS_EMPTY_LIST, NULL_IS_FAULT };

/* In the order in which they are shown. */
static const struct field {
    const char *name;
    enum null_means null_means;
    const char *fault_type, *fault_msg;
} fields[] = {
    { "name", NULL_IS_FAULT, "string_type", "Input should be a valid string" },
    { "description", NULL_IS_FAULT, "string_type", "Input should be a valid string" },
    { "code", NULL_IS_FAULT, "string_type", "Input should be a valid string" },
    { "docstring", NULL_IS_NULL },
    { "friendlyName", NULL_IS_NULL },
    { "tools", NULL_IS_FAULT, "dict_type", "Input should be a valid dictionary" },
    { "swaggerSpecs", NULL_IS_EMPTY_LIST },
    { "inputSchema", NULL_IS_NULL },
    { "outputSchema", NULL_IS_NULL },
    { "invokableModels", NULL_IS_NULL },
    { "gofannonAgents", NULL_IS_EMPTY_LIST },
    { "composerThoughts", NULL_IS_NULL },
    { "composerModelConfig", NULL_IS_NULL },
    { "dataStoreConfig", NULL_IS_EMPTY_LIST },
    { "allowedHosts", NULL_IS_NULL },
};
enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

static int set_field(json_t *agent, const struct field *field, json_t *value)
{
    if (json_is_null(value) && field->null_means == NULL_IS_EMPTY_LIST)
        return json_object_set_new(agent, field->name, json_array());
    return json_object_set(agent, field->name, value);
}

/* The members are shared with BODY, which nobody changes. */
static int set_fields(json_t *agent, const json_t *body)
{
    for (size_t i = 0; i < FIELDS; i++) {
        json_t *value = json_object_get(body, fields[i].name);

        if (value && set_field(agent, &fields[i], value) < 0)
            return -1;
    }
    return 0;
}

json_t *document_new(const json_t *body, const char *uid)
{
    char id[UUID_SIZE], now[CLOCK_ISO_SIZE];
    EIN_JSON json_t *agent = json_object();

    uuid_make(id);
    clock_iso(now);
    if (set_fields(agent, body) < 0 ||
        json_object_update_new(agent, json_pack("{s:s, s:s, s:s, s:s}", "_id", id, "createdAt", now,
                                                "updatedAt", now, "userId", uid)) < 0 ||
        ownership_set(agent, ownership_workspace(body)) < 0)
        return NULL;
    return EIN_TAKE(agent);
}

json_t *document_merge(const json_t *agent, const json_t *body)
{
    char now[CLOCK_ISO_SIZE];
    EIN_JSON json_t *merged = json_copy((json_t *)agent);

    clock_iso(now);
    if (set_fields(merged, body) < 0 ||
        json_object_set_new(merged, "updatedAt", json_string(now)) < 0)
        return NULL;
    if (ownership_moves(agent, body) && ownership_set(merged, ownership_workspace(body)) < 0)
        return NULL;
    return EIN_TAKE(merged);
}

json_t *document_null_faults(const json_t *body)
{
    EIN_JSON json_t *faults = json_array();

    for (size_t i = 0; i < FIELDS; i++) {
        if (fields[i].null_means != NULL_IS_FAULT ||
            !json_is_null(json_object_get(body, fields[i].name)))
            continue;
        if (json_array_append_new(
                faults, json_pack("{s:s, s:[s, s], s:s}", "type", fields[i].fault_type, "loc",
                                  "body", fields[i].name, "msg", fields[i].fault_msg)) < 0)
            return NULL;
    }
    return EIN_TAKE(faults);
}

static int append_model_fault(json_t *faults, const json_t *config, json_t *take_loc)
{
    EIN_JSON json_t *loc = take_loc;
    json_t *fault = loc ? provider_config_fault(config, loc, config) : NULL;

    if (!loc)
        return -1;
    return fault ? json_array_append_new(faults, fault) : 0;
}

json_t *document_model_faults(const json_t *body)
{
    EIN_JSON json_t *faults = json_array();
    const json_t *models = json_object_get(body, "invokableModels");
    const json_t *composer = json_object_get(body, "composerModelConfig");
    size_t i;
    json_t *model;

    json_array_foreach(
        models, i, model) if (append_model_fault(faults, model,
                                                 json_pack("[s, s, i]", "body", "invokableModels",
                                                           (int)i)) < 0) return NULL;
    if (append_model_fault(faults, composer, json_pack("[s, s]", "body", "composerModelConfig")) <
        0)
        return NULL;
    return EIN_TAKE(faults);
}

json_t *document_content(const json_t *agent)
{
    EIN_JSON json_t *content = json_object();

    for (size_t i = 0; i < FIELDS; i++)
        if (copy_member(content, agent, fields[i].name) < 0)
            return NULL;
    return EIN_TAKE(content);
}

void document_hide_unset(json_t *shown)
{
    if (json_is_null(json_object_get(shown, "allowedHosts")))
        (void)json_object_del(shown, "allowedHosts");
}

json_t *document_show(const json_t *agent, const char *rev)
{
    static const char *const own[] = { "_id", "_rev", "createdAt", "updatedAt" };
    EIN_JSON json_t *shown = document_content(agent);

    if (!shown)
        return NULL;
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (copy_member(shown, agent, own[i]) < 0)
            return NULL;
    if (rev && json_object_set_new(shown, "_rev", json_string(rev)) < 0)
        return NULL;
    document_hide_unset(shown);
    /* Where there is none, the answer is what it was before there were workspaces. */
    if (ownership_workspace(agent) && copy_member(shown, agent, "workspaceId") < 0)
        return NULL;
    return EIN_TAKE(shown);
}
