/* SPDX-License-Identifier: Apache-2.0 */
#include "told.h"

#include "price.h"
#include "str.h"
#include <jansson.h>
#include <math.h>
#include <string.h>

/* ---- pieces ---- */

static bool is_tool_call(const json_t *data)
{
    return json_is_string(json_object_get(data, "id")) &&
           json_is_string(json_object_get(data, "name")) &&
           json_is_object(json_object_get(data, "arguments"));
}

static bool is_vector(const struct ein_llm_piece *piece)
{
    if (!EIN_HAS(struct ein_llm_piece, piece, dimensions) || !piece->vector)
        return false;
    for (uint32_t i = 0; i < piece->dimensions; i++)
        if (!isfinite(piece->vector[i]))
            return false;
    return true;
}

const char *told_piece_fault(const struct ein_llm_piece *piece)
{
    if (!piece)
        return "a piece that is NULL";
    if (piece->struct_size < offsetof(struct ein_llm_piece, vector))
        return "a piece whose struct_size is not set";
    if (piece->text && !str_is_utf8(piece->text, strlen(piece->text)))
        return "text that is not UTF-8, or cut within a character";
    if (piece->data && !json_is_object(piece->data))
        return "a piece whose data are no object";
    if (piece->kind == EIN_LLM_TOOL_CALL && !is_tool_call(piece->data))
        return "a tool call without the texts id and name and the object arguments";
    if ((piece->kind == EIN_LLM_SOURCE || piece->kind == EIN_LLM_SEARCH) && !piece->data)
        return "a source or a search without data";
    if (piece->kind == EIN_LLM_VECTOR && !is_vector(piece))
        return "a vector that has no numbers, or one that is none";
    return NULL;
}

/* ---- the outcome ---- */

static void end_text(char *text, size_t size)
{
    text[size - 1] = '\0';
    if (!str_is_utf8(text, strlen(text)))
        text[0] = '\0';
}

static bool has_used_too_much(const struct ein_llm_outcome *outcome)
{
    const uint64_t used[] = {
        outcome->input_tokens,  outcome->cached_tokens,    outcome->cache_write_tokens,
        outcome->output_tokens, outcome->reasoning_tokens, outcome->cache_hour_tokens,
        outcome->searches
    };

    for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++)
        if (used[i] > TOLD_MAX)
            return true;
    return false;
}

const char *told_outcome(struct ein_llm_outcome *outcome)
{
    const char *fault = NULL;

    end_text(outcome->stop_reason, sizeof(outcome->stop_reason));
    end_text(outcome->vendor_request_id, sizeof(outcome->vendor_request_id));
    end_text(outcome->model, sizeof(outcome->model));
    end_text(outcome->stop_sequence, sizeof(outcome->stop_sequence));
    if (outcome->fault < 0 || outcome->fault > EIN_LLM_FAULT_UNREACHABLE)
        outcome->fault = EIN_LLM_FAULT_NONE; /* nothing is known of it */
    if (has_used_too_much(outcome)) {
        outcome->input_tokens = outcome->cached_tokens = outcome->cache_write_tokens = 0;
        outcome->output_tokens = outcome->reasoning_tokens = outcome->cache_hour_tokens = 0;
        outcome->searches = 0;
        fault = "has used more than a billion tokens";
    }
    if (outcome->vendor_cost < 0 || outcome->vendor_cost > PRICE_MAX) {
        outcome->vendor_cost = 0;
        fault = "has cost less than nothing, or millions";
    }
    return fault;
}
