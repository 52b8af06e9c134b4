/* SPDX-License-Identifier: Apache-2.0 */
#include "provider_config.h"
#include "cleanup.h"

#include <stdbool.h>

/* Of config/models: {"provider": {"model": [["a", "b"], ...]}} */
extern const char exclusive_json[];

json_t *exclusions_load(void)
{
    return json_loads(exclusive_json, 0, NULL);
}

static bool is_set(const json_t *parameters, const char *name)
{
    const json_t *value = json_object_get(parameters, name);
    return value && !json_is_null(value);
}

json_t *provider_config_fault(const json_t *exclusions, const json_t *config, const json_t *loc,
                              const json_t *input)
{
    const char *provider = json_string_value(json_object_get(config, "provider"));
    const char *model = json_string_value(json_object_get(config, "model"));
    const json_t *parameters = json_object_get(config, "parameters");
    const json_t *pairs = json_object_get(json_object_get(exclusions, provider), model);

    for (size_t i = 0; i < json_array_size(pairs); i++) {
        const json_t *pair = json_array_get(pairs, i);
        const char *a = json_string_value(json_array_get(pair, 0));
        const char *b = json_string_value(json_array_get(pair, 1));
        if (!is_set(parameters, a) || !is_set(parameters, b))
            continue;
        EIN_JSON json_t *text =
            json_sprintf("Value error, Parameters '%s' and '%s' are mutually exclusive for %s/%s.",
                         a, b, provider, model);
        return json_pack("{s:s, s:O, s:O, s:O, s:{s:{}}}", "type", "value_error", "loc", loc, "msg",
                         text, "input", input, "ctx", "error");
    }
    return NULL;
}
