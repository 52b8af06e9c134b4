/* SPDX-License-Identifier: Apache-2.0 */
/* What a vendor may send as vectors: what is handed out are as many as were asked for, all of one
 * length, and of numbers.  The first byte is how many are asked for, and how many at once. */
#include "fuzz_llm.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct got {
    size_t count, dimensions;
};

static int take(const struct ein_llm_piece *piece, void *data)
{
    struct got *got = data;

    if (piece->kind != EIN_LLM_VECTOR || piece->index != got->count || piece->dimensions == 0 ||
        (got->count && piece->dimensions != got->dimensions))
        abort();
    for (size_t i = 0; i < piece->dimensions; i++)
        if (!isfinite(piece->vector[i]))
            abort();
    got->dimensions = piece->dimensions;
    got->count++;
    return 0;
}

static int ask(const void *self, const struct ein_llm_call *call, struct vendor_vectors *vectors,
               struct ein_error *err)
{
    const json_t *list = self;

    (void)call;
    return vendor_vector_all(vectors, list, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    EIN_JSON json_t *json = size ? vendor_json((const char *)data + 1, size - 1) : NULL;
    EIN_JSON json_t *inputs = json_array();
    struct got got = { 0 };
    const struct vendor_sink sink = { take, &got };
    struct ein_llm_outcome outcome = { .struct_size = sizeof(outcome) };
    struct ein_error err = { 0 };

    if (!json)
        return 0;
    for (int i = 0; i < data[0] % 4; i++)
        (void)json_array_append_new(inputs, json_string("text"));
    const struct ein_llm_call call = { .struct_size = sizeof(call), .inputs = inputs };
    const struct vendor_embedding how = {
        .vendor = &llm_vendor, .ask = ask, .self = json, .at_once = data[0] / 4 % 3
    };
    int r = vendor_embed(&how, &call, &sink, &outcome, &err);

    llm_check(r, &outcome, &err);
    if (got.count != (r < 0 ? 0 : json_array_size(inputs)))
        abort();
    return 0;
}
