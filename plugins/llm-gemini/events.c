/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"
#include "gemini.h"
#include "member.h"
#include "str.h"

#include <stdio.h>
#include <string.h>

void gemini_reader_done(struct gemini_reader *reader)
{
    json_decref(reader->cited);
    reader->cited = NULL;
}

static int tell(struct gemini_reader *reader, int kind, const char *text, const json_t *data,
                struct ein_error *err)
{
    reader->has_said = true;
    return vendor_piece(&reader->sink, kind, text, data, err);
}

/* ---- parts ---- */

static json_t *signature_of(const json_t *part)
{
    json_t *signature = json_object_get(part, "thoughtSignature");

    return json_string_length(signature) > 0 ? signature : NULL;
}

/* The signature of the text or the thought that was told just now. */
static int tell_signature(struct gemini_reader *reader, const json_t *part, bool thought,
                          struct ein_error *err)
{
    json_t *signature = signature_of(part);
    json_int_t len = (json_int_t)json_string_length(json_object_get(part, "text"));
    EIN_JSON json_t *data = NULL;

    if (!signature)
        return 0;
    data =
        json_pack("{s:{s:s, s:O}}", "replay", "wire", GEMINI_WIRE, "thoughtSignature", signature);
    if (!data || (!thought && json_object_set_new(json_object_get(data, "replay"), "text_bytes",
                                                  json_integer(len)) < 0))
        return error_no_memory(err);
    return tell(reader, EIN_LLM_THOUGHT, NULL, data, err);
}

static int read_text(struct gemini_reader *reader, const json_t *part, struct ein_error *err)
{
    bool thought = json_is_true(json_object_get(part, "thought"));
    const char *text = text_of(part, "text");
    int r = 0;

    if (*text)
        r = tell(reader, thought ? EIN_LLM_THOUGHT : EIN_LLM_TEXT, text, NULL, err);
    return r < 0 ? r : tell_signature(reader, part, thought, err);
}

/* Only an id of Gemini's own goes back to it: else it counts calls by their position. */
static json_t *replay_of(const json_t *part, const json_t *call)
{
    json_t *replay = json_pack("{s:s, s:O*, s:O*}", "wire", GEMINI_WIRE, "id",
                               json_object_get(call, "id"), "thoughtSignature", signature_of(part));

    if (json_object_size(replay) > 1)
        return replay;
    json_decref(replay);
    return NULL;
}

static int read_call(struct gemini_reader *reader, const json_t *part, struct ein_error *err)
{
    const json_t *call = json_object_get(part, "functionCall");
    EIN_JSON json_t *replay = replay_of(part, call);

    reader->has_called = reader->has_said = true;
    return vendor_tool_object(reader->vendor, &reader->sink, text_of(call, "id"),
                              text_of(call, "name"), json_object_get(call, "args"), replay,
                              reader->outcome, err);
}

/* What Gemini ran by itself, as text in a fence. */
static int tell_fenced(struct gemini_reader *reader, const char *language, const char *code,
                       struct ein_error *err)
{
    EIN_FREE char *text =
        str_print("\n```%s\n%s%s```\n", language, code, str_ends(code, "\n") ? "" : "\n");

    return text ? tell(reader, EIN_LLM_TEXT, text, NULL, err) : error_no_memory(err);
}

static int read_code(struct gemini_reader *reader, const json_t *part, struct ein_error *err)
{
    const char *code = text_of(json_object_get(part, "executableCode"), "code");
    int r = tell_fenced(reader, "python", code ? code : "", err);

    return r < 0 ? r : tell_signature(reader, part, false, err);
}

static int read_code_result(struct gemini_reader *reader, const json_t *part, struct ein_error *err)
{
    const json_t *result = json_object_get(part, "codeExecutionResult");
    const char *output = text_of(result, "output"), *outcome = text_of(result, "outcome");

    if (!output)
        output = outcome ? outcome : "";
    return tell_fenced(reader, "", output, err);
}

static int read_part(struct gemini_reader *reader, const json_t *part, struct ein_error *err)
{
    if (json_object_get(part, "functionCall"))
        return read_call(reader, part, err);
    if (json_is_string(json_object_get(part, "text")))
        return read_text(reader, part, err);
    if (json_object_get(part, "executableCode"))
        return read_code(reader, part, err);
    if (json_object_get(part, "codeExecutionResult"))
        return read_code_result(reader, part, err);
    return 0;
}

/* ---- sources ---- */

/* Each once, however often it comes. */
static int cite(struct gemini_reader *reader, json_t *url, json_t *title, struct ein_error *err)
{
    if (json_string_length(url) == 0)
        return 0;
    reader->has_said = true;
    return vendor_source(
        &reader->sink, &reader->cited,
        json_pack("{s:O, s:O*}", "url", url, "title", json_is_string(title) ? title : NULL), err);
}

static int read_chunk(struct gemini_reader *reader, const json_t *chunk, struct ein_error *err)
{
    static const char *const kinds[] = { "web", "retrievedContext", "maps" };
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const json_t *from = json_object_get(chunk, kinds[i]);

        r = cite(reader, json_object_get(from, "uri"), json_object_get(from, "title"), err);
    }
    return r;
}

static int read_citation(struct gemini_reader *reader, const json_t *citation,
                         struct ein_error *err)
{
    return cite(reader, json_object_get(citation, "uri"), NULL, err);
}

/* A page that was read because the conversation named it. */
static int read_page(struct gemini_reader *reader, const json_t *page, struct ein_error *err)
{
    const char *status = text_of(page, "urlRetrievalStatus");

    if (!status || strcmp(status, "URL_RETRIEVAL_STATUS_SUCCESS") != 0)
        return 0;
    return cite(reader, json_object_get(page, "retrievedUrl"), NULL, err);
}

/* The pages are those of all queries together: they are told with the first. */
static json_t *pages_of(const json_t *grounding)
{
    json_t *pages = json_array();
    const json_t *chunk;
    size_t at;

    json_array_foreach(json_object_get(grounding, "groundingChunks"), at, chunk)
    {
        const json_t *web = json_object_get(chunk, "web");

        (void)json_array_append_new(pages,
                                    json_pack("{s:O, s:O*}", "url", json_object_get(web, "uri"),
                                              "title", json_object_get(web, "title")));
    }
    return pages;
}

static int tell_search(struct gemini_reader *reader, const json_t *query, const json_t *grounding,
                       struct ein_error *err)
{
    struct ein_llm_outcome *outcome = reader->outcome;
    EIN_JSON json_t *key = json_sprintf("?%s", json_string_value(query));
    EIN_JSON json_t *data = NULL;
    char id[32];
    int r = key ? vendor_note(&reader->cited, json_string_value(key), err) : error_no_memory(err);

    if (r <= 0)
        return r;
    (void)snprintf(id, sizeof(id), "search_%zu", json_object_size(reader->cited) - 1);
    data = json_pack("{s:s, s:O, s:o}", "id", id, "query", query, "results",
                     outcome->searches ? json_array() : pages_of(grounding));
    if (!data)
        return error_no_memory(err);
    outcome->searches = reader->by_query ? outcome->searches + 1 : 1;
    return tell(reader, EIN_LLM_SEARCH, NULL, data, err);
}

static int read_searches(struct gemini_reader *reader, const json_t *candidate,
                         struct ein_error *err)
{
    const json_t *grounding = json_object_get(candidate, "groundingMetadata"), *query;
    size_t at;
    int r = 0;

    json_array_foreach(json_object_get(grounding, "webSearchQueries"), at, query)
    {
        if (r == 0 && json_string_length(query) > 0)
            r = tell_search(reader, query, grounding, err);
    }
    return r;
}

static int read_sources(struct gemini_reader *reader, const json_t *candidate,
                        struct ein_error *err)
{
    static const struct {
        const char *metadata, *list;
        int (*read)(struct gemini_reader *reader, const json_t *item, struct ein_error *err);
    } lists[] = {
        { "groundingMetadata", "groundingChunks", read_chunk },
        { "citationMetadata", "citationSources", read_citation },
        { "urlContextMetadata", "urlMetadata", read_page },
    };
    const json_t *item;
    size_t at;
    int r = 0;

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        const json_t *metadata = json_object_get(candidate, lists[i].metadata);

        json_array_foreach(json_object_get(metadata, lists[i].list), at, item)
        {
            if (r == 0)
                r = lists[i].read(reader, item, err);
        }
    }
    return r < 0 ? r : read_searches(reader, candidate, err);
}

/* ---- a response ---- */

/* It grows from one response to the next: the last one counts. */
static void read_usage(struct gemini_reader *reader, const json_t *usage)
{
    struct ein_llm_outcome *outcome = reader->outcome;

    if (!json_is_object(usage))
        return;
    outcome->input_tokens =
        vendor_count(usage, "promptTokenCount") + vendor_count(usage, "toolUsePromptTokenCount");
    outcome->cached_tokens = vendor_count(usage, "cachedContentTokenCount");
    outcome->reasoning_tokens = vendor_count(usage, "thoughtsTokenCount");
    outcome->output_tokens =
        vendor_count(usage, "candidatesTokenCount") + outcome->reasoning_tokens;
    if (outcome->cached_tokens > outcome->input_tokens)
        outcome->cached_tokens = outcome->input_tokens;
}

static int read_candidate(struct gemini_reader *reader, const json_t *candidate,
                          struct ein_error *err)
{
    const json_t *part;
    size_t at;
    int r = 0;

    if (json_integer_value(json_object_get(candidate, "index")) != 0)
        return 0;
    json_array_foreach(json_object_get(json_object_get(candidate, "content"), "parts"), at, part)
    {
        if (r == 0)
            r = read_part(reader, part, err);
    }
    vendor_copy(reader->reason, sizeof(reader->reason), text_of(candidate, "finishReason"));
    return r < 0 ? r : read_sources(reader, candidate, err);
}

/* In the middle of a stream that began well. */
static int read_error(const struct gemini_reader *reader, const json_t *response,
                      struct ein_error *err)
{
    int code = (int)json_integer_value(json_object_get(json_object_get(response, "error"), "code"));
    struct vendor_failure failure = { .status = code,
                                      .body = response,
                                      .fault = vendor_fault_of(code ? code : 500) };

    gemini_classify(NULL, &failure);
    return vendor_fail(reader->vendor, &failure, reader->secret, reader->outcome, err);
}

static int read_one(struct gemini_reader *reader, const json_t *response, struct ein_error *err)
{
    struct ein_llm_outcome *outcome = reader->outcome;
    const char *blocked = text_of(json_object_get(response, "promptFeedback"), "blockReason");
    const json_t *candidate;
    size_t at;
    int r = 0;

    if (unless_null(response, "error"))
        return read_error(reader, response, err);
    read_usage(reader, json_object_get(response, "usageMetadata"));
    vendor_copy(outcome->model, sizeof(outcome->model), text_of(response, "modelVersion"));
    vendor_copy(outcome->vendor_request_id, sizeof(outcome->vendor_request_id),
                text_of(response, "responseId"));
    if (blocked)
        return vendor_fault(outcome, EIN_LLM_FAULT_REFUSED, err, "%s refuses to answer this: %.40s",
                            reader->vendor->title, blocked);
    json_array_foreach(json_object_get(response, "candidates"), at, candidate)
    {
        if (r == 0)
            r = read_candidate(reader, candidate, err);
    }
    return r;
}

int gemini_read(struct gemini_reader *reader, const json_t *response, struct ein_error *err)
{
    const json_t *one;
    size_t at;
    int r = 0;

    if (!json_is_array(response))
        r = read_one(reader, response, err);
    json_array_foreach(response, at, one)
    {
        if (r == 0)
            r = read_one(reader, one, err);
    }
    return r == 0 && reader->reason[0] ? VENDOR_MAY_END : r;
}

/* ---- the end ---- */

/* Reasons that are none of these end an answer like any other. */
static const struct {
    const char *reason, *stop;
    int fault;
    const char *why;
} reasons[] = {
    { "MAX_TOKENS", "length", 0, NULL },
    { "SAFETY", "content_filter", 0, NULL },
    { "RECITATION", "content_filter", 0, NULL },
    { "LANGUAGE", "content_filter", 0, NULL },
    { "BLOCKLIST", "content_filter", 0, NULL },
    { "PROHIBITED_CONTENT", "content_filter", 0, NULL },
    { "SPII", "content_filter", 0, NULL },
    { "IMAGE_SAFETY", "content_filter", 0, NULL },
    { "IMAGE_PROHIBITED_CONTENT", "content_filter", 0, NULL },
    { "IMAGE_RECITATION", "content_filter", 0, NULL },
    { "IMAGE_OTHER", "content_filter", 0, NULL },
    { "MALFORMED_FUNCTION_CALL", NULL, EIN_LLM_FAULT_OVERLOADED,
      "made a tool call that cannot be read" },
    { "UNEXPECTED_TOOL_CALL", NULL, EIN_LLM_FAULT_OVERLOADED,
      "called a tool that it was not given" },
    { "TOO_MANY_TOOL_CALLS", NULL, EIN_LLM_FAULT_OVERLOADED, "called tools without end" },
    { "MALFORMED_RESPONSE", NULL, EIN_LLM_FAULT_OVERLOADED, "made an answer that cannot be read" },
    { "MISSING_THOUGHT_SIGNATURE", NULL, EIN_LLM_FAULT_BAD_REQUEST,
      "misses the signature of a thought" },
};

static void stop_with(struct gemini_reader *reader, const char *stop)
{
    vendor_copy(reader->outcome->stop_reason, sizeof(reader->outcome->stop_reason), stop);
}

int gemini_finish(struct gemini_reader *reader, struct ein_error *err)
{
    const char *title = reader->vendor->title;

    if (!reader->reason[0])
        return vendor_fault(reader->outcome, EIN_LLM_FAULT_UNREACHABLE, err,
                            "the answer of %s broke off before its end", title);
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (strcmp(reasons[i].reason, reader->reason) != 0)
            continue;
        if (reasons[i].fault)
            return vendor_fault(reader->outcome, reasons[i].fault, err, "%s %s (%s)", title,
                                reasons[i].why, reader->reason);
        stop_with(reader, reasons[i].stop);
        return 0;
    }
    if (strcmp(reader->reason, "OTHER") == 0 && !reader->has_said)
        return vendor_fault(reader->outcome, EIN_LLM_FAULT_OVERLOADED, err,
                            "%s ended without an answer and without a reason", title);
    stop_with(reader, reader->has_called ? "tool_calls" : "stop");
    return 0;
}
