/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"
#include "cleanup.h"
#include "str.h"

#include <stdarg.h>
#include <stdio.h>

static const struct ein_http *http_of(const struct composing *composing)
{
    return composing->composer->host->http;
}

static int send(struct composing *composing, const char *event, json_t *take_data)
{
    composing->begun = true;
    if (!take_data)
        return EIN_E_NO_MEMORY;
    return http_of(composing)->send_event(composing->req, NULL, event, take_data);
}

static int fail(struct composing *composing, int status, const char *text)
{
    if (!composing->begun)
        return http_of(composing)->fail_json(composing->req, status, json_string(text));
    (void)send(composing, "error", json_pack("{s:i, s:s}", "status", status, "detail", text));
    return 200; /* of the stream, whose last event this is */
}

int answer_fail(struct composing *composing, int status, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    EIN_FREE char *text = str_vprint(fmt, args);
    va_end(args);
    return text ? fail(composing, status, text) : EIN_E_NO_MEMORY;
}

int answer_fail_error(struct composing *composing, const struct ein_error *err)
{
    if (composing->begun)
        return fail(composing, 500, err->text);
    if (err->code == EIN_E_BUSY)
        (void)http_of(composing)->set_header(composing->req, "Retry-After", "1");
    return http_of(composing)->fail_error(composing->req, err);
}

int answer_too_much(struct composing *composing, size_t len)
{
    return answer_fail(composing, 413,
                       "The description of all that the agent may call has %zu bytes, above the "
                       "%zu of prompt_bytes: name fewer tools, or shorter documents.",
                       len, composing->composer->prompt_max);
}

int answer_send(struct composing *composing, json_t *take_answer)
{
    if (!take_answer)
        return EIN_E_NO_MEMORY;
    if (!composing->follows)
        return http_of(composing)->reply(composing->req, 200, take_answer);
    return send(composing, "done", take_answer);
}

int answer_progress(struct composing *composing, const char *state, unsigned attempt,
                    const json_t *faults)
{
    if (!composing->follows)
        return 0;
    return send(composing, "progress",
                json_pack("{s:s, s:i, s:O?}", "state", state, "attempt", (int)attempt, "faults",
                          (json_t *)faults));
}

int answer_piece(struct composing *composing, const char *event, const char *text)
{
    return composing->follows ? send(composing, event, json_pack("{s:s}", "text", text)) : 0;
}
