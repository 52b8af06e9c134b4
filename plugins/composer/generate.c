/* SPDX-License-Identifier: Apache-2.0 */
/* POST /agents/generate-code. */
#include "accept.h"
#include "answer.h"
#include "ask.h"
#include "buf.h"
#include "cleanup.h"
#include "composer.h"
#include "declared.h"
#include "prompt.h"
#include "prove.h"
#include "provider_config.h"
#include "written.h"

#include <string.h>

/* ---- before the model is asked ---- */

static int check_config(struct composing *composing)
{
    const struct composer *composer = composing->composer;
    const json_t *config = json_object_get(composing->body, "modelConfig");
    const char *description = text_or_empty(composing->body, "description");
    EIN_JSON json_t *loc = json_pack("[s, s]", "body", "modelConfig");
    EIN_JSON json_t *fault = provider_config_fault(config, loc, config);

    if (fault)
        return composer->host->http->fail_json(composing->req, 422, json_pack("[O]", fault));
    if (description[strspn(description, " \t\r\n")] == '\0')
        return answer_fail(composing, 422,
                           "The description is empty: it says what the agent is to do.");
    return 0;
}

static int begin(struct composing *composing)
{
    size_t len;
    int r = check_config(composing);

    if (r == 0)
        r = prove_ready(composing);
    if (r == 0)
        r = declared_collect(composing);
    if (r)
        return r;
    r = prompt_begin(composing, &len);
    return r == EIN_E_TOO_LARGE ? answer_too_much(composing, len) : r;
}

/* ---- the answer ---- */

static json_t *show_usage(const struct composing *composing)
{
    const struct ein_completion_outcome *outcome = &composing->outcome;
    EIN_JSON json_t *model = json_sprintf("%s/%s", outcome->provider, outcome->model);

    return json_pack("{s:O, s:I, s:I, s:f}", "model", model, "inputTokens",
                     (json_int_t)composing->input_tokens, "outputTokens",
                     (json_int_t)composing->output_tokens, "costUsd",
                     (double)composing->cost / 1e9);
}

static json_t *show(const struct composing *composing, const struct written *written,
                    const struct proof *proof, const json_t *attempts)
{
    json_t *evidence =
        json_pack("{s:O, s:O, s:O, s:O, s:O, s:o}", "attempts", attempts, "input", proof->input,
                  "result", proof->result ? proof->result : json_null(), "calls", proof->calls,
                  "notes", composing->notes, "usage", show_usage(composing));

    return json_pack("{s:s, s:s, s:s, s:s?, s:o}", "code", written->code, "friendlyName",
                     written->name, "docstring", written->docstring, "thoughts",
                     composing->thoughts, "proof", evidence);
}

/* The last attempt's faults in one text. */
static int give_up(struct composing *composing, const json_t *faults)
{
    const unsigned tries = composing->composer->repairs + 1;
    EIN_BUF struct buf said = BUF_INIT;
    const json_t *fault;
    size_t i;

    json_array_foreach((json_t *)faults, i, fault)
    {
        (void)buf_printf(&said, "%s%s", i ? "\n" : " ", json_string_value(fault));
    }
    if (said.error)
        return said.error;
    return answer_fail(
        composing, 502,
        "The model wrote no agent that holds, in %u %s. What is wrong with its last:%s", tries,
        tries == 1 ? "try" : "tries", buf_str(&said));
}

/* ---- one attempt after the other ---- */

static int note_attempt(json_t *attempts, unsigned attempt, const json_t *faults)
{
    return json_array_append_new(
               attempts, json_pack("{s:i, s:O}", "attempt", (int)attempt, "faults", faults)) < 0
               ? EIN_E_NO_MEMORY
               : 0;
}

/* An answer that was cut off explains most of what is wrong with it. */
static int note_cut(const struct composing *composing, struct proof *proof)
{
    if (json_array_size(proof->faults) == 0 ||
        strcmp(composing->outcome.stop_reason, "length") != 0)
        return 0;
    return json_array_insert_new(proof->faults, 0,
                                 json_string("The answer was cut off at the limit of the model's "
                                             "tokens: write less."));
}

/* Asks the model once.  *ret_holds: what it wrote holds, and was sent; else *ret_faults say why
 * not.  0, or what was replied. */
static int attempt(struct composing *composing, unsigned number, json_t *attempts, bool *ret_holds,
                   json_t **ret_faults)
{
    struct written written = { NULL, NULL, NULL };
    struct proof proof = { NULL, NULL, NULL, NULL };
    int r = answer_progress(composing, "asking", number, NULL);

    if (r == 0)
        r = ask_model(composing);
    if (r)
        return r;
    r = written_read(composing->answer, text_or_empty(composing->body, "description"), &written);
    if (r == 0)
        r = prove(composing, written.code, number, &proof);
    if (r == 0)
        r = note_cut(composing, &proof);
    if (r == 0)
        r = note_attempt(attempts, number, proof.faults);
    if (r == 0) {
        *ret_holds = json_array_size(proof.faults) == 0;
        *ret_faults = json_incref(proof.faults);
        if (*ret_holds)
            r = answer_send(composing, show(composing, &written, &proof, attempts));
    }
    proof_done(&proof);
    written_done(&written);
    return r;
}

static int compose(struct composing *composing)
{
    EIN_JSON json_t *attempts = json_array();
    bool holds = false;
    int r = begin(composing);

    for (unsigned number = 1; r == 0; number++) {
        EIN_JSON json_t *faults = NULL;

        r = attempt(composing, number, attempts, &holds, &faults);
        if (r || holds)
            return r;
        if (number > composing->composer->repairs)
            return give_up(composing, faults);
        r = answer_progress(composing, "repairing", number, faults);
        if (r == 0)
            r = prompt_repair(composing, faults);
    }
    return r;
}

int composer_generate(struct ein_req *req, void *self)
{
    const struct composer *composer = self;
    const struct ein_http *http = composer->host->http;
    struct composing composing = {
        .composer = composer,
        .req = req,
        .body = http->body(req),
        .follows = accept_events(http, req),
    };
    int r = compose(&composing);

    json_decref(composing.declared);
    json_decref(composing.notes);
    json_decref(composing.messages);
    json_decref(composing.outcome.notes);
    free(composing.answer);
    free(composing.thoughts);
    return r;
}
