/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"
#include "str.h"
#include <stdarg.h>
#include <stdio.h>

/* The length of text without the character that begins but does not end in it. */
static size_t whole_characters(const char *text, size_t len)
{
    size_t start = len;

    while (start > 0 && len - start < 4 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0)
        return len;
    start--;
    return (unsigned char)text[start] < 0x80 || str_utf8_len(text + start, len - start) > 0 ? len
                                                                                            : start;
}

int error_set(struct ein_error *err, int code, const char *fmt, ...)
{
    va_list args;
    int len;

    if (!err)
        return code;

    err->code = code;
    va_start(args, fmt);
    len = vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    if (len < 0)
        err->text[0] = '\0';
    else if ((size_t)len >= sizeof(err->text))
        err->text[whole_characters(err->text, sizeof(err->text) - 1)] = '\0';
    return code;
}

int error_no_memory(struct ein_error *err)
{
    return error_set(err, EIN_E_NO_MEMORY, "The server is out of memory at the moment.");
}

void error_clear(struct ein_error *err)
{
    if (err)
        *err = (struct ein_error){ 0 };
}

int error_due(struct ein_error *err, int result)
{
    if (result < 0 && err && !err->text[0])
        (void)error_set(err, result, "it failed with %d and did not say why", result);
    return result;
}
