/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"
#include "member.h"

#include "rpc.h"

#include <string.h>

const json_t *progress_token(const struct turn *turn)
{
    const json_t *token = json_object_get(json_object_get(turn->params, "_meta"), "progressToken");

    return turn->may_stream && (json_is_string(token) || json_is_integer(token)) ? token : NULL;
}

/* What a step is called: what the event says of itself in these members, between these words. */
static const struct {
    const char *type, *before, *member, *between, *other;
} sentences[] = {
    { "agent_start", "", "agent_name", " begins", NULL },
    { "agent_end", "", "agent_name", " has ended: ", "outcome" },
    { "stdout", "", "message", "", NULL },
    { "log", "", "message", "", NULL },
    { "llm_call", "asked ", "provider", "/", "model" },
    { "data_store", "data store: ", "operation", " ", "key" },
    { "error", "", "exception_type", ": ", "message" },
};

static json_t *sentence_of(const json_t *event)
{
    const char *type = text_or_empty(event, "type");

    for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
        if (strcmp(sentences[i].type, type) == 0)
            return json_sprintf("%s%s%s%s", sentences[i].before,
                                text_or_empty(event, sentences[i].member), sentences[i].between,
                                text_or_empty(event, sentences[i].other));
    }
    return json_string(type);
}

int progress_send(const json_t *event, void *data)
{
    struct progress *progress = data;
    json_t *params = json_pack("{s:O, s:I, s:o}", "progressToken", (json_t *)progress->token,
                               "progress", ++progress->steps, "message", sentence_of(event));
    json_t *notification = params ? mcp_notification("notifications/progress", params) : NULL;
    int r;

    if (!notification)
        return EIN_E_NO_MEMORY;
    r = turn_tell(progress->turn, notification);
    /* A client of 2025 may leave, and the run goes on. */
    return progress->turn->modern ? r : 0;
}
