/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever Accept says, a type is not wanted more than another that is wanted more than it. */
#include "accept.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = { "text/event-stream", "application/json" };
    char *text = malloc(size + 1);

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (accept_prefers(text, types[0], types[1]) && accept_prefers(text, types[1], types[0]))
        abort();
    if (accept_prefers(text, types[0], types[0]))
        abort();
    free(text);
    return 0;
}
