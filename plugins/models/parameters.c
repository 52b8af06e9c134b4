/* SPDX-License-Identifier: Apache-2.0 */
#include "parameters.h"

#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "notes.h"
#include "thinking.h"

#include <float.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { WHY_SIZE = 160, WORD_SIZE = 40 };

/* What one parameter must be: a row of the catalog, or a common one. */
struct rule {
    const char *type;
    double min, max;
    const json_t *choices, *exclusive; /* may be NULL */
};

struct check {
    const struct parameter_rules *rules;
    const json_t *rows; /* of the catalog, may be NULL */
    json_t *kept;
    json_t **notes;
    struct ein_error *err;
};

/* ---- words ---- */

/* Refuses, or notes what it became, NULL: it was left out; `why` is what the model does. */
static int tell(struct check *check, const char *name, const json_t *became, const char *why)
{
    const struct model *model = check->rules->model;
    const char *text = json_string_value(became);
    char what[WORD_SIZE] = "left out";

    if (check->rules->refuse)
        return error_set(check->err, EIN_E_INVALID, "The parameter '%.64s' cannot be: %s/%s %s",
                         name, model->provider, model->id, why);
    if (text)
        snprintf(what, sizeof(what), "made '%.16s'", text);
    else if (became)
        snprintf(what, sizeof(what), "made %.10g", json_number_value(became));
    (void)notes_add(check->notes, check->rules->max_notes, "'%.64s' was %s: %s/%s %s", name, what,
                    model->provider, model->id, why);
    return 0;
}

static int leave_out(struct check *check, const char *name, const char *why)
{
    return tell(check, name, NULL, why);
}

static void say_range(const struct rule *rule, char *why)
{
    if (rule->min > -DBL_MAX && rule->max < DBL_MAX)
        snprintf(why, WHY_SIZE, "takes it from %.10g to %.10g", rule->min, rule->max);
    else if (rule->min > -DBL_MAX)
        snprintf(why, WHY_SIZE, "takes it from %.10g up", rule->min);
    else
        snprintf(why, WHY_SIZE, "takes it up to %.10g", rule->max);
}

static void say_type(const struct rule *rule, char *why)
{
    const json_t *choice;
    size_t i;
    int len = snprintf(why, WHY_SIZE, "takes %s there", rule->type ? rule->type : "another");

    if (json_array_size(rule->choices) > 0)
        len = snprintf(why, WHY_SIZE, "takes one of");
    json_array_foreach(rule->choices, i, choice)
    {
        if (json_is_string(choice) && len < WHY_SIZE)
            len += snprintf(why + len, WHY_SIZE - (size_t)len, "%s %s", i ? "," : "",
                            json_string_value(choice));
    }
}

/* ---- rules ---- */

static double bound_of(const json_t *row, const char *member, double otherwise)
{
    const json_t *bound = json_object_get(row, member);

    return json_is_number(bound) ? json_number_value(bound) : otherwise;
}

static bool rule_of_row(const json_t *row, struct rule *ret_rule)
{
    if (!row)
        return false;
    *ret_rule = (struct rule){
        .type = text_of(row, "type"),
        .min = bound_of(row, "min", -DBL_MAX),
        .max = bound_of(row, "max", DBL_MAX),
        .choices = json_object_get(row, "choices"),
        .exclusive = json_object_get(row, "mutually_exclusive_with"),
    };
    return true;
}

static bool rule_of_common(const struct parameter_rules *rules, const char *name,
                           struct rule *ret_rule)
{
    const struct common *common = common_find(rules, name);

    if (!common)
        return false;
    *ret_rule = (struct rule){ .type = common->type, .min = common->min, .max = common->max };
    return true;
}

/* ---- checks ---- */

static bool is_unset(const json_t *value)
{
    return json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0);
}

/* The parameter that was set before and cannot be together with this one; or NULL. */
static const char *rival_of(const struct check *check, const json_t *exclusive)
{
    const json_t *one;
    size_t i;

    json_array_foreach(exclusive, i, one)
    {
        const char *rival = json_string_value(one);
        if (rival && json_object_get(check->kept, rival))
            return rival;
    }
    return NULL;
}

static bool is_in_range(const struct rule *rule, const json_t *value)
{
    return !json_is_number(value) || strcmp(rule->type ? rule->type : "", "choice") == 0 ||
           (json_number_value(value) >= rule->min && json_number_value(value) <= rule->max);
}

/* The next best that the model has: of tokens the most, of efforts the nearest.  Else NULL. */
static json_t *nearest(const char *name, const struct rule *rule, const json_t *given,
                       const json_t *value)
{
    if (value && common_is_most(name) && json_number_value(value) > rule->max)
        return json_integer((json_int_t)rule->max);
    if (!value && strcmp(name, "reasoning_effort") == 0)
        return json_incref(effort_nearest(rule->choices, json_string_value(given)));
    return NULL;
}

/* The value as the rule has it, or the next best with a word about it.  NULL: there is none. */
static int fit(struct check *check, const char *name, const struct rule *rule, const json_t *given,
               json_t **ret_value)
{
    EIN_JSON json_t *value = parameter_coerce(rule->type, rule->choices, given), *other = NULL;
    char why[WHY_SIZE];

    *ret_value = NULL;
    if (value && is_in_range(rule, value)) {
        *ret_value = EIN_TAKE(value);
        return 0;
    }
    if (value)
        say_range(rule, why);
    else
        say_type(rule, why);
    other = nearest(name, rule, given, value);
    int r = tell(check, name, other, why);

    if (r == 0)
        *ret_value = EIN_TAKE(other);
    return r;
}

static int keep(struct check *check, const char *name, const struct rule *rule, const json_t *given)
{
    EIN_JSON json_t *value = NULL;
    char why[WHY_SIZE];
    const char *rival = rival_of(check, rule->exclusive);
    int r = fit(check, name, rule, given, &value);

    if (!value)
        return r;
    if (rival || json_object_get(check->kept, name)) {
        snprintf(why, sizeof(why), "takes it not together with '%.64s'", rival ? rival : name);
        return leave_out(check, name, why);
    }
    return json_object_set_new(check->kept, name, EIN_TAKE(value)) < 0 ? error_no_memory(check->err)
                                                                       : 0;
}

/* What a row need not say. */
static void narrow(const struct model *model, const char *name, struct rule *rule)
{
    int64_t most = 0;

    if (strcmp(name, "max_tokens") == 0)
        most = model->max_output;
    else if (strcmp(name, "thinking_budget") == 0)
        most = model->max_thinking ? model->max_thinking : model->max_output;
    if (most && rule->max > (double)most)
        rule->max = (double)most;
}

/* Vendors ask up to twice the price for it, and the catalog knows one. */
static bool is_dearer(const char *name, const json_t *value)
{
    const char *tier = json_string_value(value);

    return tier && strcasecmp(tier, "priority") == 0 && strcmp(name, "service_tier") == 0;
}

/* For whom they embed, and by what OpenAI finds again what it has cached, is the vendors' business
 * who ask for it. */
static bool changes_no_answer(const struct model *model, const char *name)
{
    return (model->embeds && strcmp(name, "user") == 0) || strcmp(name, "prompt_cache_key") == 0;
}

static int check_one(struct check *check, const char *given, const json_t *value)
{
    const struct model *model = check->rules->model;
    const char *name = common_name(check->rows, given);
    struct rule rule = { .min = -DBL_MAX, .max = DBL_MAX };
    bool passed = list_has(check->rules->pass, given);

    if (is_unset(value))
        return 0;
    if (changes_no_answer(model, given) && !common_find(check->rules, given))
        return 0;
    if (common_is_fixed(model, name) && !passed)
        return leave_out(check, given, "chooses by itself how freely it words");
    if (!rule_of_row(json_object_get(check->rows, name), &rule)) {
        bool is_common = rule_of_common(check->rules, name, &rule);

        if ((!is_common || is_dearer(name, value)) && !passed)
            return leave_out(check, given,
                             is_common ? "has no price here for that" : "has no such parameter");
    }
    narrow(model, name, &rule);
    return keep(check, name, &rule, value);
}

/* ---- all together ---- */

static bool is_to_think(const json_t *parameters)
{
    const char *effort = text_of(parameters, "reasoning_effort");

    return (effort && strcmp(effort, "disable") != 0 && strcmp(effort, "none") != 0) ||
           integer_of(parameters, "thinking_budget") != 0;
}

/* Claude may not think where it has to call a tool, and cannot where it may say little. */
static const char *why_no_thinking(const struct parameter_rules *rules)
{
    if (rules->model->cannot & MODEL_THINKING)
        return "does not think";
    return thinking_forced(rules->tool_choice) ? "does not think where it has to call a tool"
                                               : "has no max_tokens left to think with";
}

/* An effort still counts where the model knows efforts. */
static int leave_out_thinking(struct check *check, const struct thinking *thinking)
{
    static const char *const names[] = { "thinking_budget", "reasoning_effort" };
    int r = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && r == 0; i++) {
        bool counts = i == 1 && thinking->effort;

        if (counts || !json_object_get(check->kept, names[i]))
            continue;
        r = leave_out(check, names[i], why_no_thinking(check->rules));
        (void)json_object_del(check->kept, names[i]);
    }
    return r;
}

/* A budget of fewer than Claude's least, or of all that it may say. */
static int settle_budget(struct check *check, const struct thinking *thinking)
{
    json_int_t given = json_integer_value(json_object_get(check->kept, "thinking_budget"));
    json_t *budget;
    int r;

    if (given <= 0 || thinking->kind != THINKING_BUDGET || given == thinking->budget)
        return 0;
    budget = json_integer(thinking->budget);
    r = tell(check, "thinking_budget", budget, "takes it from 1024 to below max_tokens");
    if (json_object_set_new(check->kept, "thinking_budget", budget) < 0 && r == 0)
        r = error_no_memory(check->err);
    return r;
}

static int check_thinking(struct check *check)
{
    const struct model *model = check->rules->model;
    struct thinking thinking;
    const char *name;
    json_t *value;
    void *next;
    int r = 0;

    if (!is_to_think(check->kept) || !common_is_claude(model))
        return 0;
    thinking_plan(check->kept, model->json,
                  thinking_max_tokens(check->kept, model->json, INT64_MAX),
                  !thinking_forced(check->rules->tool_choice), &thinking);
    if (!thinking_on(&thinking))
        return leave_out_thinking(check, &thinking);
    r = settle_budget(check, &thinking);
    json_object_foreach_safe(check->kept, next, name, value)
    {
        if (r < 0 || !common_disturbs_thinking(name, value))
            continue;
        r = leave_out(check, name, "does not take it while it thinks");
        (void)json_object_del(check->kept, name);
    }
    return r;
}

int parameters_check(const struct parameter_rules *rules, const json_t *given,
                     json_t **ret_parameters, json_t **notes, struct ein_error *err)
{
    EIN_JSON json_t *kept = NULL;
    struct check check = { .rules = rules,
                           .rows = json_object_get(rules->model->json, "parameters"),
                           .notes = notes,
                           .err = err };
    const char *name;
    json_t *value;

    *ret_parameters = NULL;
    if (json_object_size(given) == 0)
        return 0;
    if (strcmp(rules->model->provider, "gofannon") == 0) { /* the input of an agent */
        *ret_parameters = json_incref((json_t *)given);
        return 0;
    }
    check.kept = kept = json_object();
    json_object_foreach((json_t *)given, name, value)
    {
        int r = check_one(&check, name, value);
        if (r < 0)
            return r;
    }
    int r = check_thinking(&check);
    if (r < 0)
        return r;
    if (json_object_size(kept) > 0)
        *ret_parameters = EIN_TAKE(kept);
    return 0;
}

uint64_t parameters_max_tokens(const json_t *parameters)
{
    const json_t *value = json_object_get(parameters, "max_tokens");

    if (!value)
        value = json_object_get(parameters, "num_predict");
    return json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
}
