/* SPDX-License-Identifier: Apache-2.0 */
#include "log_line.h"
#include "redact.h"
#include "str.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* UTF-8 stays UTF-8, and a log line is one line of harmless characters. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct log_entry entry = { .level = EIN_INFO, .source = "x", .message = text };
    char line[LOG_LINE_MAX];
    size_t len;
    char *clean = redact(text, size, &len);

    if (!clean || (str_is_utf8(text, size) && !str_is_utf8(clean, len)))
        abort();
    free(clean);

    entry.message_len = size;
    for (int is_json = 0; is_json < 2; is_json++) {
        len = log_line_entry(line, is_json, "2026-01-31T23:59:59.123Z", &entry);
        if (len > LOG_LINE_MAX || memchr(line, '\n', len) != line + len - 1 ||
            !str_is_utf8(line, len) || memchr(line, '\x1b', len))
            abort();
    }
    return 0;
}
