/* SPDX-License-Identifier: Apache-2.0 */
#include "work.h"

#include "complete.h"
#include "span.h"
#include "str.h"

#include <string.h>

/* Names of OpenTelemetry's semantic conventions for generative AI; in metrics as Prometheus writes
 * them. */

static const char *const stage_names[] = { "check", "key", "reserve", "settle" };

static const char *error_type(const struct work *work, int result)
{
    size_t fault = (size_t)FAULT(work->outcome.fault);

    if (result == EIN_E_CANCELLED)
        return "cancelled";
    if (result == EIN_E_TIMEOUT)
        return "timeout";
    if (fault)
        return fault_names[fault];
    return result < 0 ? "other" : "";
}

static double seconds(uint64_t us)
{
    return (double)us / 1e6;
}

static const char *operation(const struct work *work)
{
    return work->embeds ? "embeddings" : "chat";
}

/* Of the model that is tried, with one label more. */
static void observe(const struct work *work, const char *metric, double value, const char *label,
                    const char *is)
{
    const struct models *models = work->models;
    const char *const labels[] = { "gen_ai_operation_name",
                                   operation(work),
                                   "gen_ai_provider_name",
                                   work->model->provider,
                                   "gen_ai_request_model",
                                   work->model->id,
                                   label,
                                   is,
                                   NULL };

    models->host->observe(models->ctx, metric, value, labels);
}

void meter_attempt(const struct work *work, int result, uint64_t took_us)
{
    observe(work, "gen_ai_client_operation_duration_seconds", seconds(took_us), "error_type",
            error_type(work, result));
}

/* ---- the span of an attempt ---- */

struct ein_span *meter_begin(const struct work *work)
{
    const struct models *models = work->models;
    char name[sizeof("embeddings ") + 192], *id = stpcpy(stpcpy(name, operation(work)), " ");

    str_copy(id, (size_t)(name + sizeof(name) - id), work->model->id);
    return span_begin(models->host, models->ctx, EIN_SPAN_CLIENT, name);
}

void meter_end(const struct work *work, struct ein_span *span, int result)
{
    const struct ein_llm_outcome *outcome = &work->outcome;
    const char *error = error_type(work, result);
    const char *stopped = outcome->stop_reason;

    if (!span)
        return;
    json_t *attributes = json_pack(
        "{s:s, s:s, s:s, s:s*, s:I, s:I, s:I, s:I, s:s*, s:s*, s:o*}", "gen_ai.operation.name",
        operation(work), "gen_ai.provider.name", work->model->provider, "gen_ai.request.model",
        work->model->id, "gen_ai.response.model", *outcome->model ? outcome->model : NULL,
        "gen_ai.usage.input_tokens", (json_int_t)outcome->input_tokens,
        "gen_ai.usage.output_tokens", (json_int_t)outcome->output_tokens,
        "gen_ai.usage.cache_read.input_tokens", (json_int_t)outcome->cached_tokens,
        "gen_ai.usage.cache_creation.input_tokens", (json_int_t)outcome->cache_write_tokens,
        "einion.vendor_request_id", *outcome->vendor_request_id ? outcome->vendor_request_id : NULL,
        "einion.run_id", work->call->run_id, "gen_ai.response.finish_reasons",
        *stopped ? json_pack("[s]", stopped) : NULL);
    span_end(work->models->host, span, *error ? error : NULL, attributes);
}

/* ---- counting ---- */

static void meter_tokens(const struct work *work, const char *type, uint64_t tokens)
{
    observe(work, "gen_ai_client_token_usage", (double)tokens, "gen_ai_token_type", type);
}

static void meter_stages(const struct work *work)
{
    const struct models *models = work->models;

    for (size_t i = 0; i < STAGES; i++) {
        const char *const labels[] = { "stage", stage_names[i], NULL };
        models->host->observe(models->ctx, "einion_completion_stage_seconds",
                              seconds(work->stage_us[i]), labels);
    }
    models->host->observe(models->ctx, "einion_completion_overhead_seconds",
                          seconds(work->ret->overhead_us), NULL);
}

/* A model that was not found, or may not be asked, has the name that the caller gave it. */
static void say(const struct work *work, int result)
{
    const struct models *models = work->models;
    const struct ein_completion_outcome *ret = work->ret;

    models->host->log_msg(
        models->ctx, result < 0 ? EIN_INFO : EIN_DEBUG,
        "%s request_id=%s provider=%s model=%s status=%d error=%s attempts=%u "
        "input_tokens=%llu output_tokens=%llu cost_nano=%lld vendor_us=%llu overhead_us=%llu",
        work->embeds ? "embedding" : "completion",
        work->call->request_id ? work->call->request_id : "", ret->provider,
        *ret->model || !work->call->model ? ret->model : work->call->model, ret->status,
        error_type(work, result), ret->attempts, (unsigned long long)ret->input_tokens,
        (unsigned long long)ret->output_tokens, (long long)ret->cost,
        (unsigned long long)ret->vendor_us, (unsigned long long)ret->overhead_us);
}

void meter_call(const struct work *work, int result)
{
    const struct models *models = work->models;
    const struct ein_completion_outcome *ret = work->ret;

    if (work->model) {
        const char *const labels[] = { "gen_ai_provider_name", work->model->provider,
                                       "gen_ai_request_model", work->model->id, NULL };
        meter_tokens(work, "input", ret->input_tokens);
        meter_tokens(work, "output", ret->output_tokens);
        models->host->count(models->ctx, "einion_completion_cost_usd_total",
                            (double)ret->cost / 1e9, labels);
        if (work->pieces)
            models->host->observe(models->ctx,
                                  "gen_ai_client_operation_time_to_first_chunk_seconds",
                                  seconds(work->first_us), labels);
    }
    meter_stages(work);
    say(work, result);
}
