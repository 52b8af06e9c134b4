/* SPDX-License-Identifier: Apache-2.0 */
/* completion/1 that does what the last message says, which is a JSON object:
 *   "pieces"   [{"kind": 100, "text", "data"}], sent before anything else
 *   "echo"     true: a piece of text that holds the call as JSON
 *   "hang"     true: waits until the call is cancelled, and says so in the file that is configured
 *   "outcome"  members of struct ein_completion_outcome, those known before the first piece first
 *   "error"    [code, text]: so it ends */
#include <einion/services.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scripted {
    const struct ein_host *host;
    const char *file;
};

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static json_int_t number_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

/* The text of the last message, or of its last part. */
static json_t *script_of(const struct ein_completion_call *call)
{
    const json_t *message = json_array_get(call->messages, json_array_size(call->messages) - 1);
    const json_t *content = json_object_get(message, "content");
    const json_t *part = json_array_get(content, json_array_size(content) - 1);
    const char *text = json_string_value(content);

    if (!text)
        text = text_of(part, "text");
    if (!*text)
        text = json_string_value(json_object_get(part, "content"));
    return text ? json_loads(text, 0, NULL) : NULL;
}

static void fill_rate(struct ein_rate *rate, const json_t *from)
{
    rate->limit = json_integer_value(json_array_get(from, 0));
    rate->remaining = json_integer_value(json_array_get(from, 1));
    rate->reset_ms = (uint32_t)json_integer_value(json_array_get(from, 2));
}

static void fill_begin(struct ein_completion_outcome *ret, const json_t *from)
{
    ret->attempts = (uint32_t)number_of(from, "attempts");
    (void)snprintf(ret->provider, sizeof(ret->provider), "%s", text_of(from, "provider"));
    (void)snprintf(ret->model, sizeof(ret->model), "%s", text_of(from, "model"));
    fill_rate(&ret->requests, json_object_get(from, "requests"));
    fill_rate(&ret->tokens, json_object_get(from, "tokens"));
}

static void fill_end(struct ein_completion_outcome *ret, const json_t *from)
{
    ret->fault = (int32_t)number_of(from, "fault");
    ret->status = (int32_t)number_of(from, "status");
    ret->retry_after_ms = (uint32_t)number_of(from, "retry_after_ms");
    ret->cost = number_of(from, "cost");
    ret->input_tokens = (uint64_t)number_of(from, "input_tokens");
    ret->cached_tokens = (uint64_t)number_of(from, "cached_tokens");
    ret->cache_write_tokens = (uint64_t)number_of(from, "cache_write_tokens");
    ret->output_tokens = (uint64_t)number_of(from, "output_tokens");
    ret->reasoning_tokens = (uint64_t)number_of(from, "reasoning_tokens");
    ret->searches = (uint64_t)number_of(from, "searches");
    ret->overhead_us = (uint64_t)number_of(from, "overhead_us");
    (void)snprintf(ret->stop_reason, sizeof(ret->stop_reason), "%s", text_of(from, "stop_reason"));
    (void)snprintf(ret->stop_sequence, sizeof(ret->stop_sequence), "%s",
                   text_of(from, "stop_sequence"));
    ret->notes = json_incref(json_object_get(from, "notes"));
}

static json_t *echo_of(const struct ein_completion_call *call)
{
    return json_pack("{s:s, s:s*, s:s*, s:O, s:O*, s:O*, s:O*, s:O*, s:O*, s:O*, s:s*}", "model",
                     call->model, "user", call->user_id, "key", call->key_id, "messages",
                     call->messages, "tools", call->tools, "built_in_tools", call->built_in_tools,
                     "reply_schema", call->reply_schema, "parameters", call->parameters,
                     "tool_choice", call->tool_choice, "visible", call->visible, "request_id",
                     call->request_id);
}

static int send(ein_llm_sink *sink, void *data, int32_t kind, const char *text, const json_t *more)
{
    const struct ein_llm_piece piece = {
        .struct_size = sizeof(piece), .kind = kind, .text = text, .data = more
    };

    return sink(&piece, data);
}

static int send_all(const json_t *script, const struct ein_completion_call *call,
                    ein_llm_sink *sink, void *data)
{
    const json_t *piece;
    size_t i;
    int r = 0;

    json_array_foreach(json_object_get(script, "pieces"), i, piece)
    {
        r = send(sink, data, (int32_t)number_of(piece, "kind"),
                 json_string_value(json_object_get(piece, "text")), json_object_get(piece, "data"));
        if (r)
            return r;
    }
    if (json_is_true(json_object_get(script, "echo"))) {
        json_t *echo = echo_of(call);
        char *text = json_dumps(echo, 0);

        r = send(sink, data, EIN_LLM_TEXT, text, NULL);
        free(text);
        json_decref(echo);
    }
    return r;
}

static void hang(const struct scripted *self, const struct ein_completion_call *call)
{
    struct pollfd wait = { .fd = self->host->cancel->wait_fd(call->cancel), .events = POLLIN };
    FILE *file;

    (void)poll(&wait, 1, 60000);
    file = fopen(self->file, "a");
    if (file) {
        (void)fprintf(file, "%s\n",
                      self->host->cancel->fired(call->cancel) ? "cancelled" : "bored");
        (void)fclose(file);
    }
}

static int complete(void *impl, const struct ein_completion_call *call, ein_llm_sink *sink,
                    void *data, struct ein_completion_outcome *ret, struct ein_error *err)
{
    const struct scripted *self = impl;
    json_t *script = script_of(call), *outcome = json_object_get(script, "outcome");
    json_t *error = json_object_get(script, "error");
    int r = 0;

    if (!script)
        return self->host->set_error(err, EIN_E_INVALID, "The last message is no script.");
    fill_begin(ret, outcome);
    if (send_all(script, call, sink, data))
        r = self->host->set_error(err, EIN_E_CANCELLED, "The call was cancelled.");
    if (r == 0 && json_is_true(json_object_get(script, "hang"))) {
        hang(self, call);
        r = self->host->set_error(err, EIN_E_CANCELLED, "The call was cancelled.");
    }
    fill_end(ret, outcome);
    if (r == 0 && error)
        r = self->host->set_error(err, (int)json_integer_value(json_array_get(error, 0)), "%s",
                                  json_string_value(json_array_get(error, 1)));
    json_decref(script);
    return r;
}

static int find(void *impl, const char *user_id, const char *model, const json_t *visible,
                json_t **ret_found, struct ein_error *err)
{
    const struct scripted *self = impl;

    (void)user_id;
    (void)visible;
    if (strcmp(model, "one/small") != 0 && strcmp(model, "small") != 0)
        return self->host->set_error(err, EIN_E_NOT_FOUND, "There is no model '%s'.", model);
    *ret_found = json_pack("{s:s, s:s, s:{s:i}}", "provider", "one", "id", "small", "model",
                           "context_window", 1000);
    return 0;
}

static int catalog(void *impl, const char *user_id, const json_t *visible, json_t **ret_catalog,
                   struct ein_error *err)
{
    (void)impl;
    (void)user_id;
    (void)err;
    *ret_catalog = json_pack("{s:{s:{s:{s:i}, s:{s:s}}}, s:{s:{s:{s:O}}}}", "one", "models",
                             "small", "context_window", 1000, "large/v2", "name", "Large",
                             "gofannon", "models", "agent", "visible", visible);
    return 0;
}

static const struct ein_completion completion = {
    .struct_size = sizeof(completion), .complete = complete, .find = find, .catalog = catalog
};

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct scripted *self = calloc(1, sizeof(*self));

    if (!self)
        return EIN_E_NO_MEMORY;
    self->host = host;
    self->file = json_string_value(json_object_get(config, "file"));
    *ret_self = self;
    return host->publish(ctx, EIN_COMPLETION, "scripted", &completion, self, err);
}

static void fini(void *self)
{
    free(self);
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .name = "scripted",
    .version = "1.0.0",
    .summary = "Answers what it is told to",
    .config_schema = "{\"type\": \"object\", \"properties\": {\"file\": {\"type\": \"string\", "
                     "\"default\": \"/dev/null\"}}}",
    .init = init,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
