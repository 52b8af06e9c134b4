/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

static void cut_between_characters(char *text, size_t len)
{
    while (len && ((unsigned char)text[len - 1] & 0xc0) == 0x80)
        len--;
    if (len && (unsigned char)text[len - 1] >= 0xc0)
        len--;
    text[len] = '\0';
}

int error_set(struct ein_error *err, int code, const char *fmt, ...)
{
    if (!err)
        return code;

    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);

    err->code = code;
    if (len < 0)
        err->text[0] = '\0';
    else if ((size_t)len >= sizeof(err->text))
        cut_between_characters(err->text, sizeof(err->text) - 1);
    return code;
}
