/* SPDX-License-Identifier: Apache-2.0 */
#include "json_text.h"
#include "str.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken is dumped and read again as the same; what is refused is refused at a place that
 * is there, in words. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_fault fault = { 0 };
    json_t *json = json_text_parse((const char *)data, size, 32, &fault), *again;
    size_t len;
    char *dump;

    if (!json) {
        if (fault.offset > size || !fault.text[0] || !str_is_utf8(fault.text, strlen(fault.text)))
            abort();
        return 0;
    }
    dump = json_text_dump(json, &len);
    again = dump ? json_text_parse(dump, len, 32, &fault) : NULL;
    if (!again || !json_equal(json, again))
        abort();
    free(dump);
    json_decref(again);
    json_decref(json);
    return 0;
}
