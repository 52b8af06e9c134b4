/* SPDX-License-Identifier: Apache-2.0 */
/* scripted-completion: a model that says what it is told to.  For tests of what asks models; and an
 * example of a plugin that offers completion/1: it is built with the public headers and jansson
 * alone.
 *
 * The last message's text is an array of steps, done in order:
 *   {"text": ...} {"thought": ...}             a piece; "times": that often
 *   {"tool_call": {...}} {"source": {...}}     a piece
 *   {"replay": {...}}                          the end of a thought
 *   {"echo": true}                             the call itself, as a text of JSON
 *   {"fetch": URL}                             waits for the answer
 *   {"note": ...} {"cost": nano-dollars}       in the outcome
 *   {"fail": sentence, "code": -5}             the end
 */
#include <einion/services.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scripted {
    const struct ein_host *host;
    struct ein_ctx *ctx;
};

struct playing {
    const struct scripted *self;
    const struct ein_completion_call *call;
    ein_llm_sink *sink;
    void *data;
    struct ein_completion_outcome *outcome;
    struct ein_error *err;
};

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static int stopped(const struct playing *play)
{
    return play->self->host->set_error(play->err, EIN_E_CANCELLED, "The call was cancelled.");
}

static int piece(const struct playing *play, int kind, const char *text, const json_t *data)
{
    const struct ein_llm_piece said = {
        .struct_size = sizeof(said), .kind = kind, .text = text, .data = data
    };

    if (play->call->cancel && play->self->host->cancel->fired(play->call->cancel))
        return stopped(play);
    return play->sink(&said, play->data) ? stopped(play) : 0;
}

static int echo(const struct playing *play)
{
    const struct ein_completion_call *call = play->call;
    json_t *said =
        json_pack("{s:s, s:s, s:s?, s:s, s:O?, s:O?, s:O?, s:O?, s:O?, s:O?}", "model", call->model,
                  "user_id", call->user_id, "key_id", call->key_id, "run_id", call->run_id,
                  "parameters", call->parameters, "tools", call->tools, "built_in_tools",
                  call->built_in_tools, "tool_choice", call->tool_choice, "reply_schema",
                  call->reply_schema, "visible", call->visible);
    char *text = json_dumps(said, JSON_COMPACT);
    int r = piece(play, EIN_LLM_TEXT, text, NULL);

    free(text);
    json_decref(said);
    return r;
}

static int fetch(const struct playing *play, const char *url)
{
    struct ein_fetched fetched = { .struct_size = sizeof(fetched) };
    const struct ein_fetch what = { .struct_size = sizeof(what),
                                    .egress = EIN_EGRESS_OPERATOR,
                                    .method = "GET",
                                    .url = url,
                                    .cancel = play->call->cancel };
    int r = play->self->host->client->fetch(play->self->ctx, &what, &fetched, play->err);

    json_decref(fetched.headers);
    play->self->host->mem_free(fetched.body);
    return r;
}

static int play_step(const struct playing *play, const json_t *step)
{
    static const struct {
        const char *name;
        int kind;
    } words[] = { { "text", EIN_LLM_TEXT }, { "thought", EIN_LLM_THOUGHT } },
      things[] = { { "tool_call", EIN_LLM_TOOL_CALL }, { "source", EIN_LLM_SOURCE } };
    json_int_t times = json_integer_value(json_object_get(step, "times"));
    const char *fail = text_of(step, "fail");
    int r = 0;

    for (size_t i = 0; i < 2; i++) {
        const char *text = text_of(step, words[i].name);
        const json_t *data = json_object_get(step, things[i].name);

        for (json_int_t n = 0; r == 0 && text && n < (times ? times : 1); n++)
            r = piece(play, words[i].kind, text, NULL);
        if (r == 0 && data)
            r = piece(play, things[i].kind, NULL, data);
    }
    if (r == 0 && json_object_get(step, "replay"))
        r = piece(play, EIN_LLM_THOUGHT, NULL, step);
    if (r == 0 && json_object_get(step, "echo"))
        r = echo(play);
    if (r == 0 && text_of(step, "fetch"))
        r = fetch(play, text_of(step, "fetch"));
    if (json_object_get(step, "note"))
        (void)json_array_append(play->outcome->notes, json_object_get(step, "note"));
    play->outcome->cost += json_integer_value(json_object_get(step, "cost"));
    if (r == 0 && fail) {
        int code = (int)json_integer_value(json_object_get(step, "code"));
        r = play->self->host->set_error(play->err, code ? code : EIN_E_UNAVAILABLE, "%s", fail);
    }
    return r;
}

static int complete(void *impl, const struct ein_completion_call *call, ein_llm_sink *sink,
                    void *data, struct ein_completion_outcome *ret, struct ein_error *err)
{
    const struct scripted *self = impl;
    const json_t *last = json_array_get(call->messages, json_array_size(call->messages) - 1);
    const char *text = text_of(last, "content");
    json_t *steps = json_loads(text ? text : "[]", 0, NULL), *step;
    const struct playing play = { self, call, sink, data, ret, err };
    size_t i;
    int r = 0;

    ret->notes = json_array();
    snprintf(ret->provider, sizeof(ret->provider), "%s", "scripted");
    snprintf(ret->model, sizeof(ret->model), "%s", "m");
    snprintf(ret->stop_reason, sizeof(ret->stop_reason), "%s", "stop");
    ret->input_tokens = 3;
    ret->output_tokens = 5;
    json_array_foreach(steps, i, step)
    {
        if (r == 0)
            r = play_step(&play, step);
    }
    json_decref(steps);
    return r;
}

static int find(void *impl, const char *user_id, const char *model, const json_t *visible,
                json_t **ret_found, struct ein_error *err)
{
    (void)impl;
    (void)user_id;
    (void)visible;
    (void)err;
    *ret_found =
        json_pack("{s:s, s:s, s:{s:[{s:s, s:{s:s}}]}}", "provider", "scripted", "id", model,
                  "model", "built_in_tools", "id", "web", "tool_config", "type", "web_search");
    return 0;
}

static int catalog(void *impl, const char *user_id, const json_t *visible, json_t **ret_catalog,
                   struct ein_error *err)
{
    (void)impl;
    (void)user_id;
    (void)visible;
    (void)err;
    *ret_catalog = json_object();
    return 0;
}

static const struct ein_completion service = {
    .struct_size = sizeof(service), .complete = complete, .find = find, .catalog = catalog
};

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct scripted *self = calloc(1, sizeof(*self));

    (void)config;
    if (!self)
        return host->set_error(err, EIN_E_NO_MEMORY, "out of memory");
    *self = (struct scripted){ host, ctx };
    int r = host->publish(ctx, EIN_COMPLETION, "scripted", &service, self, err);
    if (r < 0)
        free(self);
    else
        *ret_self = self;
    return r;
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,  .name = "scripted-completion",
    .version = "0.1.0", .summary = "A model that says what it is told to",
    .init = init,       .fini = free,
};
EIN_PLUGIN_EXPORT(plugin)
