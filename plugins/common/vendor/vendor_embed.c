/* SPDX-License-Identifier: Apache-2.0 */
#include "base64url.h"
#include "clock.h"
#include "error.h"
#include "member.h"
#include "vendor.h"

#include <endian.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* ---- what comes ---- */

static int wrong(const struct vendor_vectors *vectors, struct ein_error *err, const char *what)
{
    return vendor_fault(vectors->outcome, EIN_LLM_FAULT_UNREACHABLE, err, "%s sent %s",
                        vectors->vendor->title, what);
}

/* free(); NULL: it is no array of numbers that a float has room for, or no memory. */
static float *read_numbers(const json_t *vector, size_t *ret_count)
{
    size_t count = json_array_size(vector);
    EIN_FREE float *row = calloc(count + 1, sizeof(*row));

    for (size_t i = 0; row && i < count; i++) {
        const json_t *number = json_array_get(vector, i);

        if (!json_is_number(number) || fabs(json_number_value(number)) > (double)FLT_MAX)
            return NULL;
        row[i] = (float)json_number_value(number);
    }
    *ret_count = count;
    return EIN_TAKE(row);
}

static unsigned char *decode(const json_t *text, size_t *ret_len)
{
    EIN_FREE char *copy = strdup(json_string_value(text));
    size_t len = json_string_length(text);

    if (!copy)
        return NULL;
    while (len > 0 && copy[len - 1] == '=')
        len--;
    for (size_t i = 0; i < len; i++)
        copy[i] = copy[i] == '+' ? '-' : copy[i] == '/' ? '_' : copy[i];
    return base64url_decode(copy, len, ret_len);
}

/* The same of base64. */
static float *read_bytes(const json_t *text, size_t *ret_count)
{
    size_t len = 0;
    EIN_FREE unsigned char *bytes = decode(text, &len);
    size_t count = len / sizeof(float);
    EIN_FREE float *row = calloc(count + 1, sizeof(*row));

    if (!bytes || !row || len % sizeof(float))
        return NULL;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;

        memcpy(&bits, bytes + i * sizeof(bits), sizeof(bits));
        bits = le32toh(bits);
        memcpy(&row[i], &bits, sizeof(bits));
        if (!isfinite(row[i]))
            return NULL;
    }
    *ret_count = count;
    return EIN_TAKE(row);
}

int vendor_vector(struct vendor_vectors *vectors, size_t index, const json_t *vector,
                  struct ein_error *err)
{
    size_t count = 0;

    if (index >= vectors->asked)
        return wrong(vectors, err, "more vectors than there are inputs");
    if (vectors->rows[vectors->first + index])
        return wrong(vectors, err, "two vectors of one input");
    EIN_FREE float *row = json_is_string(vector)  ? read_bytes(vector, &count)
                          : json_is_array(vector) ? read_numbers(vector, &count)
                                                  : NULL;
    if (!row || count == 0)
        return wrong(vectors, err, "a vector that is none");
    if (vectors->dimensions && count != vectors->dimensions)
        return wrong(vectors, err, "vectors of several lengths");
    vectors->dimensions = count;
    vectors->rows[vectors->first + index] = EIN_TAKE(row);
    return 0;
}

int vendor_vector_all(struct vendor_vectors *vectors, const json_t *list, struct ein_error *err)
{
    size_t i;
    json_t *vector;
    int r = 0;

    json_array_foreach((json_t *)list, i, vector)
    {
        if (r == 0)
            r = vendor_vector(vectors, i, vector, err);
    }
    return r;
}

/* ---- asking ---- */

static int check_inputs(const struct vendor_embedding *how, const struct ein_llm_call *call,
                        struct ein_llm_outcome *outcome, struct ein_error *err)
{
    const json_t *input;
    size_t i;

    json_array_foreach(call->inputs, i, input)
    {
        if (!json_is_string(input) && !how->tokens)
            return vendor_fault(outcome, EIN_LLM_FAULT_BAD_REQUEST, err,
                                "%s embeds text, and takes no tokens", how->vendor->title);
    }
    return 0;
}

/* Have all come that were asked for, and as long as they were to be? */
static int check_vectors(const struct vendor_vectors *vectors, const struct ein_llm_call *call,
                         struct ein_error *err)
{
    json_int_t wanted = integer_of(call->parameters, "dimensions");

    for (size_t i = 0; i < vectors->asked; i++)
        if (!vectors->rows[vectors->first + i])
            return wrong(vectors, err, "fewer vectors than there are inputs");
    if (wanted > 0 && (size_t)wanted != vectors->dimensions)
        return vendor_fault(vectors->outcome, EIN_LLM_FAULT_BAD_REQUEST, err,
                            "%s sent vectors of %zu dimensions, and not of %lld",
                            vectors->vendor->title, vectors->dimensions, (long long)wanted);
    return 0;
}

/* Those from vectors->first on. */
static int ask_some(const struct vendor_embedding *how, struct ein_llm_call call,
                    struct vendor_vectors *vectors, struct ein_error *err)
{
    EIN_JSON json_t *inputs = json_array();
    struct ein_llm_outcome *outcome = vectors->outcome;
    const json_t *all = call.inputs;
    uint64_t tokens = outcome->input_tokens;
    int r = 0;

    for (size_t i = 0; i < vectors->asked; i++)
        if (json_array_append(inputs, json_array_get(all, vectors->first + i)) < 0)
            return error_no_memory(err);
    call.inputs = inputs;
    *outcome = (struct ein_llm_outcome){ .struct_size = sizeof(*outcome) };
    r = how->ask(how->self, &call, vectors, err);
    if (r >= 0)
        r = check_vectors(vectors, &call, err);
    outcome->input_tokens += tokens;
    return r;
}

static int ask_all(const struct vendor_embedding *how, struct ein_llm_call *call,
                   struct vendor_vectors *vectors, struct ein_error *err)
{
    int64_t until_ms = clock_mono_ms() + call->total_ms;
    int r = check_inputs(how, call, vectors->outcome, err);

    while (r >= 0 && vectors->first < vectors->count) {
        size_t left = vectors->count - vectors->first;

        vectors->asked = how->at_once && how->at_once < left ? how->at_once : left;
        vendor_left(call, until_ms);
        r = ask_some(how, *call, vectors, err);
        vectors->first += vectors->asked;
    }
    return r;
}

static int give(const struct vendor_vectors *vectors, const struct vendor_sink *sink,
                struct ein_error *err)
{
    for (size_t i = 0; i < vectors->count; i++) {
        const struct ein_llm_piece piece = { .struct_size = sizeof(piece),
                                             .kind = EIN_LLM_VECTOR,
                                             .vector = vectors->rows[i],
                                             .dimensions = (uint32_t)vectors->dimensions,
                                             .index = (uint32_t)i };

        if (sink->sink(&piece, sink->data) != 0)
            return error_set(err, EIN_E_CANCELLED, "the call was cancelled");
    }
    return 0;
}

int vendor_embed(const struct vendor_embedding *how, const struct ein_llm_call *given,
                 const struct vendor_sink *sink, struct ein_llm_outcome *ret_outcome,
                 struct ein_error *err)
{
    struct ein_llm_outcome outcome = { .struct_size = sizeof(outcome) };
    struct vendor_vectors vectors = { .vendor = how->vendor, .outcome = &outcome };
    struct ein_llm_call call;
    int r;

    vendor_read_call(given, &call);
    vectors.count = json_array_size(call.inputs);
    vectors.rows = calloc(vectors.count + 1, sizeof(*vectors.rows));
    r = vectors.rows ? ask_all(how, &call, &vectors, err) : error_no_memory(err);
    if (r >= 0)
        r = give(&vectors, sink, err);
    for (size_t i = 0; vectors.rows && i < vectors.count; i++)
        free(vectors.rows[i]);
    free(vectors.rows);
    vendor_give_outcome(&outcome, ret_outcome);
    return r;
}
