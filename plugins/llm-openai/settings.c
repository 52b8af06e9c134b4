/* SPDX-License-Identifier: Apache-2.0 */
#include "member.h"
#include "openai.h"

#include <string.h>

static bool is_set(const json_t *config, const char *name)
{
    return json_is_true(json_object_get(config, name));
}

static bool is_text(const json_t *config, const char *name, const char *text)
{
    return strcmp(text_or_empty(config, name), text) == 0;
}

int openai_init(struct openai *openai, const struct ein_host *host, struct ein_ctx *ctx,
                const json_t *config, struct ein_error *err)
{
    openai->config = config;
    openai->style = is_text(config, "api_style", "chat")        ? OPENAI_CHAT
                    : is_text(config, "api_style", "responses") ? OPENAI_RESPONSES
                                                                : OPENAI_AUTO;
    openai->chat_path = text_or_empty(config, "chat_path");
    openai->responses_path = text_or_empty(config, "responses_path");
    openai->models_path = text_or_empty(config, "models_path");
    openai->embeddings_path = text_or_empty(config, "embeddings_path");
    openai->embeddings_format = text_or_empty(config, "embeddings_format");
    openai->system_role = text_or_empty(config, "system_role");
    openai->max_tokens_name = text_or_empty(config, "max_tokens_name");
    openai->reasoning_summary = text_or_empty(config, "reasoning_summary");
    openai->reasoning_is_object = is_text(config, "reasoning", "object");
    openai->schema_is_format = is_text(config, "responses_schema", "response_format");
    openai->cache_control = is_set(config, "cache_control");
    openai->reasoning_content = is_set(config, "reasoning_content");
    openai->key_header =
        *text_or_empty(config, "key_header") ? text_or_empty(config, "key_header") : NULL;
    openai->stream = is_set(config, "stream");
    openai->stream_usage = is_set(config, "stream_usage");
    openai->takes_tools = is_set(config, "tools");
    openai->needs_key = is_set(config, "needs_key");
    openai->live_models = is_set(config, "live_models");
    int r = refused_new(config, &openai->refused, err);
    return r < 0 ? r : vendor_init(&openai->vendor, host, ctx, config, err);
}
