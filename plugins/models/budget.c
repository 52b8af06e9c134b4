/* SPDX-License-Identifier: Apache-2.0 */
#include "work.h"

#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "member.h"
#include "price.h"
#include "thinking.h"

enum {
    SETTLE_TRIES = 3,
    LARGEST_WINDOW = 1000000 /* tokens; of any model today */
};

/* ---- before ---- */

static uint64_t first_of(int64_t a, int64_t b, uint64_t otherwise)
{
    return a > 0 ? (uint64_t)a : b > 0 ? (uint64_t)b : otherwise;
}

static bool has_long_price(const struct model *model)
{
    for (size_t i = 0; i < PRICE_KINDS; i++)
        if (model->long_price[i] >= 0)
            return true;
    return false;
}

/* The most that the model reads. */
static uint64_t window_of(const struct model *model)
{
    const json_t *limits = json_object_get(model->json, "limits");
    int64_t context = json_integer_value(json_object_get(limits, "context"));
    int64_t window = context > model->context_window ? context : model->context_window;

    if (model->max_input > 0)
        window = model->max_input;
    if (window <= 0 || (window <= PRICE_LONG_CONTEXT && has_long_price(model)))
        window = LARGEST_WINDOW; /* not known, or more than it says */
    return (uint64_t)window;
}

static int64_t bound_of(const struct work *work)
{
    const struct completion *settings = settings_of(work);
    const struct model *model = work->model;
    uint64_t input = size_bound(&work->size, settings->image_tokens, window_of(model));
    uint64_t output = parameters_max_tokens(work->parameters);

    if (!output && common_always_limits(model))
        output = (uint64_t)thinking_max_tokens(work->parameters, model->json, 0);
    if (!output)
        output = first_of(model->max_output, model->context_window, settings->output_tokens);
    return price_bound(model, input, output, work->built_in.searches);
}

static int reserve_for_key(const struct work *work, const struct ein_service *service,
                           const json_t *budget, char ret_hold[EIN_HOLD_SIZE],
                           struct ein_error *err)
{
    const struct ein_ledger *ledger = service->vtable;
    const struct ein_payer payer = { .struct_size = sizeof(payer),
                                     .user_id = work->call->user_id,
                                     .key_id = work->call->key_id,
                                     .period = text_of(budget, "period"),
                                     .limit = integer_of(budget, "limitNano") };

    if (!EIN_HAS(struct ein_ledger, ledger, reserve_key))
        return error_set(err, EIN_E_UNAVAILABLE, "The ledger knows no budgets of API keys");
    return ledger->reserve_key(service->impl, &payer, bound_of(work),
                               settings_of(work)->leases.lease_ms, ret_hold, err);
}

static int reserve(struct work *work, const struct ein_service *service, struct ein_error *err)
{
    struct leases *leases = &work->models->completion.leases;
    const struct ein_ledger *ledger = service->vtable;
    const json_t *budget = json_object_get(work->limits, "budget");
    int r = budget ? reserve_for_key(work, service, budget, work->lease.hold, err)
                   : ledger->reserve(service->impl, work->call->user_id, bound_of(work),
                                     leases->lease_ms, work->lease.hold, err);

    if (r < 0)
        return r;
    work->held = true;
    leases_add(leases, &work->lease);
    return 0;
}

static bool needs_ledger(const struct work *work)
{
    return !price_is_free(work->model) || json_object_get(work->limits, "budget");
}

/* What is free may cost something in the end, which a key with a budget pays too; what has no price
 * is free only as long as no vendor says otherwise. */
static bool needs_hold(const struct work *work)
{
    return needs_ledger(work) || !work->model->priced;
}

int budget_reserve(struct work *work, struct ein_error *err)
{
    const struct models *models = work->models;
    const struct ein_service *service;
    int64_t began = clock_mono_us();

    if (work->held || !needs_hold(work))
        return 0;
    if (models->host->acquire(models->ctx, EIN_LEDGER, NULL, &service) < 0)
        return needs_ledger(work)
                   ? error_set(err, EIN_E_UNAVAILABLE,
                               "There is no ledger for what calls cost: the plugin is off")
                   : 0;
    int r = reserve(work, service, err);
    models->host->release(models->ctx, service);
    work->stage_us[STAGE_RESERVE] += (uint64_t)(clock_mono_us() - began);
    return r;
}

/* ---- what was used ---- */

/* Did the vendor do something for it?  A refusal is free; what broke off is not. */
static bool was_used(const struct work *work, int result)
{
    const struct ein_llm_outcome *outcome = &work->outcome;
    bool answering = outcome->vendor_status >= 200 && outcome->vendor_status < 300;

    if (result >= 0 || work->pieces || outcome->vendor_cost || outcome->input_tokens ||
        outcome->output_tokens)
        return true;
    return answering && (result == EIN_E_CANCELLED || outcome->fault == EIN_LLM_FAULT_UNREACHABLE);
}

/* As the vendor says; where it could not say all, from what was sent and received: true. */
static bool reckon(const struct work *work, int result, struct usage *ret_usage)
{
    const struct ein_llm_outcome *outcome = &work->outcome;
    uint64_t received = usage_estimate(work->received);
    bool silent = !outcome->input_tokens && !outcome->output_tokens;
    /* Nobody but the vendor knows how many tokens it has read of what it cites. */
    bool estimated = work->sources && work->model->price[PRICE_CITATION] > 0;

    *ret_usage = (struct usage){
        outcome->input_tokens,  outcome->cached_tokens,    outcome->cache_write_tokens,
        outcome->output_tokens, outcome->reasoning_tokens, outcome->cache_hour_tokens,
        outcome->searches
    };
    if (price_is_free(work->model) || outcome->vendor_cost)
        return false;
    if (!outcome->input_tokens && (silent || result < 0)) {
        ret_usage->input = size_estimate(&work->size);
        estimated = true;
    }
    if ((result < 0 || silent) && ret_usage->output < received) {
        ret_usage->output = received;
        estimated = true;
    }
    return estimated;
}

/* ---- after ---- */

static json_t *metadata_of(const struct work *work, bool estimated)
{
    json_t *metadata = NULL;

    if (!estimated && !work->outcome.vendor_request_id[0] && !work->outcome.searches)
        return NULL;
    metadata = json_object();
    if (estimated)
        (void)json_object_set_new(metadata, "estimated", json_true());
    if (work->outcome.searches)
        (void)json_object_set_new(metadata, "searches",
                                  json_integer((json_int_t)work->outcome.searches));
    if (work->outcome.vendor_request_id[0])
        (void)json_object_set_new(metadata, "vendorRequestId",
                                  json_string(work->outcome.vendor_request_id));
    return metadata;
}

static int write_entry(const struct work *work, const struct ein_ledger_entry *entry,
                       struct ein_error *err)
{
    const struct models *models = work->models;
    const struct ein_service *service;
    const struct ein_ledger *ledger;
    int r = EIN_E_UNAVAILABLE;

    if (models->host->acquire(models->ctx, EIN_LEDGER, NULL, &service) < 0)
        return price_is_free(work->model)
                   ? 0
                   : error_set(err, EIN_E_UNAVAILABLE, "there is no ledger any more");
    ledger = service->vtable;
    for (int i = 0; i < SETTLE_TRIES && r < 0 && r != EIN_E_CONFLICT && r != EIN_E_INVALID; i++)
        r = ledger->settle(service->impl, work->held ? work->lease.hold : NULL, entry, err);
    models->host->release(models->ctx, service);
    return r;
}

static void end_lease(struct work *work)
{
    if (!work->held)
        return;
    leases_remove(&work->models->completion.leases, &work->lease);
    work->held = false;
}

static void settle(struct work *work, int64_t cost, const struct usage *usage, bool estimated)
{
    const struct ein_completion_call *call = work->call;
    EIN_JSON json_t *metadata = metadata_of(work, estimated);
    const struct ein_ledger_entry entry = {
        .struct_size = sizeof(entry),
        .cost = cost,
        .user_id = call->user_id,
        .key_id = call->key_id,
        .agent_id = call->agent_id,
        .run_id = call->run_id,
        .provider = work->model->provider,
        .model = work->model->id,
        .request_id = call->request_id,
        .input_tokens = usage->input,
        .cached_tokens = usage->cached,
        .cache_write_tokens = usage->cache_write,
        .output_tokens = usage->output,
        .reasoning_tokens = usage->reasoning,
        .price = json_object_get(work->model->json, "price"),
        .metadata = metadata,
    };
    struct ein_error err = { 0 };
    int r = write_entry(work, &entry, &err);

    if (r < 0)
        work->models->host->log_msg(
            work->models->ctx, EIN_ERROR,
            "A call of %s to %s/%s has cost %lld nano-dollars, which could not be written down: %s",
            call->user_id, work->model->provider, work->model->id, (long long)cost, err.text);
    end_lease(work);
}

void budget_settle(struct work *work, int result)
{
    struct ein_completion_outcome *ret = work->ret;
    int64_t began = clock_mono_us();
    struct usage usage;

    if (!was_used(work, result))
        return;
    bool estimated = reckon(work, result, &usage);
    int64_t cost = work->outcome.vendor_cost > 0 ? work->outcome.vendor_cost
                   : price_is_free(work->model)  ? 0
                                                 : price_cost(work->model, &usage);
    if (cost > PRICE_MAX)
        cost = PRICE_MAX;
    if (cost || usage.input || usage.output || (work->held && needs_ledger(work)))
        settle(work, cost, &usage, estimated);
    ret->cost += cost;
    ret->input_tokens = usage.input;
    ret->cached_tokens = usage.cached;
    ret->cache_write_tokens = usage.cache_write;
    ret->output_tokens = usage.output;
    ret->reasoning_tokens = usage.reasoning;
    ret->searches = usage.searches;
    work->used += usage.input + usage.output;
    work->stage_us[STAGE_SETTLE] += (uint64_t)(clock_mono_us() - began);
}

void budget_release(struct work *work)
{
    const struct models *models = work->models;
    const struct ein_service *service;
    struct ein_error err = { 0 };
    int64_t began = clock_mono_us();

    if (!work->held)
        return;
    if (models->host->acquire(models->ctx, EIN_LEDGER, NULL, &service) == 0) {
        int r = ((const struct ein_ledger *)service->vtable)
                    ->release(service->impl, work->lease.hold, &err);
        if (r < 0 && r != EIN_E_NOT_FOUND)
            models->host->log_msg(models->ctx, EIN_WARN, "The hold %s could not be given back: %s",
                                  work->lease.hold, err.text);
        models->host->release(models->ctx, service);
    }
    end_lease(work);
    work->stage_us[STAGE_SETTLE] += (uint64_t)(clock_mono_us() - began);
}
