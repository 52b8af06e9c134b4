/* SPDX-License-Identifier: Apache-2.0 */
#include "provider_config.h"
#include "cleanup.h"
#include "member.h"

static const struct {
    const char *provider, *model, *a, *b;
} exclusive[] = {
#include "exclusive.h" /* made of config/models */
};

json_t *provider_config_fault(const json_t *config, const json_t *loc, const json_t *input)
{
    const char *provider = text_or_empty(config, "provider");
    const char *model = text_or_empty(config, "model");
    const json_t *parameters = json_object_get(config, "parameters");

    for (size_t i = 0; i < sizeof(exclusive) / sizeof(exclusive[0]); i++) {
        const char *a = exclusive[i].a, *b = exclusive[i].b;

        if (strcmp(exclusive[i].model, model) != 0 ||
            strcmp(exclusive[i].provider, provider) != 0 || !unless_null(parameters, a) ||
            !unless_null(parameters, b))
            continue;
        EIN_JSON json_t *text =
            json_sprintf("Value error, Parameters '%s' and '%s' are mutually exclusive for %s/%s.",
                         a, b, provider, model);
        return json_pack("{s:s, s:O, s:O, s:O, s:{s:{}}}", "type", "value_error", "loc", loc, "msg",
                         text, "input", input, "ctx", "error");
    }
    return NULL;
}
