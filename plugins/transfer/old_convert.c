/* SPDX-License-Identifier: Apache-2.0 */
/* Agents, deployments, demos and records, in einion's form. */
#include "agent_doc.h"
#include "agent_secret.h"
#include "agent_version.h"
#include "base64url.h"
#include "cleanup.h"
#include "clock.h"
#include "document.h"
#include "error.h"
#include "old.h"
#include "ownership.h"
#include "python_json.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define DEMO_SET   "demos"
#define RECORD_SET "data_store"

#define EXACT_MAX 9007199254740992.0 /* 2^53 */

enum { NAME_MAX_BYTES = 64, FIRST_YEAR = 1970, LAST_YEAR = 9998 };

/* ---- reading ---- */

const json_t *old_member(const json_t *doc, const char *name)
{
    char snake[NAME_MAX_BYTES];
    const json_t *value = json_object_get(doc, name);
    size_t len = 0;

    for (const char *at = name; *at && len + 2 < sizeof(snake); at++) {
        if (isupper((unsigned char)*at))
            snake[len++] = '_';
        snake[len++] = (char)tolower((unsigned char)*at);
    }
    snake[len] = '\0';
    if (!value)
        value = json_object_get(doc, snake);
    return json_is_null(value) ? NULL : value;
}

int64_t old_integer(const json_t *doc, const char *name)
{
    double value = json_number_value(old_member(doc, name));

    return value >= -EXACT_MAX && value <= EXACT_MAX ? (int64_t)value : 0;
}

const char *old_text(const json_t *doc, const char *name)
{
    return json_string_value(old_member(doc, name));
}

bool old_time(const char *text, int64_t *ret_us, char ret_text[28])
{
    struct tm tm = { 0 };
    int64_t micros = 0;
    int unit = 100000;
    char digits[12];
    const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;

    if (!rest && text)
        rest = strptime(text, "%Y-%m-%d %H:%M:%S", &tm);
    if (!rest || tm.tm_year < FIRST_YEAR - 1900 || tm.tm_year > LAST_YEAR - 1900)
        return false;
    if (*rest == '.')
        for (rest++; isdigit((unsigned char)*rest); rest++, unit /= 10)
            micros += (*rest - '0') * unit;
    if (*rest && strcmp(rest, "Z") != 0 && strcmp(rest, "+00:00") != 0)
        return false;
    *ret_us = (int64_t)timegm(&tm) * 1000000 + micros;
    clock_iso_at(ret_text, *ret_us);
    (void)snprintf(digits, sizeof(digits), "%06u", (unsigned)micros % 1000000);
    memcpy(ret_text + sizeof("2026-11-23T14:05:59.") - 1, digits, 6);
    return true;
}

/* The time that DOC has at NAME, or else the present. */
static json_t *time_member(const json_t *doc, const char *name)
{
    char text[CLOCK_ISO_SIZE];
    int64_t us;

    if (!old_time(old_text(doc, name), &us, text))
        clock_iso(text);
    return json_string(text);
}

/* ---- checking ---- */

enum kind { TEXT, NUMBER, OBJECT, LIST, ANY };

static const char *const kind_names[] = { "a text", "a number", "an object", "a list", "" };

struct field {
    const char *name;
    enum kind kind;
    bool required;
    const char *otherwise; /* JSON text; NULL: null */
};

static bool is_kind(const json_t *value, enum kind kind)
{
    switch (kind) {
    case TEXT:
        return json_is_string(value);
    case NUMBER:
        return json_is_number(value);
    case OBJECT:
        return json_is_object(value);
    case LIST:
        return json_is_array(value);
    case ANY:
        return true;
    }
    return false;
}

static json_t *default_of(const struct field *field)
{
    return field->otherwise ? json_loads(field->otherwise, JSON_DECODE_ANY, NULL) : json_null();
}

/* A new object with FIELDS of DOC.  0; 1 and why not; or NO_MEMORY. */
static int take_fields(const json_t *doc, const struct field *fields, size_t count,
                       json_t **ret_object, char why[WHY_SIZE])
{
    EIN_JSON json_t *object = json_object();

    for (size_t i = 0; i < count; i++) {
        const struct field *field = &fields[i];
        const json_t *value = old_member(doc, field->name);

        if (!value && field->required) {
            (void)snprintf(why, WHY_SIZE, "it has no %s", field->name);
            return 1;
        }
        if (value && !is_kind(value, field->kind)) {
            (void)snprintf(why, WHY_SIZE, "its %s is not %s", field->name, kind_names[field->kind]);
            return 1;
        }
        if (json_object_set_new(object, field->name,
                                value ? json_deep_copy(value) : default_of(field)) < 0)
            return EIN_E_NO_MEMORY;
    }
    *ret_object = EIN_TAKE(object);
    return 0;
}
#define TAKE_FIELDS(doc, fields, ret_object, why)                                                  \
    take_fields(doc, fields, sizeof(fields) / sizeof((fields)[0]), ret_object, why)

/* ---- whose it is ---- */

/* What says itself whose it is stays theirs; all else goes to the owner of the settings. */
static int set_owner(const struct old *old, const json_t *doc, json_t *made)
{
    const char *uid = old_text(doc, "userId"), *workspace = old_text(doc, "workspaceId");

    if (!uid) {
        uid = old->transfer->owner;
        workspace = *old->transfer->workspace ? old->transfer->workspace : NULL;
    }
    if (json_object_set_new(made, "userId", json_string(uid)) < 0)
        return EIN_E_NO_MEMORY;
    return ownership_set(made, workspace);
}

/* ---- agents ---- */

static const struct field agent_fields[] = {
    { "name", TEXT, true, NULL },
    { "description", TEXT, true, NULL },
    { "code", TEXT, true, NULL },
    { "docstring", TEXT, false, NULL },
    { "friendlyName", TEXT, false, NULL },
    { "tools", OBJECT, false, "{}" },
    { "swaggerSpecs", LIST, false, "[]" },
    { "inputSchema", OBJECT, false, NULL },
    { "outputSchema", OBJECT, false, NULL },
    { "invokableModels", LIST, false, NULL },
    { "gofannonAgents", LIST, false, "[]" },
    { "composerThoughts", ANY, false, NULL },
    { "composerModelConfig", OBJECT, false, NULL },
    { "dataStoreConfig", LIST, false, "[]" },
};

/* What is there already is not looked at again: nor are its secrets. */
static int is_there(const struct old *old, const char *set, const char *id, bool *ret_is,
                    struct ein_error *err)
{
    const struct transfer *transfer = old->transfer;
    EIN_JSON json_t *there = NULL;
    int r = transfer->host->store->get(transfer->ctx, set, id, &there, err);

    *ret_is = r >= 0;
    return r == EIN_E_NOT_FOUND ? 0 : r;
}

/* The variables of its environment may be keys: their texts go to the vault, their names to
 * *ret_names. */
static int seal_variables(struct old *old, const json_t *agent, const json_t *variables,
                          json_t **ret_names, struct ein_error *err)
{
    EIN_JSON json_t *names = json_object();
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)variables, name, value)
    {
        const char *text = json_string_value(value);
        int r;

        if (!text || !*text)
            continue;
        r = agent_secret_set(old->transfer->host, old->transfer->ctx, text_of(agent, "_id"), name,
                             text, err);
        if (r < 0)
            return r;
        old->keys++;
        if (json_object_set_new(names, name,
                                json_pack("{s:O, s:O}", "updatedAt",
                                          json_object_get(agent, "updatedAt"), "updatedBy",
                                          json_object_get(agent, "userId"))) < 0)
            return error_no_memory(err);
    }
    *ret_names = EIN_TAKE(names);
    return 0;
}

static int put_secrets(struct old *old, const json_t *agent, const json_t *doc,
                       struct ein_error *err)
{
    const json_t *variables = old_member(doc, "envVars");
    EIN_JSON json_t *names = NULL;
    int r =
        json_object_size(variables) > 0 ? seal_variables(old, agent, variables, &names, err) : 0;

    if (r < 0 || json_object_size(names) == 0)
        return r;
    return load_put(old->load, SECRET_SET, text_of(agent, "_id"),
                    json_pack("{s:O}", "names", names), err);
}

static int put_agent(struct old *old, struct load_tally *tally, const json_t *agent,
                     const json_t *doc, struct ein_error *err)
{
    const char *id = text_of(agent, "_id");
    char version_id[DOC_ID_MAX + 32];
    json_t *version = agent_version_new(agent, text_of(agent, "userId"), 0);
    int r = load_begin(old->load, tally, err);

    (void)snprintf(version_id, sizeof(version_id), "%s:1", id);
    if (r < 0 || !version) {
        json_decref(version);
        return r < 0 ? r : error_no_memory(err);
    }
    r = load_put(old->load, AGENT_SET, id, json_copy((json_t *)agent), err);
    if (r < 0) {
        json_decref(version);
        return r;
    }
    r = load_put(old->load, VERSION_SET, version_id, version, err);
    return r < 0 ? r : put_secrets(old, agent, doc, err);
}

int old_take_agent(struct old *old, struct load_tally *tally, const json_t *doc, char why[WHY_SIZE],
                   struct ein_error *err)
{
    const char *id = text_of(doc, "_id");
    EIN_JSON json_t *agent = NULL;
    bool there;
    int r = TAKE_FIELDS(doc, agent_fields, &agent, why);

    if (r != 0)
        return r;
    if (strlen(id) > DOC_ID_MAX - 22) {
        (void)snprintf(why, WHY_SIZE, "its _id is too long");
        return 1;
    }
    r = is_there(old, AGENT_SET, id, &there, err);
    if (r < 0 || there) {
        tally->same += there;
        return r;
    }
    if (json_object_set_new(agent, "_id", json_string(id)) < 0 ||
        json_object_set_new(agent, "createdAt", time_member(doc, "createdAt")) < 0 ||
        json_object_set_new(agent, "updatedAt", time_member(doc, "updatedAt")) < 0 ||
        json_object_set_new(agent, "version", json_integer(1)) < 0 ||
        set_owner(old, doc, agent) < 0)
        return error_no_memory(err);
    return put_agent(old, tally, agent, doc, err);
}

/* ---- deployments ---- */

/* As its agent is now: what it was when it was deployed is not known. */
static json_t *deployment_of(const json_t *agent)
{
    char now[CLOCK_ISO_SIZE];
    json_t *content = agent_content(agent);
    const char *workspace = ownership_workspace(agent);
    EIN_JSON json_t *made = NULL;

    clock_iso(now);
    made = json_pack("{s:O, s:O, s:s, s:s, s:I, s:o}", "agentId", json_object_get(agent, "_id"),
                     "userId", json_object_get(agent, "userId"), "createdAt", now, "deployedAt",
                     now, "version", (json_int_t)agent_version(agent), "agent", content);
    return made && ownership_set(made, workspace) == 0 ? EIN_TAKE(made) : NULL;
}

int old_take_deployment(struct old *old, struct load_tally *tally, const json_t *doc,
                        char why[WHY_SIZE], struct ein_error *err)
{
    const struct transfer *transfer = old->transfer;
    const char *agent_id = old_text(doc, "agentId");
    EIN_JSON json_t *agent = NULL;
    int r;

    if (!agent_id || !*agent_id) {
        (void)snprintf(why, WHY_SIZE, "it has no agentId");
        return 1;
    }
    r = transfer->host->store->get(transfer->ctx, AGENT_SET, agent_id, &agent, err);
    if (r == EIN_E_NOT_FOUND || r == EIN_E_INVALID) {
        (void)snprintf(why, WHY_SIZE, "its agent %.100s is not here", agent_id);
        return 1;
    }
    if (r >= 0)
        r = load_begin(old->load, tally, err);
    return r < 0 ? r
                 : load_put(old->load, DEPLOYMENT_SET, text_of(doc, "_id"), deployment_of(agent),
                            err);
}

/* ---- demos ---- */

static const struct field demo_fields[] = {
    { "name", TEXT, true, NULL },
    { "description", TEXT, false, NULL },
    { "selectedApis", LIST, false, "[]" },
    { "modelConfig", OBJECT, true, NULL },
    { "userPrompt", TEXT, false, "\"\"" },
    { "generatedCode", OBJECT, true, NULL },
    { "composerThoughts", ANY, false, NULL },
};
static const struct field code_fields[] = {
    { "html", TEXT, false, "\"\"" },
    { "css", TEXT, false, "\"\"" },
    { "js", TEXT, false, "\"\"" },
    { "thoughts", ANY, false, NULL },
};

int old_take_demo(struct old *old, struct load_tally *tally, const json_t *doc, char why[WHY_SIZE],
                  struct ein_error *err)
{
    EIN_JSON json_t *demo = NULL;
    EIN_JSON json_t *code = NULL;
    int r = TAKE_FIELDS(doc, demo_fields, &demo, why);

    if (r == 0)
        r = TAKE_FIELDS(json_object_get(demo, "generatedCode"), code_fields, &code, why);
    if (r != 0)
        return r;
    if (json_object_set(demo, "generatedCode", code) < 0 ||
        json_object_set_new(demo, "created_at", time_member(doc, "createdAt")) < 0 ||
        json_object_set_new(demo, "updated_at", time_member(doc, "updatedAt")) < 0 ||
        set_owner(old, doc, demo) < 0)
        return error_no_memory(err);
    r = load_begin(old->load, tally, err);
    return r < 0 ? r : load_put(old->load, DEMO_SET, text_of(doc, "_id"), EIN_TAKE(demo), err);
}

/* ---- what agents keep ---- */

static const struct field record_fields[] = {
    { "userId", TEXT, true, NULL },
    { "namespace", TEXT, true, NULL },
    { "key", TEXT, true, NULL },
    { "metadata", OBJECT, false, "{}" },
    { "createdByAgent", TEXT, false, NULL },
    { "lastAccessedByAgent", TEXT, false, NULL },
    { "accessCount", NUMBER, false, "0" },
};

/* "USER:NAMESPACE:KEY", the key in base64.  free(). */
static char *record_id(const json_t *record)
{
    const char *key = text_of(record, "key");
    EIN_FREE char *base64 = base64url_encode_padded(key, strlen(key));
    char *id;

    if (!base64 || asprintf(&id, "%s:%s:%s", text_of(record, "userId"),
                            text_of(record, "namespace"), base64) < 0)
        return NULL;
    return id;
}

static int add_rest(json_t *record, const json_t *doc)
{
    const json_t *value = json_object_get(doc, "value");
    json_int_t count = (json_int_t)old_integer(record, "accessCount");
    bool read = old_text(doc, "lastAccessedAt");

    return json_object_set(record, "value", (json_t *)value) < 0 ||
                   json_object_set_new(record, "accessCount", json_integer(count)) < 0 ||
                   json_object_set_new(record, "createdAt", time_member(doc, "createdAt")) < 0 ||
                   json_object_set_new(record, "updatedAt", time_member(doc, "updatedAt")) < 0 ||
                   json_object_set_new(record, "lastAccessedAt",
                                       read ? time_member(doc, "lastAccessedAt") : json_null()) <
                       0 ||
                   json_object_set_new(record, "sizeBytes",
                                       json_integer((json_int_t)python_json(value, NULL, 0))) < 0
               ? EIN_E_NO_MEMORY
               : 0;
}

int old_take_record(struct old *old, struct load_tally *tally, const json_t *doc,
                    char why[WHY_SIZE], struct ein_error *err)
{
    EIN_JSON json_t *record = NULL;
    EIN_FREE char *id = NULL;
    int r = TAKE_FIELDS(doc, record_fields, &record, why);

    if (r == 0 && !json_object_get(doc, "value")) {
        (void)snprintf(why, WHY_SIZE, "it has no value");
        r = 1;
    }
    if (r != 0)
        return r;
    id = record_id(record);
    if (!id || add_rest(record, doc) < 0)
        return error_no_memory(err);
    if (strlen(id) > DOC_ID_MAX) {
        (void)snprintf(why, WHY_SIZE, "its namespace and key are too long");
        return 1;
    }
    r = load_begin(old->load, tally, err);
    return r < 0 ? r : load_put(old->load, RECORD_SET, id, EIN_TAKE(record), err);
}
