/* SPDX-License-Identifier: Apache-2.0 */
#include "chunk.h"

#include "json_text.h"
#include <string.h>

void chunk_init(struct chunk *chunk)
{
    *chunk = (struct chunk){ .head = 0 };
    buf_init_in(&chunk->last, chunk->first, sizeof(chunk->first), CHUNK_MAX);
}

void chunk_done(struct chunk *chunk)
{
    buf_done(&chunk->last);
}

static const struct json_known of_delta[] = { { "role" }, { "content", CHUNK_CONTENT }, { 0 } };
static const struct json_known of_choice[] = { { "index", CHUNK_INDEX },
                                               { "delta", .members = of_delta },
                                               { "finish_reason", CHUNK_REASON },
                                               { 0 } };
static const struct json_known of_input[] = { { "cached_tokens", CHUNK_CACHED },
                                              { "audio_tokens" },
                                              { 0 } };
static const struct json_known of_output[] = { { "reasoning_tokens", CHUNK_REASONING },
                                               { "audio_tokens" },
                                               { "accepted_prediction_tokens" },
                                               { "rejected_prediction_tokens" },
                                               { 0 } };
static const struct json_known of_usage[] = {
    { "prompt_tokens", CHUNK_INPUT },
    { "completion_tokens", CHUNK_OUTPUT },
    { "total_tokens", CHUNK_TOTAL },
    { "prompt_tokens_details", .members = of_input },
    { "completion_tokens_details", .members = of_output },
    { 0 },
};
static const struct json_known of_chunk[] = {
    { "id", CHUNK_ID },
    { "object" },
    { "created" },
    { "model", CHUNK_MODEL },
    { "provider" },
    { "service_tier" },
    { "system_fingerprint" },
    { "choices", .members = of_choice, .list = true },
    { "usage", .members = of_usage },
    { "obfuscation" },
    { 0 },
};

/* ---- knowing again ---- */

static void learn(struct chunk *chunk, const char *text, size_t len, const struct json_found *told)
{
    const struct json_found *content = &told[CHUNK_CONTENT];

    buf_clear(&chunk->last);
    if (!json_is_string(content->value) || told[CHUNK_REASON].value)
        return;
    chunk->head = (size_t)(content->at - text) + 1;
    chunk->tail = len - chunk->head - content->len + 2;
    (void)buf_add(&chunk->last, text, len);
}

/* Only the text is another, NULL: it is no text, or there is more. */
static json_t *text_as_last(const struct chunk *chunk, const char *text, size_t len)
{
    const struct buf *last = &chunk->last;
    const size_t head = chunk->head, tail = chunk->tail;

    if (!last->len || len < head + tail || memcmp(text, last->data, head) != 0 ||
        memcmp(text + len - tail, last->data + last->len - tail, tail) != 0)
        return NULL;
    return json_text_parse(text + head - 1, len - head - tail + 2, 1, NULL);
}

/* ---- reading ---- */

/* Of the first of several answers, and no error. */
static bool is_plain(const struct json_found *told)
{
    const char *reason = json_string_value(told[CHUNK_REASON].value);

    return json_integer_value(told[CHUNK_INDEX].value) == 0 &&
           (!reason || strcmp(reason, "error") != 0);
}

bool chunk_read(struct chunk *chunk, const char *text, size_t len, struct json_found *told)
{
    told[CHUNK_CONTENT].value = text_as_last(chunk, text, len);
    if (told[CHUNK_CONTENT].value)
        return true;
    if (!json_known_read(text, len, of_chunk, told) || !is_plain(told))
        return false;
    learn(chunk, text, len, told);
    return true;
}
