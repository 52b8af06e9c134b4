/* SPDX-License-Identifier: Apache-2.0 */
/* What is not of Converse but of one family of models. */
#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "request.h"
#include "thinking.h"

#include <string.h>

enum bedrock_family bedrock_family(const struct ein_llm_call *call)
{
    static const struct {
        const char *part;
        enum bedrock_family family;
    } families[] = {
        { "anthropic.", BEDROCK_CLAUDE },
        { "claude", BEDROCK_CLAUDE },
        { "nova", BEDROCK_NOVA },
        { "llama", BEDROCK_LLAMA },
    };
    const char *said = text_or_empty(json_object_get(call->settings, "wire"), "family");
    const char *id = *said ? said : call->model;

    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        if (strstr(id, families[i].part))
            return families[i].family;
    return BEDROCK_OTHER;
}

bool bedrock_is_whole(const struct ein_llm_call *call, const json_t *body)
{
    return json_object_get(body, "toolConfig") && bedrock_family(call) == BEDROCK_LLAMA;
}

/* ---- Claude ---- */

/* A turn that is not over, since the assistant has the last word or has called tools, goes on as it
 * began: where its thoughts are not there to be replayed, the model refuses to think again. */
static bool thoughts_are_there(const json_t *messages)
{
    for (size_t i = json_array_size(messages), last = i - 1; i-- > 0;) {
        const json_t *message = json_array_get(messages, i);
        const json_t *content = json_object_get(message, "content");
        bool assistant = strcmp(text_or_empty(message, "role"), "assistant") == 0;

        if (assistant && (i == last || bedrock_has(content, "toolUse")))
            return bedrock_has(content, "reasoningContent");
        if (assistant || !bedrock_has(content, "toolResult"))
            break;
    }
    return true;
}

/* Whoever thinks takes no temperature, no top_k, and no top_p below 0.95. */
static void forget_sampling(json_t *config, json_t *fields)
{
    const json_t *top_p = json_object_get(config, "topP");

    (void)json_object_del(config, "temperature");
    (void)json_object_del(fields, "top_k");
    if (top_p && json_number_value(top_p) < 0.95)
        (void)json_object_del(config, "topP");
}

static int set_output(json_t *body, const char *name, json_t *take_value)
{
    json_t *output = json_object_get(body, "outputConfig");

    if (!output && json_object_set_new(body, "outputConfig", json_object()) < 0) {
        json_decref(take_value);
        return -1;
    }
    return json_object_set_new(json_object_get(body, "outputConfig"), name, take_value);
}

static int claude(const struct ein_llm_call *call, json_t *body, json_t *fields)
{
    json_t *config = json_object_get(body, "inferenceConfig");
    bool possible = !thinking_forced(call->tool_choice) && thoughts_are_there(json_object_get(body, "messages"));
    struct thinking thinking;
    EIN_JSON json_t *think = NULL;

    thinking_plan(call->parameters, call->settings,
                  json_integer_value(json_object_get(config, "maxTokens")), possible, &thinking);
    think = thinking_json(&thinking);
    if (thinking_on(&thinking))
        forget_sampling(config, fields);
    if (thinking.effort && set_output(body, "effort", json_string(thinking.effort)) < 0)
        return -1;
    return think ? json_object_set(fields, "thinking", think) : 0;
}

/* ---- others ---- */

static const char *effort_of(const struct ein_llm_call *call)
{
    const char *effort = text_or_empty(call->parameters, "reasoning_effort");
    const json_t *can = json_object_get(call->settings, "supports_thinking");

    if (!*effort || (can && !json_is_true(can)))
        return NULL;
    return effort;
}

static int nova(const struct ein_llm_call *call, json_t *body, json_t *fields)
{
    json_t *config = json_object_get(body, "inferenceConfig");
    const char *effort = effort_of(call);
    json_t *top_k = json_object_get(fields, "top_k");
    int bad = 0;

    if (top_k) {
        bad = json_object_set_new(fields, "inferenceConfig", json_pack("{s:O}", "topK", top_k));
        (void)json_object_del(fields, "top_k");
    }
    if (bad || !effort)
        return bad;
    if (strcmp(effort, "disable") == 0 || strcmp(effort, "none") == 0)
        return json_object_set_new(fields, "reasoningConfig",
                                   json_pack("{s:s}", "type", "disabled"));
    if (strcmp(effort, "high") == 0) { /* takes none of these */
        (void)json_object_del(config, "temperature");
        (void)json_object_del(config, "topP");
        (void)json_object_del(config, "maxTokens");
    }
    return json_object_set_new(
        fields, "reasoningConfig",
        json_pack("{s:s, s:s}", "type", "enabled", "maxReasoningEffort", effort));
}

static int other(const struct ein_llm_call *call, json_t *fields)
{
    const char *effort = effort_of(call);

    if (!effort || strcmp(effort, "disable") == 0 || strcmp(effort, "none") == 0)
        return 0;
    return json_object_set_new(fields, "reasoning_effort", json_string(effort));
}

int bedrock_fields(const struct ein_llm_call *call, json_t *body, struct ein_error *err)
{
    const json_t *given = json_object_get(call->parameters, "additionalModelRequestFields");
    json_t *top_k = json_object_get(call->parameters, "top_k");
    EIN_JSON json_t *fields = json_object();
    enum bedrock_family family = bedrock_family(call);
    int bad = !fields;

    if (!bad && json_is_number(top_k))
        bad = json_object_set(fields, "top_k", top_k);
    if (!bad && family == BEDROCK_CLAUDE)
        bad = claude(call, body, fields);
    else if (!bad && family == BEDROCK_NOVA)
        bad = nova(call, body, fields);
    else if (!bad)
        bad = other(call, fields);
    if (!bad && json_is_object(given))
        bad = json_object_update(fields, (json_t *)given);
    if (!bad && json_object_size(fields) > 0)
        bad = json_object_set(body, "additionalModelRequestFields", fields);
    return bad ? error_no_memory(err) : 0;
}
