/* SPDX-License-Identifier: Apache-2.0 */
#include "prove.h"
#include "agent_run.h"
#include "answer.h"
#include "cleanup.h"
#include "error.h"
#include "ids.h"
#include "sample.h"
#include "schema_warnings.h"
#include "stand_in.h"

#include <stdio.h>
#include <string.h>

extern const char check_py[]; /* check.py */

enum { CHECK_MS = 20000, CPU_S = 10, LINES = 500, TAIL = 700 };

void proof_done(struct proof *proof)
{
    json_decref(proof->faults);
    json_decref(proof->input);
    json_decref(proof->result);
    json_decref(proof->calls);
    *proof = (struct proof){ NULL, NULL, NULL, NULL };
}

static int add_fault(struct proof *proof, json_t *take_sentence)
{
    return json_array_append_new(proof->faults, take_sentence) < 0 ? EIN_E_NO_MEMORY : 0;
}

static int add_faults(struct proof *proof, const json_t *faults)
{
    return json_is_array(faults) && json_array_extend(proof->faults, (json_t *)faults) < 0
               ? EIN_E_NO_MEMORY
               : 0;
}

static int fail(struct composing *composing, const struct ein_error *err)
{
    if (err->code == EIN_E_CANCELLED || err->code == EIN_E_NO_MEMORY)
        return err->code;
    if (err->code == EIN_E_UNAVAILABLE)
        return answer_fail(composing, 503, "What is composed cannot be proved: %s", err->text);
    return answer_fail_error(composing, err);
}

int prove_ready(struct composing *composing)
{
    const struct composer *composer = composing->composer;
    EIN_JSON json_t *status = NULL;
    struct ein_error err = { 0 };
    const struct ein_service *service;
    int r;

    if (composer->host->acquire(composer->ctx, EIN_AGENT_RUNTIME, NULL, &service) < 0)
        return answer_fail(composing, 503,
                           "What is composed cannot be proved: the server has no agent runtime.");
    const struct ein_agent_runtime *runtime = service->vtable;
    r = runtime->status(service->impl, &status, &err);
    composer->host->release(composer->ctx, service);
    if (r < 0)
        return fail(composing, &err);
    if (strcmp(text_or_empty(status, "state"), "off") == 0)
        return answer_fail(composing, 503, "What is composed cannot be proved: agents are off: %s",
                           text_or_empty(status, "reason"));
    return 0;
}

/* ---- reading the code ---- */

/* Reading calls nothing. */
static int refuse_all(void *data, const char *method, const json_t *params, const void *body,
                      size_t body_len, json_t **ret_answer, struct ein_error *err)
{
    (void)data;
    (void)method;
    (void)params;
    (void)body;
    (void)body_len;
    (void)ret_answer;
    return error_set(err, EIN_E_DENIED, "The check of code calls nothing.");
}

/* What the check needs of an API: which operations there are. */
static json_t *slim_spec(const json_t *spec)
{
    json_t *operations = json_array();
    const json_t *operation;
    size_t i;

    json_array_foreach(json_object_get(spec, "operations"), i, operation)
    {
        (void)json_array_append_new(
            operations, json_pack("{s:O, s:O, s:O}", "method", json_object_get(operation, "method"),
                                  "path", json_object_get(operation, "path"), "server",
                                  json_object_get(operation, "server")));
    }
    return json_pack("{s:o}", "operations", operations);
}

static json_t *slim(const json_t *declared)
{
    EIN_JSON json_t *slim = json_copy((json_t *)declared);
    EIN_JSON json_t *specs = json_array();
    const json_t *spec;
    size_t i;

    json_array_foreach(json_object_get(declared, "specs"), i, spec)
    {
        if (json_array_append_new(specs, slim_spec(spec)) < 0)
            return NULL;
    }
    return json_object_set(slim, "specs", specs) < 0 ? NULL : EIN_TAKE(slim);
}

static int run_check(struct composing *composing, const char *code, json_t **ret_outcome,
                     struct ein_error *err)
{
    const struct composer *composer = composing->composer;
    EIN_JSON json_t *input =
        json_pack("{s:s, s:o}", "code", code, "declared", slim(composing->declared));
    EIN_JSON json_t *nothing = json_object();
    char run_id[UUID_SIZE];
    const struct ein_agent_run run = {
        .struct_size = sizeof(run),
        .timeout_ms = CHECK_MS,
        .run_id = run_id,
        .user_id = composer->host->http->identity(composing->req)->uid,
        .agent_name = "check",
        .code = check_py,
        .input = input,
        .tools = nothing,
        .cancel = composer->host->http->cancel(composing->req),
        .stand_in = refuse_all,
    };
    const struct ein_service *service;
    int r;

    uuid_make(run_id);
    if (!input || !nothing)
        return error_no_memory(err);
    if (composer->host->acquire(composer->ctx, EIN_AGENT_RUNTIME, NULL, &service) < 0)
        return error_set(err, EIN_E_UNAVAILABLE, "the server has no agent runtime.");
    const struct ein_agent_runtime *runtime = service->vtable;
    error_clear(err);
    r = error_due(err, runtime->run(service->impl, &run, ret_outcome, err));
    composer->host->release(composer->ctx, service);
    return r;
}

static int check(struct composing *composing, const char *code, struct proof *proof)
{
    EIN_JSON json_t *outcome = NULL;
    struct ein_error err = { 0 };
    int r = run_check(composing, code, &outcome, &err);

    if (r < 0)
        return fail(composing, &err);
    if (json_is_string(json_object_get(outcome, "error")))
        return add_fault(proof,
                         json_sprintf("It cannot be read: %s", text_or_empty(outcome, "error")));
    return add_faults(proof, json_object_get(json_object_get(outcome, "result"), "faults"));
}

/* ---- running it ---- */

/* The end of the traceback tells where in the code it was. */
struct witness {
    char tail[TAIL + 1];
};

static int watch(const json_t *event, void *data)
{
    struct witness *witness = data;
    const char *text = text_or_empty(event, "traceback");
    size_t len = strlen(text), from = len > TAIL ? len - TAIL : 0;

    if (strcmp(text_or_empty(event, "type"), "error") != 0)
        return 0;
    while (text[from] && ((unsigned char)text[from] & 0xc0) == 0x80)
        from++;
    (void)snprintf(witness->tail, sizeof(witness->tail), "%s", text + from);
    return 0;
}

/* Errors that an answer of another form than the real one explains as well. */
static bool may_be_our_answer(const struct stand_in *stand, const char *error)
{
    static const char *const kinds[] = { "KeyError:", "IndexError:", "JSONDecodeError:",
                                         "ValueError:" };

    for (size_t i = 0; stand->blind && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strncmp(error, kinds[i], strlen(kinds[i])) == 0)
            return true;
    return false;
}

static int judge_error(struct composing *composing, const struct stand_in *stand,
                       const struct witness *witness, const char *error, struct proof *proof)
{
    if (!may_be_our_answer(stand, error))
        return add_fault(proof, json_sprintf("Run on sample input it failed with %s%s%s", error,
                                             *witness->tail ? "\n" : "", witness->tail));
    return json_array_append_new(
               composing->notes,
               json_sprintf(
                   "The rehearsal ended early, with %s: it was given an answer whose real form "
                   "is not known.",
                   error)) < 0
               ? EIN_E_NO_MEMORY
               : 0;
}

static int judge(struct composing *composing, const struct stand_in *stand,
                 const struct witness *witness, const json_t *outcome, struct proof *proof)
{
    const char *error = json_string_value(json_object_get(outcome, "error"));
    EIN_JSON json_t *warnings = NULL;
    int r = add_faults(proof, stand->faults);

    proof->calls = json_incref(stand->calls);
    proof->result = json_incref(json_object_get(outcome, "result"));
    if (r == 0 && error && json_array_size(stand->faults) == 0)
        r = judge_error(composing, stand, witness, error, proof);
    if (r < 0 || error)
        return r;
    warnings = schema_warnings(proof->result, json_object_get(composing->body, "outputSchema"));
    return warnings ? add_faults(proof, warnings) : EIN_E_NO_MEMORY;
}

static int rehearse(struct composing *composing, const char *code, struct proof *proof,
                    struct stand_in *stand)
{
    const struct composer *composer = composing->composer;
    const struct ein_http *http = composer->host->http;
    const struct ein_identity *identity = http->identity(composing->req);
    EIN_JSON json_t *limits = json_pack("{s:i, s:i}", "cpu_s", CPU_S, "output_events", LINES);
    EIN_JSON json_t *outcome = NULL;
    struct witness witness = { "" };
    struct ein_error err = { 0 };
    struct agent_order order = { .kind = "compose" };
    int r;

    order.run = (struct ein_agent_run){
        .timeout_ms = composer->proof_ms,
        .user_id = identity->uid,
        .key_id = json_string_value(json_object_get(identity->claims, "keyId")),
        .request_id = http->request_id(composing->req),
        .agent_name = "composed",
        .code = code,
        .input = proof->input,
        .tools = json_object_get(composing->body, "tools"),
        .limits = limits,
        .cancel = http->cancel(composing->req),
        .trace = watch,
        .trace_data = &witness,
        .stand_in = stand_in_answer,
        .stand_in_data = stand,
    };
    /* Not in the name of the request: several runs are no header of one reply. */
    r = agent_run_as(composer->host, composer->ctx, &order, &outcome, &err);
    return r < 0 ? fail(composing, &err) : judge(composing, stand, &witness, outcome, proof);
}

static int run_on_sample(struct composing *composing, const char *code, struct proof *proof)
{
    const json_t *given = json_object_get(composing->body, "sampleInput");
    struct stand_in stand;
    int r = stand_in_init(&stand, composing);

    proof->input = json_is_object(given)
                       ? json_incref((json_t *)given)
                       : sample_of_fields(json_object_get(composing->body, "inputSchema"));
    if (!proof->input)
        r = EIN_E_NO_MEMORY;
    if (r == 0)
        r = rehearse(composing, code, proof, &stand);
    stand_in_done(&stand);
    return r;
}

int prove(struct composing *composing, const char *code, unsigned attempt, struct proof *ret_proof)
{
    int r;

    *ret_proof = (struct proof){ .faults = json_array() };
    if (!ret_proof->faults)
        return EIN_E_NO_MEMORY;
    if (!code)
        return add_fault(ret_proof, json_string("There is no code in the answer."));
    r = answer_progress(composing, "checking", attempt, NULL);
    if (r == 0)
        r = check(composing, code, ret_proof);
    if (r || json_array_size(ret_proof->faults))
        return r;
    r = answer_progress(composing, "rehearsing", attempt, NULL);
    return r ? r : run_on_sample(composing, code, ret_proof);
}
