/* SPDX-License-Identifier: Apache-2.0 */
#include "stand_in.h"
#include "cleanup.h"
#include "slow_call.h"

#include <string.h>

static const char *type_of(const char *method, int code)
{
    if (strcmp(method, "http") == 0)
        return code == EIN_E_INVALID ? "UnsupportedProtocol" : "ConnectError";
    return python_error(code, "ValueError", "RuntimeError");
}

static void reply_http(struct agent *agent, int64_t call_id, const json_t *answer)
{
    const json_t *body = json_object_get(answer, "body");

    agent_reply(agent, call_id,
                json_pack("{s:O, s:O}", "status", json_object_get(answer, "status"), "headers",
                          json_object_get(answer, "headers")),
                json_string_value(body), json_string_length(body));
}

void stand_in_call(struct agent *agent, int64_t call_id, const char *method,
                   const struct json_t *params, const void *body, size_t body_len)
{
    const struct ein_agent_run *what = agent->run->what;
    EIN_JSON json_t *answer = NULL;
    struct ein_error err = { 0 };
    int r = what->stand_in(what->stand_in_data, method, params, body, body_len, &answer, &err);

    if (r < 0)
        agent_refuse(agent, call_id, type_of(method, r), err.text);
    else if (strcmp(method, "http") == 0)
        reply_http(agent, call_id, answer);
    else
        agent_reply(agent, call_id, EIN_TAKE(answer), NULL, 0);
}
