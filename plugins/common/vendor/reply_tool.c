/* SPDX-License-Identifier: Apache-2.0 */
#include "reply_tool.h"

#include "error.h"
#include "member.h"

#include <string.h>

#define NAME "give_the_answer"

struct reply_tool {
    const struct ein_host *host;
    struct vendor_sink sink; /* the caller's */
    json_t *tools, *choice;  /* of the call; NULL: nothing was changed */
    bool answered, called;   /* the answer came; and calls of other tools */
};

bool reply_tool_is_said(const json_t *settings)
{
    return strcmp(text_or_empty(json_object_get(settings, "wire"), "reply_schema"), "tool") == 0;
}

/* Where any object will do, that has to be said: a model takes silence for an empty one. */
static json_t *parameters_of(const json_t *schema)
{
    if (json_object_size(schema) > 1)
        return json_incref((json_t *)schema);
    return json_pack("{s:s, s:{}, s:b}", "type", "object", "properties", "additionalProperties", 1);
}

static json_t *tools_with_answer(const struct ein_llm_call *call)
{
    EIN_JSON json_t *tools = call->tools ? json_copy((json_t *)call->tools) : json_array();
    json_t *answer = json_pack("{s:s, s:s, s:o}", "name", NAME, "description",
                               "Gives the answer, in the form that is asked for.", "parameters",
                               parameters_of(call->reply_schema));

    if (json_array_append_new(tools, answer) < 0)
        return NULL;
    return EIN_TAKE(tools);
}

/* Any tool where the caller has some, since one of them may be needed first. */
static json_t *choice_of(const struct ein_llm_call *call)
{
    const char *said = json_string_value(call->tool_choice);

    if (said && strcmp(said, "none") == 0 && json_array_size(call->tools) > 0)
        return json_pack("{s:s}", "name", NAME);
    return json_string("required");
}

/* Changes `call` if it has a schema that a tool can have. */
static int take_schema(struct reply_tool *tool, struct ein_llm_call *call, struct ein_error *err)
{
    if (strcmp(text_or_empty(call->reply_schema, "type"), "object") != 0)
        return 0;
    if (!json_is_object(call->tool_choice)) { /* else there will be no answer yet */
        tool->tools = tools_with_answer(call);
        tool->choice = choice_of(call);
        if (!tool->tools || !tool->choice)
            return error_no_memory(err);
        call->tools = tool->tools;
        call->tool_choice = tool->choice;
    }
    call->reply_schema = NULL;
    return 0;
}

/* The arguments, as the text that they are to the caller. */
static int answer(struct reply_tool *tool, const json_t *call)
{
    char *text = tool->host->json_text(json_object_get(call, "arguments"), NULL);
    int r = text ? vendor_piece(&tool->sink, EIN_LLM_TEXT, text, NULL, NULL) : EIN_E_NO_MEMORY;

    tool->answered = true;
    tool->host->mem_free(text);
    return r;
}

static int take_piece(const struct ein_llm_piece *piece, void *data)
{
    struct reply_tool *tool = data;

    if (piece->kind == EIN_LLM_TOOL_CALL) {
        if (tool->tools && strcmp(text_or_empty(piece->data, "name"), NAME) == 0)
            return answer(tool, piece->data);
        tool->called = true;
    }
    return tool->sink.sink(piece, tool->sink.data);
}

static int ask_by_tool(const struct vendor_completion *how, struct ein_llm_call *call,
                       const struct vendor_sink *sink, struct ein_llm_outcome *outcome,
                       struct ein_error *err)
{
    struct reply_tool tool = { .host = how->host, .sink = *sink };
    int r = take_schema(&tool, call, err);

    if (r >= 0)
        r = how->ask(how->self, call, &(struct vendor_sink){ take_piece, &tool }, outcome, err);
    if (tool.answered && !tool.called && strcmp(outcome->stop_reason, "tool_calls") == 0)
        vendor_copy(outcome->stop_reason, sizeof(outcome->stop_reason), "stop");
    json_decref(tool.tools);
    json_decref(tool.choice);
    return r;
}

int vendor_complete(const struct vendor_completion *how, const struct ein_llm_call *given,
                    const struct vendor_sink *sink, struct ein_llm_outcome *ret_outcome,
                    struct ein_error *err)
{
    struct ein_llm_outcome outcome = { .struct_size = sizeof(outcome) };
    struct ein_llm_call call;
    int r;

    vendor_read_call(given, &call);
    r = how->by_tool && how->by_tool(&call) ? ask_by_tool(how, &call, sink, &outcome, err)
                                            : how->ask(how->self, &call, sink, &outcome, err);
    vendor_give_outcome(&outcome, ret_outcome);
    return r;
}
