/* SPDX-License-Identifier: Apache-2.0 */
#include "run_stream.h"

#include "agent_run.h"
#include "cleanup.h"
#include "member.h"
#include "schema_warnings.h"

json_t *run_outcome_show(const json_t *outcome, const json_t *output_schema)
{
    json_t *error = or_null(outcome, "error");
    json_t *warnings = json_is_null(error)
                           ? schema_warnings(or_null(outcome, "result"), output_schema)
                           : json_null();

    return json_pack("{s:O, s:O, s:o, s:O}", "result", or_null(outcome, "result"), "error", error,
                     "schemaWarnings", warnings, "opsLog", or_null(outcome, "opsLog"));
}

int run_stream_trace(const json_t *event, void *data)
{
    struct run_stream *stream = data;

    stream->begun = true;
    return stream->http->send_event(stream->req, NULL, "trace", json_incref((json_t *)event));
}

int run_stream_done(struct run_stream *stream, const json_t *outcome)
{
    EIN_JSON json_t *done = json_object();
    json_t *shown = run_outcome_show(outcome, stream->output_schema);
    bool failed = !json_is_null(json_object_get(shown, "error"));

    if (json_object_set_new(done, "outcome", json_string(failed ? "error" : "success")) < 0 ||
        json_object_update_new(done, shown) < 0)
        return EIN_E_NO_MEMORY;
    return stream->http->send_event(stream->req, NULL, "done", EIN_TAKE(done));
}

/* After the stream began all that is left to say it in is its last event. */
int run_stream_fail(struct run_stream *stream, const struct ein_error *err)
{
    EIN_JSON json_t *outcome = NULL;

    if (!stream->begun)
        return agent_run_fail(stream->http, stream->req, err);
    outcome = json_pack("{s:n, s:s, s:n}", "result", "error", err->text, "opsLog");
    if (outcome)
        (void)run_stream_done(stream, outcome);
    return err->code; /* it is no answer to an Idempotency-Key */
}
