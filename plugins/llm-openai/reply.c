/* SPDX-License-Identifier: Apache-2.0 */
/* What both formats give to the sink. */
#include "reply.h"

#include "error.h"
#include "str.h"

#include <string.h>

void openai_reply_init(struct openai_reply *reply, const struct openai *openai,
                       const struct vendor_sink *sink, const char *secret,
                       struct ein_llm_outcome *outcome)
{
    size_t max = (size_t)openai->vendor.reply_max;

    *reply = (struct openai_reply){
        .openai = openai,
        .sink = *sink,
        .secret = secret,
        .outcome = outcome,
    };
    tool_calls_init(&reply->calls, max);
    details_init(&reply->details, max);
    buf_init(&reply->thought, max);
    chunk_init(&reply->last);
}

void openai_reply_done(struct openai_reply *reply)
{
    tool_calls_done(&reply->calls);
    details_done(&reply->details);
    buf_done(&reply->thought);
    chunk_done(&reply->last);
    json_decref(reply->sources);
}

int openai_give_text(struct openai_reply *reply, const json_t *text, struct ein_error *err)
{
    reply->has_text = reply->has_text || json_string_length(text);
    return vendor_piece(&reply->sink, EIN_LLM_TEXT, json_string_value(text), NULL, err);
}

/* What a model says instead of an answer is shown; that it is none, the stop reason tells. */
int openai_give_refusal(struct openai_reply *reply, const json_t *text, struct ein_error *err)
{
    reply->refused = reply->refused || json_string_length(text);
    return openai_give_text(reply, text, err);
}

int openai_give_thought(struct openai_reply *reply, const json_t *text, struct ein_error *err)
{
    reply->has_thought = reply->has_thought || json_string_length(text);
    return vendor_piece(&reply->sink, EIN_LLM_THOUGHT, json_string_value(text), NULL, err);
}

int openai_give_call(struct openai_reply *reply, const char *id, const char *name,
                     const char *arguments, struct ein_error *err)
{
    reply->has_calls = true;
    return vendor_tool_call(&reply->openai->vendor, &reply->sink, id, name, arguments,
                            reply->outcome, err);
}

/* ---- sources ---- */

/* An annotation of chat completions has its members one level deeper. */
static const json_t *citation_of(const json_t *source)
{
    const json_t *inner = json_object_get(source, "url_citation");

    return inner ? inner : source;
}

static int give_source(struct openai_reply *reply, const json_t *source, struct ein_error *err)
{
    const json_t *citation = citation_of(source);
    const json_t *address = json_is_string(source) ? source : json_object_get(citation, "url");
    const json_t *title = json_object_get(citation, "title");

    if (json_string_length(address) == 0)
        return 0;
    return vendor_source(&reply->sink, &reply->sources,
                         json_pack("{s:O, s:O*, s:O*, s:O*}", "url", address, "title",
                                   json_is_string(title) ? title : NULL, "from",
                                   json_object_get(citation, "start_index"), "to",
                                   json_object_get(citation, "end_index")),
                         err);
}

int openai_give_sources(struct openai_reply *reply, const json_t *sources, struct ein_error *err)
{
    const json_t *source;
    size_t i;
    int r = 0;

    if (!sources)
        return 0;
    if (!json_is_array(sources))
        return give_source(reply, sources, err);
    json_array_foreach((json_t *)sources, i, source)
    {
        if (r == 0)
            r = give_source(reply, source, err);
    }
    return r;
}

/* ---- the outcome ---- */

void openai_stop(const struct openai_reply *reply, const char *reason)
{
    struct ein_llm_outcome *outcome = reply->outcome;

    if (reply->refused)
        reason = "content_filter";
    else if (reply->has_calls && strcmp(reason, "stop") == 0)
        reason = "tool_calls";
    str_copy(outcome->stop_reason, sizeof(outcome->stop_reason), reason);
}

void openai_take_names(const struct openai_reply *reply, const json_t *id, const json_t *model)
{
    struct ein_llm_outcome *outcome = reply->outcome;

    if (!outcome->vendor_request_id[0])
        vendor_copy(outcome->vendor_request_id, sizeof(outcome->vendor_request_id),
                    json_string_value(id));
    if (!outcome->model[0])
        vendor_copy(outcome->model, sizeof(outcome->model), json_string_value(model));
}
