/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of requests for files, and paths: a part lies within the file, and a path that is let
 * through has no way up. */
#include "ask.h"
#include "open_inside.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    uint64_t first = 0, len = 0, of = size * 7;

    if (!text)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (ask_coding(text) > CODING_NONE)
        abort();
    if (ask_range(text, of, &first, &len) == RANGE_PART && (len == 0 || first + len > of))
        abort();
    if (path_is_good(text) && (text[0] == '/' || text[0] == '\0' || strncmp(text, "..", 2) == 0 ||
                               strstr(text, "/..") || strstr(text, "//")))
        abort();
    free(text);
    return 0;
}
