/* SPDX-License-Identifier: Apache-2.0 */
#include "thinking.h"
#include "member.h"

#include <string.h>

enum {
    BUDGET_MIN = 1024, /* the vendor's */
    BUDGET_MAX = 32000 /* that an effort asks for; above it answers take longer than callers wait */
};

/* The part of max_tokens that an effort may think with. */
static const struct {
    const char *effort, *sent; /* `sent`: as models that know efforts call it */
    unsigned percent;
} efforts[] = {
    { "minimal", "low", 10 }, { "low", "low", 20 },     { "medium", "medium", 50 },
    { "high", "high", 80 },   { "xhigh", "xhigh", 95 }, { "max", "max", 95 },
};

enum { EFFORTS = sizeof(efforts) / sizeof(efforts[0]) };

static size_t effort_find(const char *name)
{
    size_t i = 0;

    while (name && i < EFFORTS && strcmp(efforts[i].effort, name) != 0)
        i++;
    return name ? i : EFFORTS;
}

bool thinking_forced(const json_t *tool_choice)
{
    const char *said = json_string_value(tool_choice);

    return json_is_object(tool_choice) || (said && strcmp(said, "required") == 0);
}

static bool says_no(const char *effort)
{
    return effort && (strcmp(effort, "disable") == 0 || strcmp(effort, "none") == 0);
}

/* A flag of the catalog; without an entry the model is believed to do what it is asked for. */
static bool flag(const json_t *settings, const char *name, bool unknown)
{
    const json_t *value = json_object_get(settings, name);

    return value ? json_is_true(value) : unknown;
}

static bool is_adaptive(const json_t *settings)
{
    const char *style = text_of(json_object_get(settings, "wire"), "thinking");

    return style ? strcmp(style, "adaptive") == 0 : flag(settings, "supports_effort", false);
}

static const char *display_of(const json_t *parameters, const json_t *settings, bool adaptive)
{
    const json_t *shown = json_object_get(parameters, "show_thinking");

    if (json_is_boolean(shown))
        return json_is_true(shown) ? "summarized" : "omitted";
    return adaptive && flag(settings, "returns_thoughts", false) ? "summarized" : NULL;
}

static int64_t budget_of(const json_t *parameters, size_t effort, int64_t max_tokens)
{
    const json_t *given = json_object_get(parameters, "thinking_budget");
    int64_t budget;

    if (json_is_integer(given) && json_integer_value(given) > 0) {
        budget = json_integer_value(given);
    } else {
        /* A budget without a number is one that the model may choose. */
        budget = max_tokens / 100 * efforts[effort < EFFORTS ? effort : EFFORTS - 1].percent;
        budget = budget > BUDGET_MAX ? BUDGET_MAX : budget;
    }
    budget = budget < BUDGET_MIN ? BUDGET_MIN : budget;
    return budget < max_tokens ? budget : max_tokens - 1;
}

static void turn_on(const json_t *parameters, const json_t *settings, int64_t max_tokens,
                    size_t effort, struct thinking *thinking)
{
    bool adaptive = is_adaptive(settings);

    if (!adaptive && max_tokens <= BUDGET_MIN)
        return; /* no budget fits */
    thinking->kind = adaptive ? THINKING_ADAPTIVE : THINKING_BUDGET;
    thinking->budget = adaptive ? 0 : budget_of(parameters, effort, max_tokens);
    thinking->display = display_of(parameters, settings, adaptive);
}

void thinking_plan(const json_t *parameters, const json_t *settings, int64_t max_tokens,
                   bool possible, struct thinking *ret_thinking)
{
    const char *name = text_of(parameters, "reasoning_effort");
    const json_t *budget = json_object_get(parameters, "thinking_budget");
    bool budgeted = json_is_integer(budget), off = says_no(name);
    size_t effort = effort_find(name);

    *ret_thinking = (struct thinking){ 0 };
    if (effort < EFFORTS && flag(settings, "supports_effort", false))
        ret_thinking->effort = efforts[effort].sent;
    if (!flag(settings, "supports_thinking", true))
        return;
    if (budgeted && json_integer_value(budget) != 0)
        off = false;
    else if (budgeted)
        off = true;
    if (off)
        ret_thinking->kind = THINKING_OFF;
    else if (possible && (budgeted || effort < EFFORTS))
        turn_on(parameters, settings, max_tokens, effort, ret_thinking);
}

bool thinking_on(const struct thinking *thinking)
{
    return thinking->kind == THINKING_ADAPTIVE || thinking->kind == THINKING_BUDGET;
}

json_t *thinking_json(const struct thinking *thinking)
{
    switch (thinking->kind) {
    case THINKING_OFF:
        return json_pack("{s:s}", "type", "disabled");
    case THINKING_ADAPTIVE:
        return json_pack("{s:s, s:s*}", "type", "adaptive", "display", thinking->display);
    case THINKING_BUDGET:
        return json_pack("{s:s, s:I, s:s*}", "type", "enabled", "budget_tokens",
                         (json_int_t)thinking->budget, "display", thinking->display);
    case THINKING_UNSAID:
        break;
    }
    return NULL;
}

int64_t thinking_max_tokens(const json_t *parameters, const json_t *settings, int64_t otherwise)
{
    const json_t *max = json_object_get(json_object_get(settings, "parameters"), "max_tokens");
    const json_t *const said[] = {
        json_object_get(parameters, "max_tokens"),
        json_object_get(max, "default"),
        json_object_get(json_object_get(settings, "limits"), "output"),
    };

    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
        if (json_integer_value(said[i]) > 0)
            return json_integer_value(said[i]);
    return otherwise;
}
