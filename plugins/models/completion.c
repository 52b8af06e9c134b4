/* SPDX-License-Identifier: Apache-2.0 */
#include "completion.h"

#include "clock.h"
#include "complete.h"
#include "models.h"

#include <string.h>

enum { SWEEP_MS = 60000 };

const char *const fault_names[FAULTS] = {
    [FAULT(EIN_LLM_FAULT_NONE)] = "",
    [FAULT(EIN_LLM_FAULT_BAD_KEY)] = "bad_key",
    [FAULT(EIN_LLM_FAULT_NO_CREDIT)] = "no_credit",
    [FAULT(EIN_LLM_FAULT_RATE_LIMIT)] = "rate_limit",
    [FAULT(EIN_LLM_FAULT_CONTEXT_TOO_LONG)] = "context_too_long",
    [FAULT(EIN_LLM_FAULT_REFUSED)] = "refused",
    [FAULT(EIN_LLM_FAULT_OVERLOADED)] = "overloaded",
    [FAULT(EIN_LLM_FAULT_BAD_REQUEST)] = "bad_request",
    [FAULT(EIN_LLM_FAULT_UNREACHABLE)] = "unreachable",
};

static uint32_t read_faults(const json_t *names)
{
    const json_t *name;
    uint32_t bits = 0;
    size_t i;

    json_array_foreach(names, i, name)
    {
        for (size_t fault = 0; fault < FAULTS; fault++)
            if (strcmp(json_string_value(name), fault_names[fault]) == 0)
                bits |= 1u << fault;
    }
    return bits;
}

int completion_init(struct models *models, const json_t *config, struct ein_error *err)
{
    struct completion *self = &models->completion;

    self->refuse = strcmp(text_of(config, "parameters"), "refuse") == 0;
    self->max_notes = setting_of(config, "max_notes");
    self->pass = json_object_get(config, "pass_parameters");
    self->pass_tools = json_object_get(config, "pass_tools");
    self->fallbacks = json_object_get(config, "fallbacks");
    self->fallback_on = read_faults(json_object_get(config, "fallback_on"));
    self->connect_ms = setting_of(config, "connect_ms");
    self->first_byte_ms = setting_of(config, "first_byte_ms");
    self->idle_ms = setting_of(config, "idle_ms");
    self->total_ms = setting_of(config, "total_ms");
    self->token_us = setting_of(config, "token_us");
    self->image_tokens = setting_of(config, "image_tokens");
    self->output_tokens = setting_of(config, "output_tokens");
    retry_read(config, &self->retry);
    leases_init(&self->leases, models->host, models->ctx, setting_of(config, "hold_lease_ms"));
    calls_init(&self->calls, models->host, models->ctx);
    return limits_new(json_object_get(config, "limits"), &self->limits, err);
}

static void sweep(void *data)
{
    struct models *models = data;

    limits_sweep(models->completion.limits, clock_mono_ms());
}

int completion_start(struct models *models)
{
    struct leases *leases = &models->completion.leases;
    int r = models->host->every(models->ctx, leases->lease_ms / 6 + 1, leases_extend, leases);

    return r < 0 ? r : models->host->every(models->ctx, SWEEP_MS, sweep, models);
}

void completion_stop(struct models *models)
{
    calls_stop(&models->completion.calls);
}

void completion_done(struct models *models)
{
    limits_free(models->completion.limits);
    leases_done(&models->completion.leases);
    calls_done(&models->completion.calls);
}

const struct ein_completion completion_service = {
    .struct_size = sizeof(completion_service),
    .complete = completion_complete,
    .find = models_find,
    .catalog = models_catalog,
    .embed = completion_embed,
};
