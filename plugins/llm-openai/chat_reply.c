/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of chat completions, in chunks or whole. */
#include "error.h"
#include "member.h"
#include "reply.h"

#include <string.h>

/* ---- thoughts ---- */

/* "reasoning" is OpenRouter's and many servers' name, "reasoning_content" that of others; where
 * there are details too, they say the same. */
static const json_t *thought_of(const json_t *message)
{
    const json_t *thought = json_object_get(message, "reasoning");

    return json_is_string(thought) ? thought : json_object_get(message, "reasoning_content");
}

static int take_details(struct openai_reply *reply, const json_t *message, bool shown,
                        struct ein_error *err)
{
    const json_t *list = json_object_get(message, "reasoning_details"), *detail;
    size_t i;
    int r = 0;

    json_array_foreach((json_t *)list, i, detail)
    {
        if (r < 0)
            break;
        r = details_add(&reply->details, detail);
        if (r < 0)
            return r == EIN_E_NO_MEMORY ? error_no_memory(err) : openai_garbled(reply, err);
        if (!shown)
            r = openai_give_thought(reply, details_text(detail), err);
    }
    return r;
}

static int take_thoughts(struct openai_reply *reply, const json_t *message, struct ein_error *err)
{
    const json_t *thought = thought_of(message);
    bool shown = json_is_string(thought);
    int r = 0;

    if (shown && reply->openai->reasoning_content)
        r = buf_add(&reply->thought, json_string_value(thought), json_string_length(thought));
    if (r < 0)
        return r == EIN_E_NO_MEMORY ? error_no_memory(err) : openai_garbled(reply, err);
    r = openai_give_thought(reply, thought, err);
    return r < 0 ? r : take_details(reply, message, shown, err);
}

/* ---- one message, or a piece of it ---- */

static int take_calls(struct openai_reply *reply, const json_t *message, struct ein_error *err)
{
    const json_t *list = json_object_get(message, "tool_calls"), *delta;
    size_t i;
    int r = 0;

    json_array_foreach((json_t *)list, i, delta)
    {
        if (r == 0)
            r = tool_calls_add(&reply->calls, delta);
    }
    if (r == EIN_E_TOO_LARGE)
        return vendor_fault(reply->outcome, EIN_LLM_FAULT_UNREACHABLE, err,
                            "%s sent too many tool calls, or too long ones",
                            reply->openai->vendor.title);
    return r < 0 ? error_no_memory(err) : 0;
}

/* Text, or an array of {"type": "text", "text"}. */
static int take_content(struct openai_reply *reply, const json_t *content, struct ein_error *err)
{
    const json_t *part;
    size_t i;
    int r = 0;

    if (!json_is_array(content))
        return openai_give_text(reply, content, err);
    json_array_foreach((json_t *)content, i, part)
    {
        if (r == 0)
            r = openai_give_text(reply, json_object_get(part, "text"), err);
    }
    return r;
}

static int take_message(struct openai_reply *reply, const json_t *message, struct ein_error *err)
{
    int r;

    if (json_object_size(message) == 0) /* the last piece says only why it is the last */
        return 0;
    r = take_thoughts(reply, message, err);
    if (r == 0)
        r = take_content(reply, json_object_get(message, "content"), err);
    if (r == 0)
        r = openai_give_refusal(reply, json_object_get(message, "refusal"), err);
    if (r == 0)
        r = openai_give_sources(reply, json_object_get(message, "annotations"), err);
    return r == 0 ? take_calls(reply, message, err) : r;
}

/* ---- the end ---- */

static int give_thought(struct openai_reply *reply, struct ein_error *err)
{
    EIN_JSON json_t *text = reply->thought.len ? json_string(reply->thought.data) : NULL;

    if (!reply->thought.len)
        return 0;
    return vendor_replay(&reply->sink, reply->openai->vendor.title, "reasoning_content", text, err);
}

/* What is to be sent back. */
static int give_details(struct openai_reply *reply, struct ein_error *err)
{
    EIN_JSON json_t *details = NULL;

    if (!reply->details.count)
        return give_thought(reply, err);
    details = details_json(&reply->details);
    return vendor_replay(&reply->sink, reply->openai->vendor.title, "reasoning_details", details,
                         err);
}

/* Tool calls whose arguments are known to be complete. */
static int finish(struct openai_reply *reply, const char *reason, struct ein_error *err)
{
    int r;

    if (reply->finished)
        return 0;
    reply->finished = true;
    r = give_details(reply, err);
    for (size_t i = 0; i < reply->calls.count && r == 0; i++) {
        const struct tool_call *call = &reply->calls.list[i];

        r = openai_give_call(reply, call->id, call->name, buf_str(&call->arguments), err);
    }
    openai_stop(reply, reason);
    return r;
}

static const char *reason_of(const char *vendors)
{
    static const struct {
        const char *theirs, *ours;
    } reasons[] = {
        { "length", "length" },
        { "max_tokens", "length" },
        { "tool_calls", "tool_calls" },
        { "function_call", "tool_calls" },
        { "content_filter", "content_filter" },
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (strcmp(reasons[i].theirs, vendors) == 0)
            return reasons[i].ours;
    }
    return "stop";
}

/* Some servers tell which stop sequence ended the text. */
static void take_stop_sequence(const struct openai_reply *reply, const json_t *choice)
{
    vendor_copy(reply->outcome->stop_sequence, sizeof(reply->outcome->stop_sequence),
                text_of(choice, "stop_reason"));
}

/* Half of the arguments, because there was no room for the rest, are no call. */
static void drop_cut_calls(struct openai_reply *reply, const char *reason)
{
    struct tool_calls *calls = &reply->calls;
    const struct tool_call *last = calls->count ? &calls->list[calls->count - 1] : NULL;
    EIN_JSON json_t *whole = NULL;

    if (!last || strcmp(reason, "length") != 0)
        return;
    whole = vendor_json(buf_str(&last->arguments), last->arguments.len);
    if (json_is_object(whole))
        return;
    free(last->id);
    free(last->name);
    buf_done(&calls->list[calls->count - 1].arguments);
    calls->count--;
}

/* Of several answers the first; NULL: it is not there. */
static const json_t *first_choice(const json_t *answer)
{
    const json_t *list = json_object_get(answer, "choices"), *choice;
    size_t i;

    json_array_foreach((json_t *)list, i, choice)
    {
        if (json_integer_value(json_object_get(choice, "index")) == 0)
            return choice;
    }
    return NULL;
}

static int take_reason(struct openai_reply *reply, const char *reason, struct ein_error *err)
{
    int r;

    drop_cut_calls(reply, reason_of(reason));
    r = finish(reply, reason_of(reason), err);
    return r < 0 ? r : VENDOR_MAY_END;
}

static int take_choice(struct openai_reply *reply, const json_t *choice, const char *member,
                       struct ein_error *err)
{
    const char *reason = json_string_value(json_object_get(choice, "finish_reason"));
    int r = take_message(reply, json_object_get(choice, member), err);

    if (r == 0 && (unless_null(choice, "error") || (reason && strcmp(reason, "error") == 0)))
        return openai_fail(reply, choice, err);
    if (r < 0 || !reason)
        return r;
    take_stop_sequence(reply, choice);
    return take_reason(reply, reason, err);
}

/* What stands beside the choices: Perplexity's sources are there. */
static int take_rest(struct openai_reply *reply, const json_t *answer, struct ein_error *err)
{
    int r = openai_give_sources(reply, json_object_get(answer, "search_results"), err);

    openai_take_names(reply, json_object_get(answer, "id"), json_object_get(answer, "model"));
    openai_take_usage(reply->outcome, json_object_get(answer, "usage"));
    return r == 0 ? openai_give_sources(reply, json_object_get(answer, "citations"), err) : r;
}

static int take_told(struct openai_reply *reply, const struct json_found *told,
                     struct ein_error *err)
{
    const char *reason = json_string_value(told[CHUNK_REASON].value);
    int r;

    openai_take_names(reply, told[CHUNK_ID].value, told[CHUNK_MODEL].value);
    openai_take_counts(reply->outcome, told);
    r = take_content(reply, told[CHUNK_CONTENT].value, err);
    return r == 0 && reason ? take_reason(reply, reason, err) : r;
}

int openai_chat_text(void *data, const char *text, size_t len, struct ein_error *err)
{
    struct openai_reply *reply = data;
    struct json_found told[CHUNK_MEMBERS] = {
        [CHUNK_ID].value = *reply->outcome->vendor_request_id ? json_null() : NULL,
        [CHUNK_MODEL].value = *reply->outcome->model ? json_null() : NULL,
    };
    int r = VENDOR_READ;

    if (chunk_read(&reply->last, text, len, told))
        r = take_told(reply, told, err);
    for (size_t i = 0; i < CHUNK_MEMBERS; i++)
        json_decref(told[i].value);
    return r;
}

int openai_chat_event(void *data, const char *event, json_t *json, struct ein_error *err)
{
    struct openai_reply *reply = data;
    const json_t *choice = first_choice(json);
    int r;

    (void)event;
    if (!json)
        return VENDOR_END;
    r = take_rest(reply, json, err);
    if (r < 0)
        return r;
    if (unless_null(json, "error"))
        return openai_fail(reply, json, err);
    return choice ? take_choice(reply, choice, "delta", err) : 0;
}

int openai_chat_whole(void *data, json_t *json, struct ein_error *err)
{
    struct openai_reply *reply = data;
    const json_t *choice = first_choice(json);
    int r;

    if (unless_null(json, "error") || (!choice && json_object_get(json, "message")))
        return openai_fail(reply, json, err);
    if (!choice)
        return openai_garbled(reply, err);
    r = take_rest(reply, json, err);
    return r < 0 ? r : take_choice(reply, choice, "message", err);
}

int openai_chat_end(struct openai_reply *reply, struct ein_error *err)
{
    return finish(reply, "stop", err);
}
