/* SPDX-License-Identifier: Apache-2.0 */
#include "reply_tool.h"

#include "error.h"
#include "member.h"

#include <stdio.h>
#include <string.h>

#define NAME "give_the_answer"

bool reply_tool_is_said(const json_t *settings)
{
    return strcmp(text_or_empty(json_object_get(settings, "wire"), "reply_schema"), "tool") == 0;
}

static json_t *tools_with_answer(const struct ein_llm_call *call)
{
    EIN_JSON json_t *tools = call->tools ? json_copy((json_t *)call->tools) : json_array();

    if (json_array_append_new(tools, json_pack("{s:s, s:s, s:O}", "name", NAME, "description",
                                               "Gives the answer, in the form that is asked for.",
                                               "parameters", call->reply_schema)) < 0)
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

int reply_tool_init(struct reply_tool *tool, const struct ein_host *host,
                    const struct vendor_sink *sink, struct ein_llm_call *call,
                    struct ein_error *err)
{
    const json_t *schema = call->reply_schema;

    *tool = (struct reply_tool){ .host = host, .sink = *sink };
    if (strcmp(text_or_empty(schema, "type"), "object") != 0)
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

int reply_tool_sink(const struct ein_llm_piece *piece, void *data)
{
    struct reply_tool *tool = data;

    if (piece->kind == EIN_LLM_TOOL_CALL) {
        if (tool->tools && strcmp(text_or_empty(piece->data, "name"), NAME) == 0)
            return answer(tool, piece->data);
        tool->called = true;
    }
    return tool->sink.sink(piece, tool->sink.data);
}

void reply_tool_end(const struct reply_tool *tool, struct ein_llm_outcome *outcome)
{
    if (tool->answered && !tool->called && strcmp(outcome->stop_reason, "tool_calls") == 0)
        (void)snprintf(outcome->stop_reason, sizeof(outcome->stop_reason), "stop");
}

void reply_tool_done(struct reply_tool *tool)
{
    json_decref(tool->tools);
    json_decref(tool->choice);
    tool->tools = tool->choice = NULL;
}
