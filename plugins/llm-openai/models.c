/* SPDX-License-Identifier: Apache-2.0 */
/* GET /models, in the catalog's form. */
#include "error.h"
#include "member.h"
#include "openai.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { OUTPUT_MAX = 128000 }; /* tokens, where a server does not say */

static json_t *first_number(const json_t *entry, const char *const *names)
{
    json_t *found = NULL;

    for (; *names && !json_is_integer(found); names++)
        found = json_object_get(entry, *names);
    return json_is_integer(found) ? found : NULL;
}

/* ---- prices ---- */

/* "0.00000125" dollars a token are 1.25 a million. */
static json_t *per_million(const json_t *pricing, const char *name)
{
    const char *text = json_string_value(json_object_get(pricing, name));
    double price = text ? strtod(text, NULL) : -1;

    return price >= 0 && price < 1 ? json_real(round(price * 1e15) / 1e9) : NULL;
}

static json_t *price_of(const json_t *entry)
{
    const json_t *pricing = json_object_get(entry, "pricing");

    if (!json_is_object(pricing))
        return NULL;
    return json_pack("{s:o*, s:o*, s:o*, s:o*}", "input", per_million(pricing, "prompt"), "output",
                     per_million(pricing, "completion"), "cache_read",
                     per_million(pricing, "input_cache_read"), "cache_write",
                     per_million(pricing, "input_cache_write"));
}

/* ---- parameters ---- */

static bool supports(const json_t *entry, const char *parameter)
{
    const json_t *list = json_object_get(entry, "supported_parameters");

    return list ? list_has(list, parameter) : strcmp(parameter, "reasoning") != 0;
}

static json_t *parameters_of(const json_t *entry, json_int_t output)
{
    json_t *temperature = NULL, *top_p = NULL, *max_tokens = NULL, *effort = NULL;

    if (supports(entry, "temperature"))
        temperature = json_pack("{s:s, s:f, s:f, s:f}", "type", "float", "default", 1.0, "min", 0.0,
                                "max", 2.0);
    if (supports(entry, "top_p"))
        top_p =
            json_pack("{s:s, s:n, s:f, s:f}", "type", "float", "default", "min", 0.0, "max", 1.0);
    if (supports(entry, "max_tokens"))
        max_tokens = json_pack("{s:s, s:n, s:i, s:I}", "type", "integer", "default", "min", 1,
                               "max", output);
    if (supports(entry, "reasoning"))
        effort = json_pack("{s:s, s:s, s:[s,s,s,s]}", "type", "choice", "default", "disable",
                           "choices", "disable", "low", "medium", "high");
    return json_pack("{s:o*, s:o*, s:o*, s:o*}", "temperature", temperature, "top_p", top_p,
                     "max_tokens", max_tokens, "reasoning_effort", effort);
}

json_t *openai_model(const json_t *entry)
{
    static const char *const windows[] = { "context_length", "max_model_len", "context_window",
                                           NULL };
    static const char *const outputs[] = { "max_completion_tokens", "max_output_tokens", NULL };
    const json_t *id = json_object_get(entry, "id"), *description;
    const json_t *architecture = json_object_get(entry, "architecture");
    const json_t *window = first_number(entry, windows);
    const json_t *output = first_number(json_object_get(entry, "top_provider"), outputs);
    json_int_t most = json_integer_value(output ? output : window);

    if (!json_string_length(id))
        return NULL;
    description = json_object_get(entry, "description");
    return json_pack("{s:O, s:O*, s:O*, s:o, s:o*, s:{s:O*, s:O*}}", "id", id, "description",
                     json_is_string(description) ? description : NULL, "context_window", window,
                     "parameters", parameters_of(entry, most > 0 ? most : OUTPUT_MAX), "price",
                     price_of(entry), "modalities", "input",
                     json_object_get(architecture, "input_modalities"), "output",
                     json_object_get(architecture, "output_modalities"));
}

/* ---- the list ---- */

static int take_list(void *data, json_t *json, struct ein_error *err)
{
    const json_t *list = json_is_array(json) ? json : json_object_get(json, "data"), *entry;
    json_t **models = data;
    size_t i;

    if (!json_is_array(list))
        return error_set(err, EIN_E_UNAVAILABLE, "the list of models is none");
    json_array_foreach((json_t *)list, i, entry)
    {
        json_t *model = openai_model(entry);

        if (model && json_array_append_new(*models, model))
            return error_no_memory(err);
    }
    return 0;
}

int openai_models(void *impl, json_t **ret_models, struct ein_error *err)
{
    const struct openai *openai = impl;
    EIN_VENDOR_HEADERS struct vendor_headers headers = { .count = 0 };
    struct ein_llm_outcome outcome = { .struct_size = sizeof(outcome) };
    EIN_JSON json_t *models = NULL;
    int r = 0;

    if (!openai->live_models) {
        *ret_models = NULL;
        return 0;
    }
    models = json_array();
    if (!models)
        return error_no_memory(err);
    r = openai_add_key(openai, openai->vendor.own_key, &headers, err);
    if (r < 0)
        return r;
    const struct vendor_call call = {
        .path = openai->models_path,
        .headers = &headers,
        .secret = openai->vendor.own_key,
        .framing = VENDOR_JSON,
        .on_whole = take_list,
        .data = &models,
    };
    r = vendor_run(&openai->vendor, &call, &outcome, err);
    if (r == 0)
        *ret_models = EIN_TAKE(models);
    return r;
}
