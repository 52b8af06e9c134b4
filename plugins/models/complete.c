/* SPDX-License-Identifier: Apache-2.0 */
#include "complete.h"

#include "blocked.h"
#include "cancel_wait.h"
#include "clock.h"
#include "error.h"
#include "key_limits.h"
#include "member.h"
#include "notes.h"
#include "str.h"
#include "work.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum {
    NAME_SIZE = 320,
    LEAST_MS = 50 /* an attempt that may only take less is none */
};

static bool is_cancelled(const struct work *work)
{
    return work->models->host->cancel->fired(work->running.cancel);
}

static int cancelled(struct ein_error *err)
{
    return error_set(err, EIN_E_CANCELLED, "The call was cancelled");
}

/* ---- one model, again ---- */

static double random_part(void)
{
    uint32_t number = 0;

    if (getrandom(&number, sizeof(number), 0) != sizeof(number))
        return 0;
    return (double)number / UINT32_MAX;
}

/* Is there to be one more attempt?  Then also how long to wait for it. */
static bool comes_again(const struct work *work, int result, uint32_t attempt, uint32_t *ret_ms)
{
    const struct retry *retry = &settings_of(work)->retry;
    uint32_t asked = work->outcome.retry_after_ms;

    if (result >= 0 || result == EIN_E_CANCELLED || work->pieces || attempt > retry->retries ||
        asked > retry->after_max_ms || !retry_helps(work->model->provider, &work->outcome))
        return false;
    *ret_ms = retry_pause_ms(retry, attempt, asked, random_part());
    return clock_mono_us() + ((int64_t)*ret_ms + LEAST_MS) * 1000 < work->deadline_us;
}

static int attempts(struct work *work, struct ein_error *err)
{
    uint32_t attempt = 1, pause_ms;
    int r = is_cancelled(work) ? cancelled(err) : attempt_run(work, err);

    for (; comes_again(work, r, attempt, &pause_ms); attempt++) {
        int64_t began = clock_mono_us();
        r = cancel_wait(work->models->host, work->running.cancel, pause_ms);
        work->waited_us += (uint64_t)(clock_mono_us() - began);
        if (r < 0) {
            work->outcome.fault = EIN_LLM_FAULT_NONE;
            return cancelled(err);
        }
        r = attempt_run(work, err);
    }
    return r;
}

/* ---- one model ---- */

static void set_deadline(struct work *work)
{
    const struct completion *settings = settings_of(work);
    uint64_t us = (uint64_t)settings->total_ms * 10 *
                  (work->model->time_percent ? work->model->time_percent : 100);
    uint64_t least = parameters_max_tokens(work->parameters) * settings->token_us;

    if (least > us)
        us = least;
    if (work->call->total_ms)
        us = (uint64_t)work->call->total_ms * 1000;
    if (us > (uint64_t)UINT32_MAX * 1000)
        us = (uint64_t)UINT32_MAX * 1000;
    work->deadline_us = work->began_us + (int64_t)us;
}

/* What is known before the first piece. */
static void announce(struct work *work)
{
    struct ein_completion_outcome *ret = work->ret;

    str_copy(ret->provider, sizeof(ret->provider), work->model->provider);
    str_copy(ret->model, sizeof(ret->model), work->model->id);
}

/* A call counts once for its user and key, however many models are asked, and what all of them have
 * used. */
static int limited_attempts(struct work *work, struct ein_error *err)
{
    const struct ein_completion_call *call = work->call;
    const char *provider = work->model->provider, *id = work->model->id;
    const json_t *rates = json_object_get(work->limits, "rates");
    const struct limits_who caller = { call->user_id, call->key_id, NULL, NULL, rates };
    const struct limits_who model = { NULL, NULL, provider, id, NULL };
    const struct limits_who both = { call->user_id, call->key_id, provider, id, rates };
    struct limits *limits = settings_of(work)->limits;
    struct limits_told told = { .after_ms = 0 };
    const uint64_t taken = size_estimate(&work->size), before = work->used;
    const uint64_t charged = work->counted ? before : taken; /* to the caller */
    int r = limits_take(limits, work->counted ? &model : &both, taken, clock_mono_ms(), &told, err);

    work->ret->requests = told.requests;
    work->ret->tokens = told.tokens;
    work->limited = r < 0;
    if (r < 0) {
        work->final = !told.of_model;
        work->outcome = (struct ein_llm_outcome){ .fault = EIN_LLM_FAULT_RATE_LIMIT,
                                                  .retry_after_ms = told.after_ms };
        return r;
    }
    work->counted = true;
    r = attempts(work, err);
    budget_release(work);
    limits_correct(limits, &model, taken, work->used - before, clock_mono_ms());
    limits_correct(limits, &caller, charged, work->used, clock_mono_ms());
    return r;
}

static int try_found(struct work *work, bool first, struct ein_error *err)
{
    const struct parameter_rules rules = { .model = work->model,
                                           .pass = settings_of(work)->pass,
                                           .pass_tools = settings_of(work)->pass_tools,
                                           .tool_choice = work->call->tool_choice,
                                           .vendors_tools =
                                               json_array_size(work->call->built_in_tools) > 0,
                                           .refuse = work->refuse,
                                           .max_notes = settings_of(work)->max_notes };
    int64_t began = clock_mono_us();
    int r =
        parameters_check(&rules, work->call->parameters, &work->parameters, &work->ret->notes, err);

    if (r >= 0)
        r = built_in_check(&rules, work->call, &work->built_in, &work->ret->notes, err);
    if (r >= 0)
        r = names_make(work->call, work->built_in.choice, common_name_max(work->model),
                       &work->names, err);
    work->stage_us[STAGE_CHECK] += (uint64_t)(clock_mono_us() - began);
    if (r >= 0) {
        work->size.open = work->files || json_array_size(work->built_in.tools) > 0;
        if (first)
            set_deadline(work);
        announce(work);
        r = limited_attempts(work, err);
    }
    names_done(&work->names);
    built_in_done(&work->built_in);
    json_decref(work->parameters);
    work->parameters = NULL;
    return r;
}

/* DENIED, and nothing is found. */
static int check_key(struct work *work, struct ein_error *err)
{
    const struct model *model = work->found.model;

    if (key_limits_allow(work->limits, model->provider, model->id))
        return 0;
    (void)error_set(err, EIN_E_DENIED, "The API key '%s' may not ask %s/%s",
                    text_of(work->limits, "name"), model->provider, model->id);
    found_drop(&work->found);
    return EIN_E_DENIED;
}

static int find_model(struct work *work, const char *name, struct ein_error *err)
{
    int64_t began = clock_mono_us();
    int r = catalog_find(work->models->catalog, work->call->user_id, name, work->call->visible,
                         &work->found, err);

    if (r >= 0 && work->found.model->embeds != work->embeds) {
        const struct model *model = work->found.model;
        r = error_set(err, EIN_E_INVALID,
                      work->embeds ? "%s/%s makes no embeddings"
                                   : "%s/%s makes embeddings and does not converse",
                      model->provider, model->id);
        found_drop(&work->found);
    }
    if (r >= 0)
        r = check_key(work, err);
    work->model = r < 0 ? NULL : work->found.model;
    work->outcome.fault = EIN_LLM_FAULT_NONE;
    work->stage_us[STAGE_CHECK] += (uint64_t)(clock_mono_us() - began);
    return r;
}

/* ---- the chain ---- */

static const json_t *chain_of(const struct work *work)
{
    const json_t *chains = settings_of(work)->fallbacks;
    char name[NAME_SIZE];

    if (json_object_size(chains) == 0)
        return NULL;
    snprintf(name, sizeof(name), "%s/%s", work->model->provider, work->model->id);
    return json_object_get(chains, name);
}

static bool falls_back(const struct work *work, int result)
{
    return result < 0 && result != EIN_E_CANCELLED && !work->pieces && !work->final &&
           (settings_of(work)->fallback_on & 1u << FAULT(work->outcome.fault)) &&
           clock_mono_us() + LEAST_MS * 1000 < work->deadline_us;
}

/* The next model of the chain; its answer, or RESULT where it cannot be asked. */
static int try_next(struct work *work, const char *name, int result, struct ein_error *err)
{
    struct found before = work->found;
    struct ein_error why = { 0 };
    int32_t fault = work->outcome.fault;
    int r = find_model(work, name, &why);

    if (r < 0) {
        (void)notes_add(&work->ret->notes, settings_of(work)->max_notes,
                        "'%s' could not be asked instead: %s", name, why.text);
        work->found = before;
        work->model = before.model;
        work->outcome.fault = fault;
        return result;
    }
    (void)notes_add(&work->ret->notes, settings_of(work)->max_notes,
                    "%s/%s was asked instead of %s/%s: %s", work->model->provider, work->model->id,
                    before.model->provider, before.model->id, err ? err->text : "");
    found_drop(&before);
    return try_found(work, false, err);
}

static int try_chain(struct work *work, struct ein_error *err)
{
    const json_t *chain, *name;
    size_t i;

    if (!work->call->user_id || !work->call->model ||
        !json_is_array(work->embeds ? work->call->inputs : work->call->messages))
        return error_set(err, EIN_E_INVALID, "A call needs a user, a model and %s",
                         work->embeds ? "inputs" : "messages");
    int r = blocked_check(work->models->host, work->models->ctx, work->call->user_id, err);

    if (r == 0)
        r = key_limits_of(work->models->host, work->models->ctx, work->call->key_id, &work->limits,
                          err);
    if (r == 0)
        r = find_model(work, work->call->model, err);
    work->forbidden = r == EIN_E_DENIED;
    if (r < 0)
        return r;
    chain = chain_of(work);
    r = try_found(work, true, err);
    json_array_foreach(chain, i, name)
    {
        if (!falls_back(work, r))
            break;
        r = try_next(work, json_string_value(name), r, err);
    }
    return r;
}

/* ---- the whole ---- */

/* The HTTP status that says what a call came to. */
static int32_t status_of(const struct work *work, int result)
{
    const struct ein_llm_outcome *outcome = &work->outcome;
    static const int16_t by_fault[FAULTS] = { 0, 401, 402, 429, 400, 400, 503, 400, 502 };
    static const int16_t by_code[] = { [-EIN_E_INVALID] = 400,   [-EIN_E_NOT_FOUND] = 404,
                                       [-EIN_E_DENIED] = 402,    [-EIN_E_TIMEOUT] = 504,
                                       [-EIN_E_CANCELLED] = 499, [-EIN_E_UNAVAILABLE] = 503,
                                       [-EIN_E_BUSY] = 429,      [-EIN_E_UNSUPPORTED] = 400,
                                       [-EIN_E_TOO_LARGE] = 413, [-EIN_E_NO_MEMORY] = 503 };
    size_t fault = (size_t)FAULT(outcome->fault), code = (size_t)-result;

    if (result >= 0)
        return 200;
    if (work->forbidden)
        return 403;
    if (result == EIN_E_TIMEOUT)
        return 504;
    if (outcome->fault == EIN_LLM_FAULT_BAD_REQUEST && outcome->vendor_status == 404)
        return 404;
    if (fault && work->ret->attempts == 0 && !work->limited) /* nobody was there to be asked */
        return 503;
    if (fault)
        return by_fault[fault];
    return code < sizeof(by_code) / sizeof(by_code[0]) && by_code[code] ? by_code[code] : 500;
}

static void measure(struct work *work)
{
    const struct ein_completion_call *call = work->call;

    if (work->embeds)
        size_inputs(call->inputs, &work->size);
    size_messages(call->messages, &work->size);
    size_json(call->tools, &work->size);
    size_json(call->reply_schema, &work->size);
    work->files = work->size.open;
}

static void finish(struct work *work, int result)
{
    const struct ein_llm_outcome *outcome = &work->outcome;
    struct ein_completion_outcome *ret = work->ret;
    int64_t took = clock_mono_us() - work->began_us;

    ret->fault = result < 0 ? outcome->fault : EIN_LLM_FAULT_NONE;
    ret->status = status_of(work, result);
    ret->retry_after_ms = result < 0 ? outcome->retry_after_ms : 0;
    memcpy(ret->stop_reason, outcome->stop_reason, sizeof(ret->stop_reason));
    memcpy(ret->stop_sequence, outcome->stop_sequence, sizeof(ret->stop_sequence));
    memcpy(ret->vendor_request_id, outcome->vendor_request_id, sizeof(ret->vendor_request_id));
    ret->vendor_us = work->waited_us;
    ret->overhead_us = (uint64_t)took - work->waited_us - work->client_us;
    meter_call(work, result);
    found_drop(&work->found);
    json_decref(work->limits);
}

static int run(struct models *models, bool embeds, const struct ein_completion_call *call,
               ein_llm_sink *sink, void *data, struct ein_completion_outcome *ret,
               struct ein_error *err)
{
    struct work work = { .models = models,
                         .call = call,
                         .sink = sink,
                         .data = data,
                         .ret = ret,
                         .embeds = embeds,
                         .began_us = clock_mono_us(),
                         .refuse =
                             call->flags & EIN_COMPLETION_REFUSE ||
                             (models->completion.refuse && !(call->flags & EIN_COMPLETION_DROP)) };
    struct ein_error own = { 0 };

    if (!err)
        err = &own;
    measure(&work);
    int r = calls_enter(&models->completion.calls, &work.running, call->cancel, err);
    if (r == 0)
        r = try_chain(&work, err);
    if (r == EIN_E_CANCELLED && calls_stopping(&models->completion.calls))
        r = error_set(err, EIN_E_UNAVAILABLE, "The models were taken away during the call");
    calls_leave(&models->completion.calls, &work.running);
    finish(&work, r);
    return r < 0 ? r : 0;
}

int completion_complete(void *impl, const struct ein_completion_call *call, ein_llm_sink *sink,
                        void *data, struct ein_completion_outcome *ret, struct ein_error *err)
{
    return run(impl, false, call, sink, data, ret, err);
}

int completion_embed(void *impl, const struct ein_completion_call *call, ein_llm_sink *sink,
                     void *data, struct ein_completion_outcome *ret, struct ein_error *err)
{
    return run(impl, true, call, sink, data, ret, err);
}
