/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "clock.h"
#include "ownership.h"
#include "runs.h"

#include <math.h>
#include <string.h>

/* ---- what is kept of values ---- */

json_t *record_text(const struct runs *runs, const char *text)
{
    char *safe = text ? runs->host->redact(text) : NULL;
    json_t *kept = safe ? json_string(safe) : json_null();

    runs->host->mem_free(safe);
    return kept;
}

/* What is left of a JSON TEXT; NULL: its secrets were part of what makes it JSON, or no memory. */
static json_t *safe_json(const struct runs *runs, const char *text, bool *redacted)
{
    char *safe = runs->host->redact(text);
    json_t *kept = safe ? json_loads(safe, JSON_DECODE_ANY, NULL) : NULL;

    *redacted |= !safe || strcmp(safe, text) != 0;
    runs->host->mem_free(safe);
    return kept;
}

/* VALUE without secrets, or what stands for one that is too large. */
static json_t *record_value(const struct runs *runs, const json_t *value, struct keeping *keeping)
{
    size_t len;
    json_t *kept;
    char *text = value && !json_is_null(value) ? runs->host->json_text(value, &len) : NULL;

    if (!text)
        return json_null();
    if (len > runs->value_max) {
        kept = json_pack("{s:b, s:I}", "tooLarge", 1, "bytes", (json_int_t)len);
    } else {
        keeping->bytes += (int64_t)len;
        kept = safe_json(runs, text, &keeping->redacted);
        if (!kept)
            kept = record_text(runs, text);
    }
    runs->host->mem_free(text);
    return kept ? kept : json_null();
}

json_t *record_event(const struct runs *runs, const json_t *event, int64_t *ret_bytes)
{
    size_t len = 0;
    char *text = runs->host->json_text(event, &len);
    bool redacted = false;
    json_t *kept = text ? safe_json(runs, text, &redacted) : NULL;

    if (text && !kept)
        kept = json_pack("{s:s*, s:o}", "type", text_of(event, "type"), "message",
                         record_text(runs, text));
    runs->host->mem_free(text);
    *ret_bytes = (int64_t)len;
    return kept;
}

/* ---- the beginning ---- */

/* What code that is no agent's may use; an agent's version has it. */
static json_t *record_declared(const struct runs *runs, const json_t *declared,
                               struct keeping *kept)
{
    static const char *const members[] = { "tools",           "gofannonAgents",  "llmSettings",
                                           "swaggerSpecs",    "invokableModels", "allowedHosts",
                                           "dataStoreConfig", "outputSchema" };
    EIN_JSON json_t *all = json_is_object(declared) ? json_object() : NULL;

    for (size_t i = 0; all && i < sizeof(members) / sizeof(members[0]); i++) {
        json_t *value = json_object_get(declared, members[i]);
        if (value && json_object_set(all, members[i], value) < 0)
            return json_null();
    }
    return record_value(runs, all, kept);
}

json_t *record_begin(const struct runs *runs, const struct ein_run_about *about,
                     const char *code_hash, struct keeping *kept)
{
    char now[CLOCK_ISO_SIZE];
    json_t *record;

    clock_iso(now);
    record = json_pack(
        "{s:s, s:s, s:s?, s:s?, s:o, s:s, s:s?, s:s?, s:s, s:o, s:n, s:n, s:n, s:n, s:s, "
        "s:n, s:n, s:n, s:{s:i, s:i, s:f}, s:i, s:I, s:I, s:s?, s:o}",
        "userId", about->user_id, "kind", about->kind, "agentId", about->agent_id, "agentName",
        about->agent_name, "version", about->version ? json_integer(about->version) : json_null(),
        "codeHash", code_hash, "requestId", about->request_id, "keyId", about->key_id, "status",
        "running", "input", record_value(runs, about->input, kept), "result", "error", "opsLog",
        "reason", "startedAt", now, "waitedMs", "endedAt", "durationMs", "usage", "inputTokens", 0,
        "outputTokens", 0, "costUsd", 0.0, "eventCount", 0, "startedMs",
        (json_int_t)clock_wall_ms(), "dueAt", (json_int_t)(clock_wall_ms() + runs->lease_ms),
        "repeats", about->repeats, "declared", record_declared(runs, about->declared, kept));
    if (record)
        (void)json_object_set_new(record, "redacted", json_boolean(kept->redacted));
    if (record && ownership_set(record, about->workspace_id) < 0) {
        json_decref(record);
        return NULL;
    }
    return record;
}

/* ---- on the way ---- */

static void add_integer(json_t *object, const char *member, json_int_t by)
{
    (void)json_object_set_new(object, member, json_integer(integer_of(object, member) + by));
}

void record_count(json_t *record, const json_t *event)
{
    const char *type = text_of(event, "type");
    json_t *usage; /* a new one: somebody may be reading the old one */

    if (!type || strcmp(type, "llm_call") != 0)
        return;
    usage = json_copy(json_object_get(record, "usage"));
    double cost = json_number_value(json_object_get(usage, "costUsd")) +
                  json_number_value(json_object_get(event, "cost_usd"));

    add_integer(usage, "inputTokens", integer_of(event, "input_tokens"));
    add_integer(usage, "outputTokens", integer_of(event, "output_tokens"));
    (void)json_object_set_new(usage, "costUsd", json_real(round(cost * 1e9) / 1e9));
    (void)json_object_set_new(record, "usage", usage);
}

/* ---- the end ---- */

static const char *status_of(const struct ein_run *run, const json_t *outcome)
{
    if (run->runs->host->cancel->fired(run->cancel))
        return "stopped";
    return outcome && json_is_null(json_object_get(outcome, "error")) ? "completed" : "failed";
}

static json_t *reason_of(const struct ein_run *run, const char *status, const struct ein_error *why)
{
    if (strcmp(status, "stopped") != 0)
        return why ? record_text(run->runs, why->text) : json_null();
    if (run->end == RUN_STOPPED)
        return json_sprintf("%s stopped it.", run->stopped_by);
    return json_string(run->end == RUN_SERVER_STOPS ? "The server stopped."
                       : run->end == RUN_BLOCKED    ? "Who ran it was blocked."
                                                    : "Its client left.");
}

int record_end(struct ein_run *run, const json_t *outcome, const struct ein_error *why)
{
    struct runs *runs = run->runs;
    const char *status = status_of(run, outcome), *error = text_of(outcome, "error");
    char now[CLOCK_ISO_SIZE];
    int64_t ended_ms = clock_wall_ms();

    clock_iso(now);
    EIN_JSON json_t *end =
        json_pack("{s:s, s:o, s:o, s:o, s:o, s:s, s:I, s:I}", "status", status, "result",
                  record_value(runs, json_object_get(outcome, "result"), &run->kept), "error",
                  record_text(runs, error ? error
                                    : why ? why->text
                                          : NULL),
                  "opsLog", record_value(runs, json_object_get(outcome, "opsLog"), &run->kept),
                  "reason", reason_of(run, status, why), "endedAt", now, "durationMs",
                  (json_int_t)(clock_mono_ms() - run->began_ms), "dueAt",
                  (json_int_t)(ended_ms + runs->keep_ms));
    return end ? json_object_update(run->record, end) : -1;
}

/* ---- shown ---- */

bool record_is_running(const json_t *record)
{
    const char *status = text_of(record, "status");

    return status && strcmp(status, "running") == 0;
}

json_t *record_show(const json_t *record, const char *id)
{
    static const char *const inside[] = { "_id", "_rev", "owner", "dueAt", "startedMs", "bytes" };
    json_t *shown = json_pack("{s:s}", "_id", id);

    if (!shown || json_object_update(shown, (json_t *)record) < 0) {
        json_decref(shown);
        return NULL;
    }
    for (size_t i = 1; i < sizeof(inside) / sizeof(inside[0]); i++)
        (void)json_object_del(shown, inside[i]);
    return shown;
}
