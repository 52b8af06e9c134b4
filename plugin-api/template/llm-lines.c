/* SPDX-License-Identifier: Apache-2.0 */
/* llm-lines - a complete provider of models, for a server of one's own that speaks in lines:
 *
 *     GET  {base_url}/models     an id a line
 *     POST {base_url}/generate   {"model", "prompt", "max_tokens"?}; the answer comes line by line,
 *                                each line one JSON value: "a piece of the text", and at the end
 *                                {"stop": "stop" or "length", "input": tokens, "output": tokens}
 *
 * With it in the configuration its models are in GET /providers and can be called at every door:
 *
 *     plugins:
 *       house:                   # the provider's name, as in "house/small-1"
 *         plugin: llm-lines
 *         base_url: http://127.0.0.1:9100
 *         api_key_env: HOUSE_KEY # sent as bearer token, where it is set
 *
 * What it shows: one instance a server, published under the instance's name; a list of models; an
 * answer streamed as it comes; usage, stop reason, deadlines and cancelling; each failure as one
 * fault and one honest sentence.  What there is no need for here is refused, not ignored.
 *
 * Needs a host of ABI 1.1 for publish() without a name. */
#include <einion/services.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 1 << 20, WHY_MAX = 160, HEADERS_MAX = 3 };

struct provider { /* const after init */
    const struct ein_host *host;
    struct ein_ctx *ctx;
    const char *base_url, *api_key_env; /* lent by the config */
};

struct answer { /* one call, while it runs */
    const struct ein_host *host;
    ein_llm_sink *sink;
    void *sink_data;
    struct ein_llm_outcome *outcome;
    char *line; /* as much of it as has come */
    size_t len;
    char why[WHY_MAX]; /* the body of a refusal, as far as it is shown */
    int stopped, ended, broken;
};

/* ---- requests ---- */

static char *url_of(const struct provider *provider, const char *path)
{
    size_t size = strlen(provider->base_url) + strlen(path) + 1;
    char *url = malloc(size);

    if (url)
        snprintf(url, size, "%s%s", provider->base_url, path);
    return url;
}

/* "Authorization: Bearer KEY", or NULL: there is no key. */
static char *authorization(const struct provider *provider, const char *key)
{
    static const char form[] = "Authorization: Bearer ";
    char *header;

    if (!key && *provider->api_key_env)
        key = provider->host->secret(provider->ctx, provider->api_key_env);
    if (!key || !*key)
        return NULL;
    header = malloc(sizeof(form) + strlen(key));
    if (header)
        sprintf(header, "%s%s", form, key);
    return header;
}

/* The text of all messages; the server knows no more than one prompt. */
static json_t *prompt_of(const json_t *messages)
{
    json_t *prompt = json_string(""), *message, *part, *longer;
    size_t i, j;

    json_array_foreach((json_t *)messages, i, message)
    {
        const json_t *content = json_object_get(message, "content");
        const char *role = json_string_value(json_object_get(message, "role"));
        const char *text = json_string_value(content);

        longer = json_sprintf("%s%s: %s", json_string_value(prompt), role, text ? text : "");
        json_decref(prompt);
        prompt = longer;
        json_array_foreach((json_t *)content, j, part)
        {
            text = json_string_value(json_object_get(part, "text"));
            longer = json_sprintf("%s%s", json_string_value(prompt), text ? text : "");
            json_decref(prompt);
            prompt = longer;
        }
        longer = json_sprintf("%s\n", json_string_value(prompt));
        json_decref(prompt);
        prompt = longer;
    }
    return prompt;
}

static char *body_of(const struct provider *provider, const struct ein_llm_call *call,
                     size_t *ret_len)
{
    json_t *body =
        json_pack("{s:s, s:o, s:O*}", "model", call->model, "prompt", prompt_of(call->messages),
                  "max_tokens", json_object_get(call->parameters, "max_tokens"));
    char *text = provider->host->json_text(body, ret_len);

    json_decref(body);
    return text;
}

/* ---- the answer, line by line ---- */

static void end_answer(struct answer *answer, const json_t *end)
{
    const char *stop = json_string_value(json_object_get(end, "stop"));

    answer->ended = 1;
    answer->outcome->input_tokens = (uint64_t)json_integer_value(json_object_get(end, "input"));
    answer->outcome->output_tokens = (uint64_t)json_integer_value(json_object_get(end, "output"));
    snprintf(answer->outcome->stop_reason, sizeof(answer->outcome->stop_reason), "%s",
             stop && strcmp(stop, "length") == 0 ? "length" : "stop");
}

static void take_line(struct answer *answer)
{
    json_t *value = json_loadb(answer->line, answer->len, JSON_DECODE_ANY, NULL);

    if (json_is_string(value)) {
        struct ein_llm_piece piece = { .struct_size = sizeof(piece),
                                       .kind = EIN_LLM_TEXT,
                                       .text = json_string_value(value) };
        answer->stopped = answer->sink(&piece, answer->sink_data) != 0;
    } else if (json_is_object(value)) {
        end_answer(answer, value);
    } else if (answer->len > 0) {
        answer->broken = 1;
    }
    json_decref(value);
    answer->len = 0;
}

/* Of the fetch: status and headers have come. */
static int on_head(void *data, int status, const struct json_t *headers)
{
    struct answer *answer = data;
    const char *delay = json_string_value(json_object_get(headers, "retry-after"));
    long seconds = delay ? strtol(delay, NULL, 10) : 0;

    answer->outcome->vendor_status = status;
    if (seconds > 0 && seconds <= 86400)
        answer->outcome->retry_after_ms = (uint32_t)seconds * 1000;
    return 0;
}

/* Of the fetch: a piece of the body, cut anywhere.  Non-zero ends the transfer; what comes after the
 * end of the answer is not waited for. */
static int on_data(void *data, const void *piece, size_t len)
{
    struct answer *answer = data;
    const char *text = piece;

    for (size_t i = 0; i < len && !answer->stopped && !answer->broken; i++) {
        if (answer->outcome->vendor_status != 200) {
            size_t end = strlen(answer->why);
            if (end + 1 < WHY_MAX && text[i] >= ' ')
                answer->why[end] = text[i];
        } else if (text[i] == '\n') {
            take_line(answer);
        } else if (answer->len < LINE_MAX_BYTES) {
            answer->line[answer->len++] = text[i];
        } else {
            answer->broken = 1;
        }
    }
    if (answer->stopped || answer->broken)
        return 1;
    return answer->ended ? EIN_FETCH_ENOUGH : 0;
}

/* ---- what went wrong ---- */

static int refused(const struct answer *answer, struct ein_error *err)
{
    static const struct {
        int status, code, fault;
        const char *sentence;
    } kinds[] = {
        { 401, EIN_E_DENIED, EIN_LLM_FAULT_BAD_KEY, "does not accept the key" },
        { 403, EIN_E_DENIED, EIN_LLM_FAULT_BAD_KEY, "does not accept the key" },
        { 413, EIN_E_TOO_LARGE, EIN_LLM_FAULT_CONTEXT_TOO_LONG, "cannot read that much" },
        { 429, EIN_E_BUSY, EIN_LLM_FAULT_RATE_LIMIT, "wants fewer calls" },
    };
    const struct ein_host *host = answer->host;
    int status = answer->outcome->vendor_status;
    char *why = host->redact(answer->why);
    int r = status >= 500 ? EIN_E_UNAVAILABLE : EIN_E_INVALID;
    const char *sentence = status >= 500 ? "is overloaded" : "refuses the call";

    answer->outcome->fault = status >= 500 ? EIN_LLM_FAULT_OVERLOADED : EIN_LLM_FAULT_BAD_REQUEST;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i].status == status) {
            answer->outcome->fault = kinds[i].fault;
            r = kinds[i].code;
            sentence = kinds[i].sentence;
        }
    host->set_error(err, r, "The server %s (%d): %s", sentence, status, why ? why : "");
    host->mem_free(why);
    return r;
}

/* `r` is what fetch() returned, and said in `err`. */
static int judge(const struct answer *answer, int r, struct ein_error *err)
{
    struct ein_llm_outcome *outcome = answer->outcome;

    if (answer->stopped)
        return answer->host->set_error(err, EIN_E_CANCELLED, "The caller has heard enough");
    if (answer->ended && !answer->broken)
        return 0;
    if (r == EIN_E_CANCELLED && !answer->broken)
        return r;
    outcome->fault = EIN_LLM_FAULT_UNREACHABLE;
    if (answer->broken)
        return answer->host->set_error(err, EIN_E_UNAVAILABLE,
                                       "The server sent a line that is not JSON");
    if (r < 0)
        return r == EIN_E_TIMEOUT ? r
                                  : answer->host->set_error(err, EIN_E_UNAVAILABLE,
                                                            "The server cannot be reached");
    if (outcome->vendor_status != 200)
        return refused(answer, err);
    return answer->host->set_error(err, EIN_E_UNAVAILABLE, "The answer broke off");
}

/* ---- llm_provider/1 ---- */

static int cannot(const struct provider *provider, const struct ein_llm_call *call,
                  struct ein_llm_outcome *outcome, struct ein_error *err)
{
    const char *what = json_array_size(call->tools) > 0 ? "calls no tools"
                       : call->reply_schema             ? "keeps to no schema"
                                                        : NULL;

    if (!what)
        return 0;
    outcome->fault = EIN_LLM_FAULT_BAD_REQUEST;
    return provider->host->set_error(err, EIN_E_INVALID, "The server %s", what);
}

static int generate(const struct provider *provider, const struct ein_llm_call *call,
                    struct answer *answer, const char *body, size_t body_len, struct ein_error *err)
{
    char *url = url_of(provider, "/generate"), *key = authorization(provider, call->api_key);
    const char *headers[HEADERS_MAX] = { "Content-Type: application/json", key, NULL };
    struct ein_fetch fetch = {
        .struct_size = sizeof(fetch),
        .egress = EIN_EGRESS_OPERATOR,
        .connect_ms = call->connect_ms,
        .first_byte_ms = call->first_byte_ms,
        .idle_ms = call->idle_ms,
        .total_ms = call->total_ms,
        .method = "POST",
        .url = url,
        .headers = headers,
        .body = body,
        .body_len = body_len,
        .on_head = on_head,
        .on_data = on_data,
        .data = answer,
        .cancel = call->cancel,
    };
    struct ein_fetched fetched = { .struct_size = sizeof(fetched) };
    int r =
        url ? provider->host->client->fetch(provider->ctx, &fetch, &fetched, err) : EIN_E_NO_MEMORY;

    json_decref(fetched.headers);
    provider->host->mem_free(fetched.body);
    free(url);
    free(key);
    if (r >= 0)
        take_line(answer); /* the last one may lack its end */
    return judge(answer, r, err);
}

static int complete(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink, void *data,
                    struct ein_llm_outcome *ret_outcome, struct ein_error *err)
{
    const struct provider *provider = impl;
    struct answer answer = { .host = provider->host,
                             .sink = sink,
                             .sink_data = data,
                             .outcome = ret_outcome,
                             .line = malloc(LINE_MAX_BYTES) };
    size_t body_len = 0;
    char *body = body_of(provider, call, &body_len);
    int r = cannot(provider, call, ret_outcome, err);

    if (r >= 0 && (!body || !answer.line))
        r = provider->host->set_error(err, EIN_E_NO_MEMORY, "out of memory");
    if (r >= 0)
        r = generate(provider, call, &answer, body, body_len, err);
    provider->host->mem_free(body);
    free(answer.line);
    return r;
}

/* {"id", ...} of each line.  What a model can and costs may be told here too; else the operator's
 * files of models say it. */
static json_t *models_of(char *text)
{
    json_t *models = json_array();
    char *rest = NULL;

    for (char *id = strtok_r(text, "\r\n", &rest); id; id = strtok_r(NULL, "\r\n", &rest))
        json_array_append_new(models, json_pack("{s:s, s:{}}", "id", id, "parameters"));
    return models;
}

static int models(void *impl, struct json_t **ret_models, struct ein_error *err)
{
    const struct provider *provider = impl;
    char *url = url_of(provider, "/models"), *key = authorization(provider, NULL);
    const char *headers[] = { key, NULL };
    struct ein_fetch fetch = { .struct_size = sizeof(fetch),
                               .egress = EIN_EGRESS_OPERATOR,
                               .method = "GET",
                               .url = url,
                               .headers = headers };
    struct ein_fetched fetched = { .struct_size = sizeof(fetched) };
    int r = url ? provider->host->client->fetch(provider->ctx, &fetch, &fetched, err)
                : provider->host->set_error(err, EIN_E_NO_MEMORY, "out of memory");

    if (r >= 0 && fetched.status != 200)
        r = provider->host->set_error(err, EIN_E_UNAVAILABLE,
                                      "The server does not list its models (%d)", fetched.status);
    if (r >= 0)
        *ret_models = models_of(fetched.body);
    json_decref(fetched.headers);
    provider->host->mem_free(fetched.body);
    free(url);
    free(key);
    return r;
}

static const struct ein_llm_provider service = {
    .struct_size = sizeof(service),
    .models = models,
    .complete = complete,
};

/* ---- the plugin ---- */

static int init(const struct ein_host *host, struct ein_ctx *ctx, const struct json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct provider *provider = calloc(1, sizeof(*provider));
    int r;

    if (!provider)
        return EIN_E_NO_MEMORY;
    provider->host = host;
    provider->ctx = ctx;
    provider->base_url = json_string_value(json_object_get(config, "base_url"));
    provider->api_key_env = json_string_value(json_object_get(config, "api_key_env"));
    r = host->publish(ctx, EIN_LLM_PROVIDER, NULL, &service, provider, err);
    if (r < 0) {
        free(provider);
        return r;
    }
    *ret_self = provider;
    return 0;
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .min_host_minor = 1,
    .name = "llm-lines",
    .version = "1.0",
    .summary = "Models of a server that speaks in lines",
    .config_schema = "{\"type\":\"object\",\"required\":[\"base_url\"],\"properties\":{"
                     "\"base_url\":{\"type\":\"string\",\"minLength\":1},"
                     "\"api_key_env\":{\"type\":\"string\",\"default\":\"\"}}}",
    .init = init,
    .fini = free,
};

EIN_PLUGIN_EXPORT(plugin)
