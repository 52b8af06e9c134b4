/* SPDX-License-Identifier: Apache-2.0 */
#include "work.h"

#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "told.h"

#include <string.h>

/* ---- pieces ---- */

static uint64_t bytes_of(const struct ein_llm_piece *piece)
{
    struct size size = { 0 };

    if (piece->kind == EIN_LLM_TOOL_CALL)
        size_json(json_object_get(piece->data, "arguments"), &size);
    return size.bytes + (piece->text ? strlen(piece->text) : 0);
}

/* To the caller, a tool has the name that the caller has given it. */
static int give(const struct work *work, const struct ein_llm_piece *piece)
{
    EIN_JSON json_t *call = piece->kind == EIN_LLM_TOOL_CALL && work->names.back
                                ? names_back(&work->names, piece->data)
                                : NULL;
    const struct ein_llm_piece renamed = { .struct_size = sizeof(renamed),
                                           .kind = EIN_LLM_TOOL_CALL,
                                           .data = call };

    return work->sink(call ? &renamed : piece, work->data);
}

static int on_piece(const struct ein_llm_piece *piece, void *data)
{
    struct work *work = data;
    int64_t before = clock_mono_us();

    if (work->stopped || work->wrong) /* and has been told so */
        return 1;
    work->wrong = told_piece_fault(piece);
    if (!work->wrong && piece->kind == EIN_LLM_VECTOR && piece->index != work->vectors++)
        work->wrong = "vectors that are not in the order of the inputs";
    if (work->wrong)
        return 1;
    if (work->pieces++ == 0)
        work->first_us = (uint64_t)(before - work->began_us);
    work->received += bytes_of(piece);
    work->sources += piece->kind == EIN_LLM_SOURCE;
    int r = give(work, piece);
    work->client_us += (uint64_t)(clock_mono_us() - before);
    work->stopped |= r != 0;
    return r;
}

/* ---- the call ---- */

static uint32_t scaled(const struct work *work, uint32_t ms)
{
    uint64_t percent = work->model->time_percent ? work->model->time_percent : 100;
    uint64_t scaled = ms * percent / 100;

    return scaled > UINT32_MAX ? UINT32_MAX : (uint32_t)scaled;
}

static uint32_t left_ms(const struct work *work)
{
    int64_t left = (work->deadline_us - clock_mono_us()) / 1000;

    return left < 1 ? 1 : (uint32_t)left;
}

static bool was_to_end(const struct work *work)
{
    return work->stopped || work->models->host->cancel->fired(work->running.cancel);
}

/* What is wrong with how it has answered is the author's to mend; the same again would not help. */
static int check_answer(struct work *work, int result, struct ein_error *err)
{
    const struct models *models = work->models;
    const char *doubtful = told_outcome(&work->outcome);

    if (doubtful)
        models->host->log_msg(models->ctx, EIN_WARN,
                              "The provider '%s' says that a call to '%s' %s: it is not believed",
                              work->model->provider, work->model->id, doubtful);
    if (!work->wrong && result >= 0 && work->embeds &&
        work->vectors != json_array_size(work->call->inputs))
        work->wrong = "more or fewer vectors than there are inputs";
    if (!work->wrong)
        return result;
    work->outcome.fault = EIN_LLM_FAULT_NONE;
    return error_set(err, EIN_E_INTERNAL, "The provider '%s' gave %s", work->model->provider,
                     work->wrong);
}

static int call_provider(struct work *work, const struct ein_service *service, const char *key,
                         struct ein_error *err)
{
    const struct ein_llm_provider *provider = service->vtable;
    const struct ein_completion_call *call = work->call;
    const struct completion *settings = settings_of(work);
    const struct names *names = work->names.back ? &work->names : NULL;
    const struct ein_llm_call llm = {
        .struct_size = sizeof(llm),
        .connect_ms = settings->connect_ms,
        .first_byte_ms = scaled(work, settings->first_byte_ms),
        .idle_ms = scaled(work, settings->idle_ms),
        .total_ms = left_ms(work),
        .model = work->model->id,
        .api_key = key,
        .messages = names ? names->messages : call->messages,
        .tools = names ? names->tools : call->tools,
        .built_in_tools = work->built_in.tools,
        .reply_schema = call->reply_schema,
        .parameters = work->parameters,
        .settings = work->model->json,
        .cancel = work->running.cancel,
        .tool_choice = names ? names->choice : work->built_in.choice,
        .user_id = call->user_id,
        .key_id = call->key_id,
        .visible = call->visible,
        .scopes = call->scopes,
        .inputs = work->embeds ? call->inputs : NULL,
    };
    uint64_t client_before = work->client_us;
    struct ein_span *span = meter_begin(work);
    int64_t began = clock_mono_us();
    error_clear(err);
    int r = (work->embeds ? provider->embed : provider->complete)(service->impl, &llm, on_piece,
                                                                  work, &work->outcome, err);
    uint64_t took = (uint64_t)(clock_mono_us() - began);

    work->waited_us += took - (work->client_us - client_before);
    if (work->stopped && r >= 0)
        r = error_set(err, EIN_E_CANCELLED, "The caller did not want the rest");
    if (r == EIN_E_CANCELLED && !was_to_end(work)) {
        work->outcome.fault = EIN_LLM_FAULT_UNREACHABLE;
        r = error_set(err, EIN_E_UNAVAILABLE, "The provider '%s' was taken away during the call",
                      work->model->provider);
    }
    r = check_answer(work, r, err);
    (void)error_due(err, r);
    meter_attempt(work, r, took);
    meter_end(work, span, r);
    return r;
}

/* ---- its key ---- */

struct key {
    const struct ein_service *service; /* NULL: there is nothing to wipe */
    char *text;                        /* NULL: the provider uses its own */
};

static int key_find(const struct work *work, struct key *key, struct ein_error *err)
{
    const struct models *models = work->models;
    const struct ein_model_keys *keys;
    const char *source;

    if (models->host->acquire(models->ctx, EIN_MODEL_KEYS, NULL, &key->service) < 0) {
        key->service = NULL;
        return 0;
    }
    keys = key->service->vtable;
    int r = keys->get(key->service->impl, work->call->user_id, work->model->provider, &key->text,
                      &source, err);
    return r == EIN_E_NOT_FOUND ? 0 : r;
}

static void key_done(const struct work *work, struct key *key)
{
    const struct models *models = work->models;

    if (!key->service)
        return;
    if (key->text)
        ((const struct ein_model_keys *)key->service->vtable)->wipe(key->service->impl, key->text);
    models->host->release(models->ctx, key->service);
}

/* ---- one attempt ---- */

static int reserve_and_call(struct work *work, const struct ein_service *service,
                            struct ein_error *err)
{
    struct key key = { 0 };
    int64_t began = clock_mono_us();
    int r = key_find(work, &key, err);

    work->stage_us[STAGE_KEY] += (uint64_t)(clock_mono_us() - began);
    if (r == 0)
        r = budget_reserve(work, err);
    if (r == 0) {
        work->ret->attempts++;
        r = call_provider(work, service, key.text, err);
        budget_settle(work, r);
    }
    key_done(work, &key);
    return r;
}

int attempt_run(struct work *work, struct ein_error *err)
{
    const struct models *models = work->models;
    const struct ein_service *service;

    work->outcome = (struct ein_llm_outcome){ .struct_size = sizeof(work->outcome) };
    work->wrong = NULL;
    work->vectors = 0;
    if (models->host->acquire(models->ctx, EIN_LLM_PROVIDER, work->model->provider, &service) < 0) {
        work->outcome.fault = EIN_LLM_FAULT_UNREACHABLE;
        return error_set(err, EIN_E_UNAVAILABLE,
                         "The provider '%s' is not there: its plugin is off",
                         work->model->provider);
    }
    const struct ein_llm_provider *provider = service->vtable;
    int r = !work->embeds || EIN_HAS(struct ein_llm_provider, provider, embed)
                ? reserve_and_call(work, service, err)
                : error_set(err, EIN_E_UNSUPPORTED, "The provider '%s' has no embeddings",
                            work->model->provider);
    models->host->release(models->ctx, service);
    return r;
}
