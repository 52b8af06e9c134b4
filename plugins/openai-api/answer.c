/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include "cleanup.h"
#include "ids.h"
#include "member.h"
#include "replay.h"

#include <string.h>
#include <time.h>

static void each(struct answer *answer, void (*what)(struct buf *buf))
{
    struct buf *const all[] = { &answer->out,     &answer->head,     &answer->text,
                                &answer->thought, &answer->thoughts, &answer->details,
                                &answer->calls,   &answer->sources };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        what(all[i]);
}

void answer_begin(struct answer *answer, const struct form *form, const struct ask *ask,
                  const struct ein_completion_outcome *outcome, const char *request_id)
{
    char uuid[UUID_SIZE], *at = answer->id;

    *answer = (struct answer){ .ask = ask, .outcome = outcome, .request_id = request_id };
    each(answer, out_init);
    answer->created = time(NULL);
    uuid_make(uuid);
    at = stpcpy(at, form->id_prefix);
    for (const char *from = uuid; *from; from++)
        if (*from != '-')
            *at++ = *from;
    *at = '\0';
}

void answer_done(struct answer *answer)
{
    each(answer, buf_done);
    json_decref(answer->held);
}

void answer_model(const struct answer *answer, struct buf *out)
{
    const struct ein_completion_outcome *outcome = answer->outcome;

    out_put(out, "\"");
    if (outcome->provider[0]) {
        out_escaped(out, outcome->provider, strlen(outcome->provider));
        out_put(out, "/");
    }
    if (outcome->model[0])
        out_escaped(out, outcome->model, strlen(outcome->model));
    else
        out_escaped(out, answer->ask->model, strlen(answer->ask->model));
    out_put(out, "\"");
}

static void add_notes(const json_t *notes, const char **between, struct buf *out)
{
    const json_t *note;
    size_t i;

    json_array_foreach(notes, i, note)
    {
        if (!json_is_string(note))
            continue;
        out_put(out, *between);
        out_quoted(out, json_string_value(note));
        *between = ",";
    }
}

static void write_notes(const struct answer *answer, struct buf *out)
{
    const char *between = "";

    out_put(out, "[");
    add_notes(answer->ask->notes, &between, out);
    add_notes(answer->outcome->notes, &between, out);
    out_put(out, "]");
}

void answer_facts(const struct answer *answer, struct buf *out)
{
    const struct ein_completion_outcome *outcome = answer->outcome;

    out_put_quoted(out, "\"einion\":{\"provider\":", outcome->provider);
    out_put_number(out, ",\"attempts\":", outcome->attempts);
    out_put_number(out, ",\"overhead_us\":", outcome->overhead_us);
    out_put(out, ",\"notes\":");
    write_notes(answer, out);
    out_put(out, "}");
}

bool answer_has_replay(const json_t *data)
{
    return json_is_object(json_object_get(data, "replay"));
}

void answer_replay(struct buf *out, const char *before, const json_t *data, const char *after)
{
    const json_t *replay = json_object_get(data, "replay");
    EIN_FREE char *text = json_is_object(replay) ? replay_text(replay) : NULL;

    if (!text) {
        out->error = json_is_object(replay) ? EIN_E_NO_MEMORY : out->error;
        return;
    }
    out_put(out, before);
    out_quoted(out, text);
    out_put(out, after);
}

json_t *answer_call_thought(struct answer *answer, const json_t *call)
{
    json_t *of_call, *thought;

    if (!answer_has_replay(call))
        return NULL;
    of_call = json_copy(json_object_get(call, "replay"));
    (void)json_object_set(of_call, REPLAY_CALL, json_object_get(call, "id"));
    thought = json_pack("{s:o}", "replay", of_call);
    if (!thought)
        answer->out.error = EIN_E_NO_MEMORY;
    return thought;
}

static uint64_t place(const struct answer *answer, const json_t *source, const char *member)
{
    int64_t told = integer_of(source, member);

    return json_is_integer(json_object_get(source, member)) && told >= 0 ? (uint64_t)told
                                                                         : answer->length;
}

void answer_range(const struct answer *answer, struct buf *out, const json_t *source)
{
    out_put_number(out, ",\"start_index\":", place(answer, source, "from"));
    out_put_number(out, ",\"end_index\":", place(answer, source, "to"));
}

/* ---- calls ---- */

bool answer_is_custom(const struct answer *answer, const json_t *call)
{
    const json_t *alias = json_object_get(answer->ask->aliases, text_or_empty(call, "name"));

    return json_is_true(json_object_get(alias, "custom"));
}

void answer_given(struct buf *out, bool custom, const json_t *call)
{
    const json_t *arguments = json_object_get(call, "arguments");
    const json_t *input = json_object_get(arguments, "input");

    if (custom && json_is_string(input))
        out_escaped(out, json_string_value(input), json_string_length(input));
    else
        out_json_escaped(out, arguments);
}

/* ---- usage ---- */

void chat_usage(const struct answer *answer, struct buf *out)
{
    const struct ein_completion_outcome *it = answer->outcome;

    out_put_number(out, "\"usage\":{\"prompt_tokens\":", it->input_tokens);
    out_put_number(out, ",\"completion_tokens\":", it->output_tokens);
    out_put_number(out, ",\"total_tokens\":", it->input_tokens + it->output_tokens);
    out_put_number(out, ",\"prompt_tokens_details\":{\"cached_tokens\":", it->cached_tokens);
    out_put_number(out, ",\"cache_write_tokens\":", it->cache_write_tokens);
    out_put_number(out, ",\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":",
                   it->reasoning_tokens);
    out_put(out, ",\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"
                 "\"rejected_prediction_tokens\":0},\"cost\":");
    out_nano(out, it->cost);
    out_put(out, "}");
}

void anthropic_usage(const struct answer *answer, struct buf *out)
{
    const struct ein_completion_outcome *it = answer->outcome;
    uint64_t cached = it->cached_tokens + it->cache_write_tokens;

    out_put_number(out, "\"usage\":{\"input_tokens\":",
                   it->input_tokens > cached ? it->input_tokens - cached : 0);
    out_put_number(out, ",\"cache_creation_input_tokens\":", it->cache_write_tokens);
    out_put_number(out, ",\"cache_read_input_tokens\":", it->cached_tokens);
    out_put_number(out, ",\"output_tokens\":", it->output_tokens);
    if (it->searches > 0) {
        out_put_number(out, ",\"server_tool_use\":{\"web_search_requests\":", it->searches);
        out_put(out, "}");
    }
    out_put(out, ",\"cost\":");
    out_nano(out, it->cost);
    out_put(out, "}");
}

/* ---- errors ---- */

static const struct row {
    int status;
    const char *type, *code, *anthropic;
} rows[] = {
    { 400, "invalid_request_error", NULL, "invalid_request_error" },
    { 401, "invalid_request_error", "invalid_api_key", "authentication_error" },
    { 402, "insufficient_quota", "insufficient_quota", "billing_error" },
    { 403, "permission_error", NULL, "permission_error" },
    { 404, "invalid_request_error", NULL, "not_found_error" },
    { 405, "invalid_request_error", "method_not_supported", "invalid_request_error" },
    { 409, "invalid_request_error", NULL, "conflict_error" },
    { 413, "invalid_request_error", "request_too_large", "request_too_large" },
    { 429, "rate_limit_error", "rate_limit_exceeded", "rate_limit_error" },
    { 499, "invalid_request_error", "cancelled", "invalid_request_error" },
    { 503, "server_error", "overloaded", "overloaded_error" },
    { 504, "server_error", "timeout", "timeout_error" },
    { 529, "server_error", "overloaded", "overloaded_error" },
};

static const struct row *row_of(int status)
{
    static const struct row client = { 0, "invalid_request_error", NULL, "invalid_request_error" },
                            server = { 0, "server_error", NULL, "api_error" };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].status == status)
            return &rows[i];
    return status < 500 ? &client : &server;
}

json_t *chat_error(const struct wrong *wrong)
{
    const struct row *row = row_of(wrong->status);

    return json_pack("{s:{s:s, s:s, s:s?, s:s?}}", "error", "message", wrong->text, "type",
                     row->type, "param", wrong->param, "code",
                     wrong->code ? wrong->code : row->code);
}

/* Clients know a conversation that has become too long by these words. */
static json_t *anthropic_words(const struct wrong *wrong)
{
    static const char words[] = "prompt is too long";

    if (wrong->code && strcmp(wrong->code, "context_length_exceeded") == 0 &&
        !strstr(wrong->text, words))
        return json_sprintf("%s: %s", words, wrong->text);
    return json_string(wrong->text);
}

json_t *anthropic_error(const struct wrong *wrong, const char *request_id)
{
    json_t *details = wrong->code ? json_pack("{s:s}", "error_code", wrong->code) : NULL;

    return json_pack("{s:s, s:{s:s, s:o, s:o*}, s:s}", "type", "error", "error", "type",
                     row_of(wrong->status)->anthropic, "message", anthropic_words(wrong), "details",
                     details, "request_id", request_id);
}
