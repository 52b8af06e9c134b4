/* SPDX-License-Identifier: Apache-2.0 */
#include "parameters.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

/* What speaks to a model. */
enum wire {
    CHAT = 1u << 0, /* OpenAI's chat completions, and all that are compatible */
    RESPONSES = 1u << 1,
    ANTHROPIC = 1u << 2,
    GEMINI = 1u << 3,
    BEDROCK = 1u << 4,
    OLLAMA = 1u << 5,
    PERPLEXITY = 1u << 6,
    OPENROUTER = 1u << 7,
    ALL = 0xffu
};

#define CHAT_LIKE   ((uint32_t)CHAT | OPENROUTER)
#define SAMPLES_BIG 1e15

static const struct {
    const char *provider;
    uint32_t wire;
} wires[] = {
    { "anthropic", ANTHROPIC }, { "gemini", GEMINI },         { "bedrock", BEDROCK },
    { "ollama", OLLAMA },       { "perplexity", PERPLEXITY }, { "openrouter", OPENROUTER },
};

static const struct common table[] = {
    { "max_tokens", "integer", 1, SAMPLES_BIG, ALL, 0 },
    { "stop", "stop", 0, 0, ALL & ~((uint32_t)RESPONSES | PERPLEXITY), 0 },
    { "seed", "integer", -DBL_MAX, DBL_MAX, CHAT_LIKE | GEMINI | OLLAMA, 0 },
    { "presence_penalty", "float", -2, 2, CHAT_LIKE | OLLAMA, 0 },
    { "frequency_penalty", "float", -2, 2, CHAT_LIKE | OLLAMA, 0 },
    { "top_p", "float", 0, 1, (uint32_t)CHAT | GEMINI, 0 },
    { "parallel_tool_calls", "boolean", 0, 0, CHAT_LIKE | RESPONSES | ANTHROPIC, 0 },
    { "user", "string", 0, 0, CHAT_LIKE | RESPONSES | ANTHROPIC, 0 },
    { "service_tier", "string", 0, 0, CHAT_LIKE | RESPONSES | ANTHROPIC | BEDROCK, 0 },
    { "prompt_cache_key", "string", 0, 0, RESPONSES, 0 },
    { "verbosity", "string", 0, 0, CHAT_LIKE | RESPONSES, 0 },
    { "show_thinking", "boolean", 0, 0, ALL, 0 },
    { "reasoning_effort", "string", 0, 0, ALL, MODEL_REASONING },
    { "thinking_budget", "integer", -1, SAMPLES_BIG,
      /* -1: as it likes */ ANTHROPIC | GEMINI | BEDROCK | OPENROUTER, MODEL_REASONING },
};

/* Of a model whose parameters nobody has listed. */
static const struct common sampling[] = {
    { "temperature", "float", 0, 2, ALL, 0 },
    { "top_p", "float", 0, 1, ALL, 0 },
    { "top_k", "integer", 1, SAMPLES_BIG, ALL & ~((uint32_t)RESPONSES), 0 },
};

static const char *const names[][4] = {
    /* each a catalog's name of one thing */
    { "max_tokens", "max_completion_tokens", "max_output_tokens", "num_predict" },
    { "stop", "stop_sequences" },
};

static uint32_t wire_of(const struct model *model)
{
    const char *style = json_string_value(json_object_get(model->json, "api_style"));

    for (size_t i = 0; i < sizeof(wires) / sizeof(wires[0]); i++)
        if (strcmp(wires[i].provider, model->provider) == 0)
            return wires[i].wire;
    return style && strcmp(style, "responses") == 0 ? RESPONSES : CHAT;
}

/* OpenAI's models that do not reason can be asked in both ways, and llm-openai takes the one that
 * has the parameter; the tools that run there are only in one. */
static uint32_t wires_of(const struct parameter_rules *rules)
{
    const struct model *model = rules->model;
    uint32_t wire = wire_of(model);

    if (wire == RESPONSES && (model->cannot & MODEL_REASONING) && !rules->vendors_tools &&
        strcmp(model->provider, "openai") == 0)
        wire |= CHAT;
    return wire;
}

const char *wire_name(const struct model *model)
{
    uint32_t wire = wire_of(model);

    if (strcmp(model->provider, "gofannon") == 0) /* an agent */
        return "";
    return wire & (CHAT_LIKE | RESPONSES | PERPLEXITY) ? "openai"
           : wire & ANTHROPIC                          ? "anthropic"
                                                       : "";
}

size_t common_name_max(const struct model *model)
{
    if (strcmp(model->provider, "gofannon") == 0) /* an agent */
        return 0;
    return wire_of(model) & ANTHROPIC ? 128 : 64;
}

const char *common_name(const json_t *rows, const char *name)
{
    size_t group = 0, i = 0;

    if (json_object_get(rows, name))
        return name;
    for (; group < sizeof(names) / sizeof(names[0]); group++) {
        for (i = 0; i < 4 && names[group][i] && strcmp(names[group][i], name) != 0;)
            i++;
        if (i < 4 && names[group][i])
            break;
    }
    if (group == sizeof(names) / sizeof(names[0]))
        return name;
    for (i = 0; i < 4 && names[group][i]; i++)
        if (json_object_get(rows, names[group][i]))
            return names[group][i];
    return names[group][0];
}

bool common_is_most(const char *name)
{
    return strcmp(common_name(NULL, name), "max_tokens") == 0 ||
           strcmp(name, "thinking_budget") == 0;
}

/* 0: none; negative: it is no effort. */
static int effort_rank(const char *effort)
{
    static const char *const efforts[] = { "none", "minimal", "low", "medium",
                                           "high", "xhigh",   "max" };

    if (effort && strcmp(effort, "disable") == 0)
        return 0;
    for (size_t i = 0; effort && i < sizeof(efforts) / sizeof(efforts[0]); i++)
        if (strcmp(efforts[i], effort) == 0)
            return (int)i;
    return -1;
}

json_t *effort_nearest(const json_t *choices, const char *effort)
{
    int wanted = effort_rank(effort), least = 0;
    json_t *choice, *found = NULL;
    size_t i;

    json_array_foreach((json_t *)choices, i, choice)
    {
        int rank = effort_rank(json_string_value(choice));
        int far = 2 * abs(rank - wanted) + (rank > wanted);

        if (wanted < 0 || rank < 0 || (wanted > 0 && rank == 0) || (found && far >= least))
            continue;
        least = far;
        found = choice;
    }
    return found;
}

static const struct common *look_up(const struct common *rows, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

const struct common *common_find(const struct parameter_rules *rules, const char *name)
{
    const struct model *model = rules->model;
    const struct common *found = look_up(table, sizeof(table) / sizeof(table[0]), name);

    if (model->embeds && strcmp(name, "user") != 0)
        return NULL;
    if (!found && json_object_size(json_object_get(model->json, "parameters")) == 0)
        found = look_up(sampling, sizeof(sampling) / sizeof(sampling[0]), name);
    if (!found || !(found->wires & wires_of(rules)) || (found->needs & model->cannot))
        return NULL;
    return found;
}

bool common_always_limits(const struct model *model)
{
    return wire_of(model) & ((uint32_t)ANTHROPIC | BEDROCK);
}

bool common_is_claude(const struct model *model)
{
    return wire_of(model) == ANTHROPIC ||
           (wire_of(model) == BEDROCK && strstr(model->id, "anthropic."));
}

bool common_is_fixed(const struct model *model, const char *name)
{
    return strcmp(model->provider, "openai") == 0 && (model->can & MODEL_REASONING) &&
           (strcmp(name, "temperature") == 0 || strcmp(name, "top_p") == 0);
}

bool common_disturbs_thinking(const char *name, const json_t *value)
{
    double number = json_number_value(value);

    return (strcmp(name, "temperature") == 0 && number != 1) || strcmp(name, "top_k") == 0 ||
           (strcmp(name, "top_p") == 0 && number < 0.95);
}
