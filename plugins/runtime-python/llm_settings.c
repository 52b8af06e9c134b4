/* SPDX-License-Identifier: Apache-2.0 */
#include "llm_settings.h"
#include "cleanup.h"

#include <stdbool.h>
#include <string.h>

/* A setting takes the place of what agents may call the same. */
static const struct {
    const char *setting, *names[4];
} table[] = {
    { "maxTokens", { "max_tokens", "max_completion_tokens", "max_output_tokens", "num_predict" } },
    { "temperature", { "temperature" } },
    { "reasoningEffort", { "reasoning_effort" } },
};

/* With perModel a model that is not named is left alone. */
static const json_t *settings_of(const json_t *settings, const char *model)
{
    const json_t *each = json_object_get(settings, "perModel");

    return json_is_object(each) ? json_object_get(each, model) : settings;
}

static bool removes(size_t row, const json_t *value)
{
    const char *text = json_string_value(value);

    return strcmp(table[row].setting, "reasoningEffort") == 0 && text &&
           strcmp(text, "disable") == 0;
}

json_t *llm_settings_apply(const json_t *settings, const char *model, const json_t *parameters)
{
    EIN_JSON json_t *made = parameters ? json_copy((json_t *)parameters) : json_object();
    const json_t *mine = settings_of(settings, model);

    if (!made)
        return NULL;
    for (size_t row = 0; row < sizeof(table) / sizeof(table[0]); row++) {
        json_t *value = json_object_get(mine, table[row].setting);
        if (!value || json_is_null(value))
            continue;
        for (size_t i = 0; i < 4 && table[row].names[i]; i++)
            (void)json_object_del(made, table[row].names[i]);
        if (!removes(row, value) && json_object_set(made, table[row].names[0], value) < 0)
            return NULL;
    }
    return EIN_TAKE(made);
}
