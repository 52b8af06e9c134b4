/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include "cleanup.h"
#include "error.h"
#include "turns.h"
#include "vendor_schema.h"

bool bedrock_has(const json_t *blocks, const char *member)
{
    for (size_t i = 0; i < json_array_size(blocks); i++)
        if (json_object_get(json_array_get(blocks, i), member))
            return true;
    return false;
}

/* The vendor takes no document without words beside it. */
static int add_words(const json_t *messages, struct ein_error *err)
{
    for (size_t i = 0; i < json_array_size(messages); i++) {
        json_t *content = json_object_get(json_array_get(messages, i), "content");

        if (bedrock_has(content, "document") && !bedrock_has(content, "text") &&
            json_array_append_new(content, json_pack("{s:s}", "text", "(a document)")) < 0)
            return error_no_memory(err);
    }
    return 0;
}

static bool is_thought(const json_t *block)
{
    return json_object_get(block, "reasoningContent");
}

static int set_messages(const struct ein_llm_call *call, json_t *body, struct ein_error *err)
{
    struct bedrock_writer writer;
    struct turns turns;
    int r;

    bedrock_writer_init(call, &writer);
    r = turns_read(call->messages, bedrock_part, &writer, &turns, err);

    if (r < 0)
        return r;
    r = turns_trim_thoughts(&turns, is_thought, err);
    if (r >= 0)
        r = turns_trim_end(&turns, err);
    if (r >= 0)
        r = add_words(turns.messages, err);
    if (json_object_set(body, "messages", turns.messages) < 0 ||
        (json_array_size(turns.system) > 0 && json_object_set(body, "system", turns.system) < 0))
        r = error_no_memory(err);
    turns_done(&turns);
    return r;
}

static json_t *number(const json_t *parameters, const char *name)
{
    json_t *value = json_object_get(parameters, name);

    return json_is_number(value) ? value : NULL;
}

static int set_inference(const struct ein_llm_call *call, int64_t max_tokens, json_t *body,
                         struct ein_error *err)
{
    EIN_JSON json_t *stop = turns_stop(json_object_get(call->parameters, "stop"));
    json_t *config = json_pack("{s:I, s:O*, s:O*, s:O*}", "maxTokens", (json_int_t)max_tokens,
                               "temperature", number(call->parameters, "temperature"), "topP",
                               number(call->parameters, "top_p"), "stopSequences",
                               json_array_size(stop) > 0 ? stop : NULL);

    if (json_object_set_new(body, "inferenceConfig", config) < 0)
        return error_no_memory(err);
    return 0;
}

/* The schema goes as text. */
static int set_format(const struct ein_host *host, const json_t *schema, json_t *body,
                      struct ein_error *err)
{
    EIN_JSON json_t *closed = vendor_closed_schema(schema);
    char *text = closed ? host->json_text(closed, NULL) : NULL;
    int bad = !text || json_object_set_new(body, "outputConfig",
                                           json_pack("{s:{s:s, s:{s:{s:s}}}}", "textFormat", "type",
                                                     "json_schema", "structure", "jsonSchema",
                                                     "schema", text)) < 0;

    host->mem_free(text);
    return bad ? error_no_memory(err) : 0;
}

/* Members of a request by the vendor's own names, and service_tier. */
static int set_others(const json_t *parameters, json_t *body, struct ein_error *err)
{
    static const char *const names[] = {
        "guardrailConfig", "promptVariables", "additionalModelResponseFieldPaths",
        "requestMetadata", "serviceTier",     "performanceConfig",
    };
    json_t *tier = json_object_get(parameters, "service_tier");
    int bad = 0;

    if (json_is_string(tier))
        bad = json_object_set_new(body, "serviceTier", json_pack("{s:O}", "type", tier));
    for (size_t i = 0; !bad && i < sizeof(names) / sizeof(names[0]); i++) {
        json_t *value = json_object_get(parameters, names[i]);

        if (value && !json_is_null(value))
            bad = json_object_set(body, names[i], value);
    }
    return bad ? error_no_memory(err) : 0;
}

int bedrock_request(const struct ein_host *host, const struct ein_llm_call *call,
                    int64_t max_tokens, json_t **ret_body, struct ein_error *err)
{
    EIN_JSON json_t *body = json_object();
    int r = body ? 0 : error_no_memory(err);

    if (!call->model)
        return error_set(err, EIN_E_INVALID, "the model has no name");
    if (r >= 0)
        r = set_messages(call, body, err);
    if (r >= 0)
        r = set_inference(call, max_tokens, body, err);
    if (r >= 0)
        r = bedrock_tools(call, body, err);
    if (r >= 0 && call->reply_schema)
        r = set_format(host, call->reply_schema, body, err);
    if (r >= 0)
        r = bedrock_fields(call, body, err);
    if (r >= 0)
        r = set_others(call->parameters, body, err);
    if (r >= 0)
        *ret_body = EIN_TAKE(body);
    return r;
}
